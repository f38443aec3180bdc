import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto'
import { ConfigurationError, StoreError } from '../errors.ts'

// What sealed bytes begin with says what they were before: text or bytes.
const SEALED_TEXT = 1
const SEALED_BYTES = 2

const ALGORITHM = 'aes-256-gcm'
const KEY_BYTES = 32
const KEY_ID_BYTES = 6
// The size that NIST SP 800-38D recommends, and its full tag.
const NONCE_BYTES = 12
const TAG_BYTES = 16
const NONCE_AT = 1 + KEY_ID_BYTES
const TEXT_AT = NONCE_AT + NONCE_BYTES
const SHORTEST_KEY = 16

interface CipherKey {
  readonly id: Buffer
  readonly key: Buffer
}

/**
 * Encrypts with AES-256-GCM. The first of `keys` encrypts, each decrypts: to rotate, put the new key in front and
 * drop the old one when nothing written with it is left.
 *
 * Each key is stretched to 256 bits by HKDF-SHA256, which makes no weak key strong: take 32 random bytes in
 * base64. Nonces are random, so a key should encrypt at most 2^32 values. What is sealed takes 35 bytes more.
 */
export class ValueCipher {
  readonly #first: CipherKey
  readonly #ring: readonly CipherKey[]

  /** @throws {@link ConfigurationError} if there is no key, or one of less than 16 characters */
  constructor(keys: readonly string[]) {
    this.#ring = requireKeys(keys).map((text) => deriveKey(text))
    const [first] = this.#ring
    if (first === undefined) {
      throw new ConfigurationError(
        'symmetricEncryptionKeys is empty: give at least one key, or leave the option out to store values in clear',
      )
    }
    this.#first = first
  }

  /** Says whether this is what `seal` returns, and not bytes that begin with 0. */
  static isSealed(stored: Uint8Array): boolean {
    return stored[0] === SEALED_TEXT || stored[0] === SEALED_BYTES
  }

  /** @param place - what the value belongs to: it is only given back to who names the same */
  seal(value: string | Uint8Array, place: string): Uint8Array {
    const { id, key } = this.#first
    const kind = typeof value === 'string' ? SEALED_TEXT : SEALED_BYTES
    const nonce = randomBytes(NONCE_BYTES)
    const cipher = createCipheriv(ALGORITHM, key, nonce).setAAD(boundTo(kind, place))
    const bytes = typeof value === 'string' ? Buffer.from(value) : value
    const sealed = [cipher.update(bytes), cipher.final()]
    return Buffer.concat([Buffer.of(kind), id, nonce, ...sealed, cipher.getAuthTag()])
  }

  /** @throws {@link StoreError} if it cannot be had: another key, another `place`, or bytes that were changed */
  open(sealed: Uint8Array, place: string): string | Uint8Array {
    const id = Buffer.from(sealed.subarray(1, NONCE_AT))
    const found = this.#ring.find((candidate) => candidate.id.equals(id))
    if (found) return unseal(found, sealed, place)
    throw new StoreError(
      `${place} was encrypted with a key (id ${id.toString('base64url')}) that is none of the ${this.#ring.length} in symmetricEncryptionKeys: add the key it was written with behind the first one`,
      { retryable: false },
    )
  }
}

function requireKeys(keys: unknown): readonly string[] {
  if (!Array.isArray(keys)) {
    throw new ConfigurationError(
      `symmetricEncryptionKeys is a ${typeof keys}: give an array of keys, of which the first encrypts`,
    )
  }
  for (const [index, key] of keys.entries()) {
    if (typeof key === 'string' && key.length >= SHORTEST_KEY) continue
    // Says nothing of the key itself: messages are logged.
    throw new ConfigurationError(
      `symmetricEncryptionKeys[${index}] is no text of at least ${SHORTEST_KEY} characters: use 32 random bytes in base64`,
    )
  }
  return keys as readonly string[]
}

function deriveKey(text: string): CipherKey {
  const derived = Buffer.from(
    hkdfSync('sha256', text, '', 'lambda-channels value cipher 1', KEY_BYTES + KEY_ID_BYTES),
  )
  return { key: derived.subarray(0, KEY_BYTES), id: derived.subarray(KEY_BYTES) }
}

function boundTo(kind: number, place: string): Buffer {
  return Buffer.concat([Buffer.of(kind), Buffer.from(place)])
}

function unseal({ id, key }: CipherKey, sealed: Uint8Array, place: string): string | Uint8Array {
  const kind = sealed[0] ?? 0
  try {
    const tagAt = sealed.length - TAG_BYTES
    const decipher = createDecipheriv(ALGORITHM, key, sealed.subarray(NONCE_AT, TEXT_AT), {
      authTagLength: TAG_BYTES,
    })
      .setAAD(boundTo(kind, place))
      .setAuthTag(sealed.subarray(tagAt))
    const opened = Buffer.concat([decipher.update(sealed.subarray(TEXT_AT, tagAt)), decipher.final()])
    return kind === SEALED_TEXT ? opened.toString() : opened
  } catch (error) {
    throw new StoreError(
      `${place} does not decrypt with the key it names (id ${id.toString('base64url')}): what is stored was changed, cut off or copied from elsewhere; end the connection, and find out who writes to the store`,
      { retryable: false, cause: error },
    )
  }
}
