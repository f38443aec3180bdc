import { InvalidMessageError, MessageTooLargeError } from './errors.ts'
import { MAX_MESSAGE_BYTES } from './limits.ts'
import { isPlainObject, type JsonObject, type JsonValue, type Message } from './message.ts'

/** Objects and arrays within each other. More is no message, but an attempt to exhaust the stack of who reads it. */
const MAX_DEPTH = 100

const RESERVED_PREFIXES = ['websocket.', 'http.', 'lifespan.']

/**
 * Returns `message` as the layer carries it: a copy made of JSON alone, without `undefined` keys.
 *
 * @throws {@link InvalidMessageError} if it has no `type`, a reserved `type` (`websocket.*`, `http.*` and
 * `lifespan.*` belong to the server), or a value that is not JSON; the message says where
 * @throws {@link MessageTooLargeError} if it has more bytes as JSON than a frame may have
 */
export function requireMessage(message: unknown): Message {
  if (!isPlainObject(message)) {
    throw new InvalidMessageError(
      `message is ${describe(message)}: send a plain object with a "type", such as { type: 'chat.message' }`,
    )
  }
  const type = message['type']
  if (typeof type !== 'string' || type === '') {
    throw new InvalidMessageError(
      `message type is ${describe(type)}: give every message a "type" that is a non-empty string`,
    )
  }
  const reserved = RESERVED_PREFIXES.find((prefix) => type.startsWith(prefix))
  if (reserved !== undefined) {
    throw new InvalidMessageError(
      `message type "${type}" starts with "${reserved}", which only the server may send: choose another prefix`,
    )
  }
  const copied = { ...requireJsonObject(message, 'message'), type }
  requireEventSize(copied)
  return copied
}

/** An event that has to wait must fit into a message of the delivery queue, with room for who is to get it. */
function requireEventSize(event: Message): void {
  const bytes = Buffer.byteLength(JSON.stringify(event))
  if (bytes <= MAX_MESSAGE_BYTES) return
  throw new MessageTooLargeError(
    `message "${event.type.slice(0, 200)}" has ${bytes} bytes as JSON, ${MAX_MESSAGE_BYTES} is the most a channel layer carries: send an id from which the handler loads the rest, or split it`,
  )
}

/**
 * `value` as JSON without the characters that Unicode reserves for nobody, U+FFFE and U+FFFF among them, which SQS
 * does not take: they are escaped.
 *
 * Characters: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html
 */
export function queueJson(value: unknown): string {
  return JSON.stringify(value).replace(/\p{Noncharacter_Code_Point}/gu, escaped)
}

function escaped(character: string): string {
  const units = Array.from({ length: character.length }, (_, index) => character.charCodeAt(index))
  return units.map((unit) => `\\u${unit.toString(16)}`).join('')
}

/**
 * Returns a copy of `value` made of JSON alone, without `undefined` keys.
 *
 * @throws {@link InvalidMessageError} naming the path of the first value that JSON would change or lose
 */
export function requireJsonObject(value: unknown, path: string): JsonObject {
  if (!isPlainObject(value))
    throw new InvalidMessageError(`${path} is ${describe(value)}: use a plain object`)
  return copyObject(value, path, [])
}

/** Says whether JSON would give `value` back unchanged. */
export function isJsonValue(value: unknown): value is JsonValue {
  try {
    copy(value, '', [])
    return true
  } catch (error) {
    if (error instanceof InvalidMessageError) return false
    throw error
  }
}

/**
 * Checks that `text` fits into one message of API Gateway.
 *
 * @throws {@link MessageTooLargeError} with the size in bytes and the limit
 */
export function requireMessageSize(text: string, limit: number): void {
  // A UTF-16 unit is at most 3 bytes of UTF-8, so most frames need no count.
  if (text.length * 3 <= limit) return
  const bytes = Buffer.byteLength(text)
  if (bytes <= limit) return
  throw new MessageTooLargeError(
    `frame has ${bytes} bytes, ${limit} is the most API Gateway sends in one message: split it, or send a link to it`,
  )
}

function copy(value: unknown, path: string, above: readonly object[]): JsonValue {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value
  // `|| 0`: JSON has no -0.
  if (typeof value === 'number' && Number.isFinite(value)) return value || 0
  if (Array.isArray(value)) {
    requireShape(value, path, above)
    // Array.from visits holes too, which JSON would turn into null.
    return Array.from(value, (item: unknown, index) => copy(item, `${path}[${index}]`, [...above, value]))
  }
  if (isPlainObject(value)) return copyObject(value, path, above)
  throw new InvalidMessageError(`${path} is ${describe(value)}, which JSON cannot carry: ${remedy(value)}`)
}

function copyObject(value: Record<string, unknown>, path: string, above: readonly object[]): JsonObject {
  requireShape(value, path, above)
  const entries: [string, JsonValue][] = []
  for (const [key, item] of Object.entries(value)) {
    if (item !== undefined) entries.push([key, copy(item, `${path}.${key}`, [...above, value])])
  }
  // fromEntries defines properties, so a key named "__proto__" stays an ordinary key.
  return Object.fromEntries(entries)
}

function requireShape(value: object, path: string, above: readonly object[]): void {
  if (above.includes(value))
    throw new InvalidMessageError(`${path} refers to an object that contains it: send the id instead`)
  if (above.length >= MAX_DEPTH)
    throw new InvalidMessageError(
      `${path.slice(0, 200)} is nested more than ${MAX_DEPTH} deep: send something flatter`,
    )
}

function describe(value: unknown): string {
  if (value === null) return 'null'
  if (typeof value === 'number' || typeof value === 'undefined') return String(value)
  if (typeof value === 'bigint') return `the bigint ${value}`
  if (typeof value === 'object') return `a ${value.constructor?.name ?? 'object'}`
  return `a ${typeof value}`
}

function remedy(value: unknown): string {
  if (typeof value === 'bigint') return 'send it as a string'
  if (value instanceof Date) return 'send toISOString() or getTime()'
  if (value instanceof Uint8Array) return 'send it as a base64 string'
  if (value instanceof Map || value instanceof Set) return 'send an array or a plain object'
  return 'send plain objects, arrays, strings, finite numbers, booleans and null'
}
