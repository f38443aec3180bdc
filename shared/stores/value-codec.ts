import { isJsonValue } from '../codec.ts'
import { ConfigurationError, StoreError } from '../errors.ts'
import { isPlainObject, type JsonObject, type JsonValue } from '../message.ts'
import { ValueCipher } from './value-cipher.ts'

/**
 * Turns a JSON value into what is stored of it, and back: `deserialize` gets what `serialize` returned, text as text
 * and bytes as bytes, and gives an equal value back, for every JSON value.
 */
export interface ValueSerializer {
  serialize(value: JsonValue): string | Uint8Array
  deserialize(stored: string | Uint8Array): JsonValue
}

/** How a store keeps values: the scopes and the values of the states. */
export interface ValueCodecOptions {
  /** JSON text by default. */
  readonly serializer?: ValueSerializer
  /**
   * Encrypts with AES-256-GCM. The first key encrypts, all decrypt. Connection ids, names of groups and of state
   * keys, versions and times stay in clear.
   */
  readonly symmetricEncryptionKeys?: readonly string[]
}

// Bytes in clear begin with it; sealed ones never do.
const CLEAR = 0

// No JSON begins so.
const BYTES_MARK = 'b64.'
const TEXT_MARK = 'txt.'

const ANOTHER_PLACE = 'let it expire, or use another prefix or table'

const jsonText: ValueSerializer = {
  serialize: (value) => JSON.stringify(value),
  deserialize(stored) {
    if (typeof stored === 'string') return JSON.parse(stored) as JsonValue
    throw new TypeError('these are bytes, no JSON text')
  },
}

/**
 * Serializes and encrypts what a store keeps. Each value has a place, such as `connection "abc=", scope`: errors name
 * it, and an encrypted value can't be read from another one.
 */
export class ValueCodec {
  readonly #serializer: ValueSerializer
  readonly #isJson: boolean
  readonly #cipher: ValueCipher | undefined

  /** @throws {@link ConfigurationError} if the serializer is none, or a key is no good */
  constructor({ serializer, symmetricEncryptionKeys: keys }: ValueCodecOptions = {}) {
    this.#serializer = serializer === undefined ? jsonText : requireSerializer(serializer)
    this.#isJson = serializer === undefined
    this.#cipher = keys === undefined ? undefined : new ValueCipher(keys)
  }

  /**
   * What is stored of `value`: text or bytes, and always bytes where there are keys.
   *
   * @throws {@link StoreError} if the serializer fails
   */
  encode(value: JsonValue, place: string): string | Uint8Array {
    const plain = this.#serialize(value, place)
    if (this.#cipher) return this.#cipher.seal(plain, place)
    return typeof plain === 'string' ? plain : Buffer.concat([Buffer.of(CLEAR), plain])
  }

  /** @throws {@link StoreError} if it was stored elsewhere, with a key that is not there, or by another serializer */
  decode(stored: string | Uint8Array, place: string): JsonValue {
    return this.#deserialize(this.#open(stored, place), place)
  }

  /** As `encode`, for a store that keeps text alone: bytes are in base64. */
  encodeText(value: JsonValue, place: string): string {
    const stored = this.encode(value, place)
    if (typeof stored !== 'string') return BYTES_MARK + Buffer.from(stored).toString('base64url')
    return isMarked(stored) ? TEXT_MARK + stored : stored
  }

  /** As `decode`, of what `encodeText` returned. */
  decodeText(stored: string, place: string): JsonValue {
    return this.decode(unmarked(stored), place)
  }

  #open(stored: string | Uint8Array, place: string): string | Uint8Array {
    const isSealed = typeof stored !== 'string' && ValueCipher.isSealed(stored)
    if (isSealed && this.#cipher) return this.#cipher.open(stored, place)
    if (isSealed) {
      throw new StoreError(
        `${place} is stored encrypted, and this store has no symmetricEncryptionKeys: give it the keys it was written with`,
        { retryable: false },
      )
    }
    if (this.#cipher) {
      throw new StoreError(
        `${place} is stored in clear, and this store takes encrypted values only: it was written before symmetricEncryptionKeys was set; ${ANOTHER_PLACE}`,
        { retryable: false },
      )
    }
    return typeof stored === 'string' ? stored : stored.subarray(1)
  }

  #serialize(value: JsonValue, place: string): string | Uint8Array {
    let plain: unknown
    try {
      plain = this.#serializer.serialize(value)
    } catch (error) {
      throw unwritable(place, `threw ${textOf(error)}`, error)
    }
    if (plain instanceof Uint8Array) return plain
    if (typeof plain !== 'string') throw unwritable(place, `returned ${kindOf(plain)}`)
    // Stores keep UTF-8, which has no half characters.
    if (plain.isWellFormed()) return plain
    throw unwritable(place, 'returned a text with half a character (a lone surrogate)')
  }

  #deserialize(plain: string | Uint8Array, place: string): JsonValue {
    let value: unknown
    try {
      value = this.#serializer.deserialize(plain)
    } catch (error) {
      throw unreadable(place, `made deserialize() throw ${textOf(error)}`, error)
    }
    if (this.#isJson || isJsonValue(value)) return value as JsonValue
    throw unreadable(place, `was deserialized to ${kindOf(value)}, which is not JSON`)
  }
}

/**
 * `value` as the object that it was when it was encoded.
 *
 * @throws {@link StoreError} if it is none
 */
export function requireObject(value: JsonValue, place: string): JsonObject {
  if (isPlainObject(value)) return value
  throw unreadable(place, `is ${kindOf(value)} and not an object`)
}

/** What the scope of a connection is stored as belonging to. */
export function scopePlace(connectionId: string): string {
  return `connection "${connectionId}", scope`
}

/** The same of the value of one key of its state. */
export function statePlace(connectionId: string, key: string): string {
  // As JSON: half a character is like any other as UTF-8.
  return `connection "${connectionId}", state key ${JSON.stringify(key)}`
}

/** The same of the value of one key of a session. */
export function sessionPlace(sessionKey: string, key: string): string {
  return `session "${sessionKey}", key ${JSON.stringify(key)}`
}

/** The same of the value of one key of a ticket. */
export function ticketPlace(ticketKey: string, key: string): string {
  return `ticket "${ticketKey}", key ${JSON.stringify(key)}`
}

function requireSerializer(serializer: unknown): ValueSerializer {
  const { serialize, deserialize } = Object(serializer) as Record<string, unknown>
  if (typeof serialize === 'function' && typeof deserialize === 'function')
    return serializer as ValueSerializer
  throw new ConfigurationError(
    `serializer is ${kindOf(serializer)} without both serialize() and deserialize(): give an object with these two functions, or leave the option out for JSON`,
  )
}

function isMarked(text: string): boolean {
  return text.startsWith(BYTES_MARK) || text.startsWith(TEXT_MARK)
}

function unmarked(stored: string): string | Uint8Array {
  if (stored.startsWith(BYTES_MARK)) return Buffer.from(stored.slice(BYTES_MARK.length), 'base64url')
  return stored.startsWith(TEXT_MARK) ? stored.slice(TEXT_MARK.length) : stored
}

function unwritable(place: string, problem: string, cause?: unknown): StoreError {
  return new StoreError(
    `${place} could not be serialized, and was not written: serialize() ${problem}; let it return a well-formed string or a Uint8Array for every JSON value`,
    { retryable: false, cause },
  )
}

function unreadable(place: string, problem: string, cause?: unknown): StoreError {
  return new StoreError(
    `${place} could not be read: what is stored ${problem}; give the store the serializer it was written with, or ${ANOTHER_PLACE}`,
    { retryable: false, cause },
  )
}

function textOf(error: unknown): string {
  return error instanceof Error ? `"${error.name}: ${error.message}"` : kindOf(error)
}

function kindOf(value: unknown): string {
  if (value === null || value === undefined) return String(value)
  if (typeof value !== 'object') return `a ${typeof value}`
  return isPlainObject(value) ? 'an object' : `a value of class ${value.constructor?.name ?? 'unknown'}`
}
