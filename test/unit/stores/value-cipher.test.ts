import { describe, expect, it } from 'vitest'
import { ConfigurationError, StoreError } from '../../../shared/errors.ts'
import { ValueCipher } from '../../../shared/stores/value-cipher.ts'

const OLD = 'the old key, which is long enough'
const NEW = 'the new key, which is long enough'

describe('a value cipher', () => {
  it.each(['', 'a', '{"text":"é ☃ 😀"}', 'x'.repeat(1_000_000), '\u0000'])('gives text %# back', (text) => {
    const cipher = new ValueCipher([NEW])

    expect(cipher.open(cipher.seal(text, 'place'), 'place')).toBe(text)
  })

  it.each([[[]], [[0]], [[1, 2, 3]], [[255, 0, 128]]])('gives bytes back as bytes: %j', (bytes) => {
    const cipher = new ValueCipher([NEW])

    const opened = cipher.open(cipher.seal(Uint8Array.from(bytes), 'place'), 'place')

    expect(opened).toBeInstanceOf(Uint8Array)
    expect([...Buffer.from(opened)]).toEqual(bytes)
  })

  it('takes 35 bytes more than what it seals', () => {
    expect(new ValueCipher([NEW]).seal('x'.repeat(100), 'place')).toHaveLength(135)
  })

  it('shows nothing of the text, and never stores the same twice', () => {
    const cipher = new ValueCipher([NEW])

    const stored = Array.from({ length: 100 }, () => cipher.seal('"attack at dawn"', 'place'))

    expect(new Set(stored.map((sealed) => Buffer.from(sealed).toString('hex'))).size).toBe(100)
    for (const sealed of stored) expect(Buffer.from(sealed).includes('attack')).toBe(false)
  })

  it('encrypts with the first key and decrypts with each', () => {
    const before = new ValueCipher([OLD]).seal('text', 'place')
    const during = new ValueCipher([NEW, OLD])

    expect(during.open(before, 'place')).toBe('text')
    expect(new ValueCipher([NEW]).open(during.seal('text', 'place'), 'place')).toBe('text')
    expect(() => new ValueCipher([OLD]).open(during.seal('text', 'place'), 'place')).toThrow(StoreError)
  })

  it('says which key is missing, and not what the keys are', () => {
    const stored = new ValueCipher([OLD]).seal('text', 'connection "a", scope')

    const read = () => new ValueCipher([NEW]).open(stored, 'connection "a", scope')

    expect(read).toThrow(
      /^connection "a", scope was encrypted with a key \(id [\w-]{8}\) that is none of the 1 in symmetricEncryptionKeys: add/,
    )
    expect(read).not.toThrow(/long enough/)
  })

  it('refuses a value that was stored for another place', () => {
    const cipher = new ValueCipher([NEW])
    const stored = cipher.seal('{"admin":true}', 'connection "a", state key "user"')

    expect(() => cipher.open(stored, 'connection "b", state key "user"')).toThrow(/copied from elsewhere/)
  })

  it('refuses a value with any one bit changed', () => {
    const cipher = new ValueCipher([NEW])
    const sealed = cipher.seal('text', 'place')

    for (let bit = 0; bit < sealed.length * 8; bit += 1) {
      const changed = Buffer.from(sealed)
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      expect(() => cipher.open(changed, 'place')).toThrow(StoreError)
    }
  })

  it('refuses text that is passed off as bytes', () => {
    const cipher = new ValueCipher([NEW])
    const [text, bytes] = [cipher.seal('text', 'place'), cipher.seal(Buffer.from('text'), 'place')]

    expect(() => cipher.open(Buffer.concat([bytes.subarray(0, 1), text.subarray(1)]), 'place')).toThrow(
      /was changed/,
    )
  })

  it.each([1, 2, 7, 18, 19, 34, 35, 38])('refuses a value that is cut off after %i bytes', (length) => {
    const cipher = new ValueCipher([NEW])
    const cut = cipher.seal('text', 'place').subarray(0, length)

    expect(() => cipher.open(cut, 'place')).toThrow(StoreError)
  })

  it.each([
    ['none', [], 'symmetricEncryptionKeys is empty'],
    ['a short one', [NEW, 'short'], 'symmetricEncryptionKeys[1] is no text of at least 16 characters'],
    ['a text instead of a list', NEW as unknown as string[], 'symmetricEncryptionKeys is a string: give an'],
  ])('refuses %s at start-up', (_, keys, message) => {
    expect(() => new ValueCipher(keys)).toThrow(ConfigurationError)
    expect(() => new ValueCipher(keys)).toThrow(message)
    expect(() => new ValueCipher(keys)).not.toThrow('long enough')
  })
})
