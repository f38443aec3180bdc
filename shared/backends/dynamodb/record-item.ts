import { createHash } from 'node:crypto'
import type { JsonObject, JsonValue } from '../../message.ts'
import type { ConnectionRecord } from '../../stores/channel-store.ts'
import { requireObject, scopePlace, statePlace, type ValueCodec } from '../../stores/value-codec.ts'
import {
  CONNECTED_AT_ATTRIBUTE,
  GROUPS_ATTRIBUTE,
  recordKey,
  SCOPE_ATTRIBUTE,
  STATE_ATTRIBUTE,
  TIME_TO_LIVE_ATTRIBUTE,
  VERSION_ATTRIBUTE,
} from './table.ts'
import type { AttributeValue, Item } from './transport.ts'

/** One key of a state as it is stored: the name of a map entry, and what is in it. */
export interface StateEntry {
  readonly name: string
  readonly value: JsonValue
}

const HASHED = '~'
const LONGEST_PLAIN_KEY = 255

/**
 * The map entry's name of a state key. DynamoDB takes no empty name, none over 64 KB and no lone surrogate, and
 * the SDK loses `__proto__`: such keys go by their hash, and are stored with their value.
 */
export function stateEntryName(key: string): string {
  if (isPlainKey(key)) return key
  return HASHED + createHash('sha256').update(Buffer.from(key, 'utf16le')).digest('base64url')
}

/** The map entry of one key of a state. */
export function stateEntry(key: string, value: JsonValue): StateEntry {
  return { name: stateEntryName(key), value: isPlainKey(key) ? value : [key, value] }
}

/** The attribute of a scope. */
export function scopeAttribute(connectionId: string, scope: JsonObject, codec: ValueCodec): AttributeValue {
  return attributeOf(codec.encode(scope, scopePlace(connectionId)))
}

/** How the entries of a map are stored. */
export interface MapCoding {
  readonly codec: ValueCodec
  /** What the entry of this name is stored as belonging to. */
  readonly placeOf: (name: string) => string
}

/** The coding of a connection's state. */
export function stateCoding(connectionId: string, codec: ValueCodec): MapCoding {
  return { codec, placeOf: (name) => statePlace(connectionId, name) }
}

/** The attribute of a map's entry. */
export function entryAttribute({ name, value }: StateEntry, { codec, placeOf }: MapCoding): AttributeValue {
  return attributeOf(codec.encode(value, placeOf(name)))
}

/** A map with an entry for each key of `state`. */
export function mapOfState(state: JsonObject, coding: MapCoding): Item {
  const entries = Object.entries(state).map(([key, value]) => stateEntry(key, value))
  return Object.fromEntries(entries.map((entry) => [entry.name, entryAttribute(entry, coding)] as const))
}

function isPlainKey(key: string): boolean {
  const plain =
    key !== '' && key.length <= LONGEST_PLAIN_KEY && key !== '__proto__' && !key.startsWith(HASHED)
  return plain && key.isWellFormed()
}

/** The item of a connection's record. */
export function itemOfRecord(record: ConnectionRecord, codec: ValueCodec): Item {
  const { connectionId } = record
  const item: Item = {
    ...recordKey(connectionId),
    [SCOPE_ATTRIBUTE]: scopeAttribute(connectionId, record.scope, codec),
    [STATE_ATTRIBUTE]: { M: mapOfState(record.state, stateCoding(connectionId, codec)) },
    [VERSION_ATTRIBUTE]: { N: String(record.version) },
    [CONNECTED_AT_ATTRIBUTE]: { N: String(record.connectedAt) },
    [TIME_TO_LIVE_ATTRIBUTE]: { N: String(record.expiresAt) },
  }
  if (record.groups.length > 0) item[GROUPS_ATTRIBUTE] = { SS: [...new Set(record.groups)] }
  return item
}

/** The record in an item of the table. */
export function recordOfItem(connectionId: string, item: Item, codec: ValueCodec): ConnectionRecord {
  const place = scopePlace(connectionId)
  return {
    connectionId,
    scope: requireObject(codec.decode(storedIn(item[SCOPE_ATTRIBUTE], '{}'), place), place),
    state: stateOfMap(item[STATE_ATTRIBUTE]?.M ?? {}, stateCoding(connectionId, codec)),
    version: numberOf(item, VERSION_ATTRIBUTE),
    groups: groupsOf(item),
    connectedAt: numberOf(item, CONNECTED_AT_ATTRIBUTE),
    expiresAt: numberOf(item, TIME_TO_LIVE_ATTRIBUTE),
  }
}

/** The groups that a record names. */
export function groupsOf(item: Item): readonly string[] {
  return item[GROUPS_ATTRIBUTE]?.SS ?? []
}

/** A number attribute; 0 if the item has none. */
export function numberOf(item: Item, attribute: string): number {
  return Number(item[attribute]?.N ?? 0)
}

/** The state in a map that `mapOfState` made. */
export function stateOfMap(map: Item, { codec, placeOf }: MapCoding): JsonObject {
  const entries = Object.entries(map).map(([name, attribute]): [string, JsonValue] => {
    const value = codec.decode(storedIn(attribute, 'null'), placeOf(name))
    return name.startsWith(HASHED) ? (value as unknown as [string, JsonValue]) : [name, value]
  })
  // fromEntries defines properties, so a key named "__proto__" stays an ordinary key.
  return Object.fromEntries(entries)
}

// As bytes, not as base64: size is what DynamoDB bills.
function attributeOf(stored: string | Uint8Array): AttributeValue {
  return typeof stored === 'string' ? { S: stored } : { B: stored }
}

function storedIn(attribute: AttributeValue | undefined, absent: string): string | Uint8Array {
  return attribute?.S ?? attribute?.B ?? absent
}
