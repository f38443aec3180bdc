import { createHmac, randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { HmacKey } from '../../../shared/http/hmac.ts'

describe('HmacKey', () => {
  it.each([1, 32, 64])('agrees with createHmac for a key of %i bytes', (bytes) => {
    const key = randomBytes(bytes)
    const hmacKey = new HmacKey(key)
    for (const text of ['', 'a', 'x'.repeat(1024), 'short after long']) {
      expect(hmacKey.hex(text)).toBe(createHmac('sha256', key).update(text).digest('hex'))
    }
  })

  it('refuses what does not fit instead of cutting it', () => {
    expect(() => new HmacKey(randomBytes(65))).toThrow('65 bytes')
    expect(() => new HmacKey(randomBytes(8)).hex('x'.repeat(1025))).toThrow('1025 characters')
  })
})
