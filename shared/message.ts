/** Any value that survives a round trip through JSON unchanged. */
export type JsonValue =
  | null
  | boolean
  | number
  | string
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue }

/** A JSON object. */
export interface JsonObject {
  readonly [key: string]: JsonValue
}

/**
 * What travels through a channel layer and through an application: a JSON object with a `type`.
 *
 * `chat.message` runs the consumer's method `chatMessage`. Values are JSON; a key whose value is
 * `undefined` is left out, as `JSON.stringify` does.
 */
export interface Message {
  readonly type: string
  readonly [key: string]: JsonValue | undefined
}

/** The payload of each event type, by type: `{ 'chat.message': { text: string } }`. */
export type EventMap = Record<string, object>

/**
 * One event of `Events`, with its `type`: what `groupSend` takes and what the handler receives. Any message at
 * all where `Events` names no types, as in Channels.
 */
export type EventOf<Events, Type extends keyof Events & string = keyof Events & string> = string extends Type
  ? Message
  : { [T in Type]: { readonly type: T } & Readonly<Events[T]> }[Type]

/** Says whether `value` is a plain object: made by `{}`, `JSON.parse` or `Object.create(null)`. */
export function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}
