import { createHmac, hash } from 'node:crypto'

const BLOCK_BYTES = 64
const DIGEST_BYTES = 32
const LONGEST_TEXT = 1024

/**
 * Computes many HMAC-SHA-256 values with one key, out of the one-shot hash of Node.
 *
 * `createHmac` makes a key object and a stream for each value, and that was a quarter of the CPU time of a post.
 */
export class HmacKey {
  /** The key's inner block, and room for the text. */
  readonly #inner: Buffer = Buffer.alloc(BLOCK_BYTES + LONGEST_TEXT)
  /** The key's outer block, and the inner digest. */
  readonly #outer: Buffer = Buffer.alloc(BLOCK_BYTES + DIGEST_BYTES)

  /** @param key - 64 bytes at most */
  constructor(key: Buffer) {
    if (key.length > BLOCK_BYTES)
      throw new RangeError(`HMAC key has ${key.length} bytes, at most ${BLOCK_BYTES} fit: hash it first`)
    this.#inner.fill(0x36, 0, BLOCK_BYTES)
    this.#outer.fill(0x5c, 0, BLOCK_BYTES)
    for (const [index, byte] of key.entries()) {
      this.#inner.writeUInt8(byte ^ 0x36, index)
      this.#outer.writeUInt8(byte ^ 0x5c, index)
    }
  }

  /** The value for an ASCII text of at most 1024 characters, in hex. */
  hex(text: string): string {
    if (text.length > LONGEST_TEXT)
      throw new RangeError(`text has ${text.length} characters, at most ${LONGEST_TEXT} fit`)
    const length = BLOCK_BYTES + this.#inner.write(text, BLOCK_BYTES, 'latin1')
    this.#outer.write(hash('sha256', this.#inner.subarray(0, length), 'binary'), BLOCK_BYTES, 'latin1')
    return hash('sha256', this.#outer, 'hex')
  }
}

/** One HMAC-SHA-256 value. */
export function hmac(key: Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest()
}
