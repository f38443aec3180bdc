import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto'
import { ConfigurationError, StoreError } from '../errors.ts'

/** Turns the texts that a store keeps into what is stored, and back. */
export interface TextCipher {
  /** @param aad - what the text belongs to: it is only given back to who names the same */
  encrypt(text: string, aad: string): string
  /** @throws {@link StoreError} if it cannot be had: another key, another `aad`, or a text that was changed */
  decrypt(stored: string, aad: string): string
}

const ALGORITHM = 'aes-256-gcm'
// No JSON text begins so.
const MARK = 'enc1.'
const KEY_BYTES = 32
const KEY_ID_BYTES = 6
// The size that NIST SP 800-38D recommends, and its full tag.
const NONCE_BYTES = 12
const TAG_BYTES = 16
const SHORTEST_KEY = 16

interface CipherKey {
  readonly id: string
  readonly key: Buffer
}

/** Stores texts as they are. It refuses what {@link textCipher} has encrypted. */
export const clearText: TextCipher = {
  encrypt: (text) => text,
  decrypt(stored, aad) {
    if (!stored.startsWith(MARK)) return stored
    throw new StoreError(
      `${aad} is stored encrypted, and this store has no encryptionKeys: give it the keys it was written with`,
      { retryable: false },
    )
  },
}

/**
 * Encrypts with AES-256-GCM. The first of `keys` encrypts, each decrypts: to rotate, put the new key in front and
 * drop the old one when nothing written with it is left.
 *
 * Each key is stretched to 256 bits by HKDF-SHA256, which makes no weak key strong: take 32 random bytes in
 * base64. Nonces are random, so a key should encrypt at most 2^32 texts.
 *
 * @throws {@link ConfigurationError} if there is no key, or one of less than 16 characters
 */
export function textCipher(keys: readonly string[]): TextCipher {
  const ring = requireKeys(keys).map((text) => deriveKey(text))
  const [first] = ring
  if (first === undefined) {
    throw new ConfigurationError(
      'encryptionKeys is empty: give at least one key, or leave the option out to store texts in clear',
    )
  }
  return {
    encrypt: (text, aad) => seal(first, text, aad),
    decrypt: (stored, aad) => open(ring, stored, aad),
  }
}

function requireKeys(keys: unknown): readonly string[] {
  if (!Array.isArray(keys)) {
    throw new ConfigurationError(
      `encryptionKeys is a ${typeof keys}: give an array of keys, of which the first encrypts`,
    )
  }
  for (const [index, key] of keys.entries()) {
    if (typeof key === 'string' && key.length >= SHORTEST_KEY) continue
    // Says nothing of the key itself: messages are logged.
    throw new ConfigurationError(
      `encryptionKeys[${index}] is no text of at least ${SHORTEST_KEY} characters: use 32 random bytes in base64`,
    )
  }
  return keys as readonly string[]
}

function deriveKey(text: string): CipherKey {
  const derived = Buffer.from(
    hkdfSync('sha256', text, '', 'lambda-channels text cipher 1', KEY_BYTES + KEY_ID_BYTES),
  )
  return { key: derived.subarray(0, KEY_BYTES), id: derived.subarray(KEY_BYTES).toString('base64url') }
}

function seal({ key, id }: CipherKey, text: string, aad: string): string {
  const nonce = randomBytes(NONCE_BYTES)
  const cipher = createCipheriv(ALGORITHM, key, nonce).setAAD(Buffer.from(aad))
  const sealed = Buffer.concat([nonce, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()])
  return `${MARK}${id}.${sealed.toString('base64url')}`
}

function open(ring: readonly CipherKey[], stored: string, aad: string): string {
  if (!stored.startsWith(MARK)) {
    throw new StoreError(
      `${aad} is stored in clear, and this store takes encrypted texts only: it was written before encryptionKeys was set; let it expire, or use another prefix or table`,
      { retryable: false },
    )
  }
  const [, id = '', body = ''] = stored.split('.')
  const found = ring.find((candidate) => candidate.id === id)
  if (!found) {
    throw new StoreError(
      `${aad} was encrypted with a key (id ${id}) that is none of the ${ring.length} in encryptionKeys: add the key it was written with behind the first one`,
      { retryable: false },
    )
  }
  return unseal(found, Buffer.from(body, 'base64url'), aad)
}

function unseal({ key, id }: CipherKey, sealed: Buffer, aad: string): string {
  try {
    const tagAt = sealed.length - TAG_BYTES
    const decipher = createDecipheriv(ALGORITHM, key, sealed.subarray(0, NONCE_BYTES), {
      authTagLength: TAG_BYTES,
    })
      .setAAD(Buffer.from(aad))
      .setAuthTag(sealed.subarray(tagAt))
    return decipher.update(sealed.subarray(NONCE_BYTES, tagAt), undefined, 'utf8') + decipher.final('utf8')
  } catch (error) {
    throw new StoreError(
      `${aad} does not decrypt with the key it names (id ${id}): what is stored was changed, cut off or copied from elsewhere; end the connection, and find out who writes to the store`,
      { retryable: false, cause: error },
    )
  }
}
