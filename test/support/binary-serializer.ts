import { deserialize, serialize } from 'node:v8'
import type { JsonValue } from '../../shared/message.ts'
import type { ValueSerializer } from '../../shared/stores/value-codec.ts'

/** Bytes that are no text, as those of MessagePack are none. */
export const binarySerializer: ValueSerializer = {
  serialize: (value) => serialize(value),
  deserialize: (bytes: Uint8Array) => deserialize(bytes) as JsonValue,
}
