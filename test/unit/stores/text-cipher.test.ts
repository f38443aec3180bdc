import { describe, expect, it } from 'vitest'
import { ConfigurationError, StoreError } from '../../../shared/errors.ts'
import { clearText, textCipher } from '../../../shared/stores/text-cipher.ts'

const OLD = 'the old key, which is long enough'
const NEW = 'the new key, which is long enough'

describe('a text cipher', () => {
  it.each(['', 'a', '{"text":"é ☃ 😀"}', 'x'.repeat(1_000_000), '\u0000'])('gives text %# back', (text) => {
    const cipher = textCipher([NEW])

    expect(cipher.decrypt(cipher.encrypt(text, 'place'), 'place')).toBe(text)
  })

  it('shows nothing of the text, and never stores the same twice', () => {
    const cipher = textCipher([NEW])

    const stored = Array.from({ length: 100 }, () => cipher.encrypt('"attack at dawn"', 'place'))

    expect(new Set(stored).size).toBe(100)
    expect(stored.join('')).not.toContain('attack')
    expect(Buffer.from(stored[0]?.split('.')[2] ?? '', 'base64url').toString()).not.toContain('attack')
  })

  it('encrypts with the first key and decrypts with each', () => {
    const before = textCipher([OLD]).encrypt('text', 'place')
    const during = textCipher([NEW, OLD])

    expect(during.decrypt(before, 'place')).toBe('text')
    expect(textCipher([NEW]).decrypt(during.encrypt('text', 'place'), 'place')).toBe('text')
    expect(() => textCipher([OLD]).decrypt(during.encrypt('text', 'place'), 'place')).toThrow(StoreError)
  })

  it('says which key is missing, and not what the keys are', () => {
    const stored = textCipher([OLD]).encrypt('text', 'connection "a", scope')

    const read = () => textCipher([NEW]).decrypt(stored, 'connection "a", scope')

    expect(read).toThrow(
      /^connection "a", scope was encrypted with a key \(id [\w-]{8}\) that is none of the 1 in/,
    )
    expect(read).not.toThrow(/long enough/)
  })

  it('refuses a text that was stored for another place', () => {
    const cipher = textCipher([NEW])
    const stored = cipher.encrypt('{"admin":true}', 'connection "a", s:"user"')

    expect(() => cipher.decrypt(stored, 'connection "b", s:"user"')).toThrow(/copied from elsewhere/)
  })

  it('refuses a text with any one bit changed', () => {
    const cipher = textCipher([NEW])
    const [mark, id, body = ''] = cipher.encrypt('text', 'place').split('.')
    const bytes = Buffer.from(body, 'base64url')

    for (let bit = 0; bit < bytes.length * 8; bit += 1) {
      const changed = Buffer.from(bytes)
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      const stored = [mark, id, changed.toString('base64url')].join('.')
      expect(() => cipher.decrypt(stored, 'place')).toThrow(StoreError)
    }
  })

  it.each([0, 1, 11, 12, 27, 28, 31])('refuses a text that is cut off after %i bytes', (length) => {
    const cipher = textCipher([NEW])
    const [mark, id, body = ''] = cipher.encrypt('text', 'place').split('.')
    const cut = Buffer.from(body, 'base64url').subarray(0, length).toString('base64url')

    expect(() => cipher.decrypt(`${mark}.${id}.${cut}`, 'place')).toThrow(StoreError)
  })

  it('takes no clear text, and clear text takes no encrypted one', () => {
    const stored = textCipher([NEW]).encrypt('{}', 'place')

    expect(() => textCipher([NEW]).decrypt('{}', 'place')).toThrow('place is stored in clear')
    expect(() => clearText.decrypt(stored, 'place')).toThrow('this store has no encryptionKeys')
    expect(clearText.decrypt(clearText.encrypt('{}', 'place'), 'place')).toBe('{}')
  })

  it.each([
    ['none', [], 'encryptionKeys is empty'],
    ['a short one', [NEW, 'short'], 'encryptionKeys[1] is no text of at least 16 characters'],
    ['a text instead of a list', NEW as unknown as string[], 'encryptionKeys is a string: give an array'],
  ])('refuses %s at start-up', (_, keys, message) => {
    expect(() => textCipher(keys)).toThrow(ConfigurationError)
    expect(() => textCipher(keys)).toThrow(message)
    expect(() => textCipher(keys)).not.toThrow('long enough')
  })
})
