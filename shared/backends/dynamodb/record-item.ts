import { createHash } from 'node:crypto'
import type { JsonObject, JsonValue } from '../../message.ts'
import type { ConnectionRecord } from '../../stores/channel-store.ts'
import {
  CONNECTED_AT_ATTRIBUTE,
  GROUPS_ATTRIBUTE,
  recordKey,
  SCOPE_ATTRIBUTE,
  STATE_ATTRIBUTE,
  TIME_TO_LIVE_ATTRIBUTE,
  VERSION_ATTRIBUTE,
} from './table.ts'
import type { Item } from './transport.ts'

/** One key of a state as it is stored: the name of a map entry, and its text. */
export interface StateEntry {
  readonly name: string
  readonly text: string
}

const HASHED = '~'
const LONGEST_PLAIN_KEY = 255

/**
 * The map entry's name of a state key. DynamoDB takes no empty name, none over 64 KB and no lone surrogate, and
 * the SDK loses `__proto__`: such keys go by their hash, and their text carries the key.
 */
export function stateEntryName(key: string): string {
  if (isPlainKey(key)) return key
  return HASHED + createHash('sha256').update(Buffer.from(key, 'utf16le')).digest('base64url')
}

/** The map entry of one key of a state. */
export function stateEntry(key: string, value: JsonValue): StateEntry {
  return { name: stateEntryName(key), text: JSON.stringify(isPlainKey(key) ? value : [key, value]) }
}

function isPlainKey(key: string): boolean {
  const plain =
    key !== '' && key.length <= LONGEST_PLAIN_KEY && key !== '__proto__' && !key.startsWith(HASHED)
  return plain && key.isWellFormed()
}

/** The item of a connection's record. */
export function itemOfRecord(record: ConnectionRecord): Item {
  const entries = Object.entries(record.state).map(([key, value]) => stateEntry(key, value))
  const item: Item = {
    ...recordKey(record.connectionId),
    [SCOPE_ATTRIBUTE]: { S: JSON.stringify(record.scope) },
    [STATE_ATTRIBUTE]: { M: Object.fromEntries(entries.map(({ name, text }) => [name, { S: text }])) },
    [VERSION_ATTRIBUTE]: { N: String(record.version) },
    [CONNECTED_AT_ATTRIBUTE]: { N: String(record.connectedAt) },
    [TIME_TO_LIVE_ATTRIBUTE]: { N: String(record.expiresAt) },
  }
  if (record.groups.length > 0) item[GROUPS_ATTRIBUTE] = { SS: [...new Set(record.groups)] }
  return item
}

/** The record in an item of the table. */
export function recordOfItem(connectionId: string, item: Item): ConnectionRecord {
  return {
    connectionId,
    scope: JSON.parse(item[SCOPE_ATTRIBUTE]?.S ?? '{}') as JsonObject,
    state: stateOfMap(item[STATE_ATTRIBUTE]?.M ?? {}),
    version: numberOf(item, VERSION_ATTRIBUTE),
    groups: item[GROUPS_ATTRIBUTE]?.SS ?? [],
    connectedAt: numberOf(item, CONNECTED_AT_ATTRIBUTE),
    expiresAt: numberOf(item, TIME_TO_LIVE_ATTRIBUTE),
  }
}

/** A number attribute; 0 if the item has none. */
export function numberOf(item: Item, attribute: string): number {
  return Number(item[attribute]?.N ?? 0)
}

function stateOfMap(map: Item): JsonObject {
  const entries = Object.entries(map).map(([name, value]): [string, JsonValue] => {
    const parsed = JSON.parse(value.S ?? 'null') as JsonValue
    return name.startsWith(HASHED) ? (parsed as unknown as [string, JsonValue]) : [name, parsed]
  })
  // fromEntries defines properties, so a key named "__proto__" stays an ordinary key.
  return Object.fromEntries(entries)
}
