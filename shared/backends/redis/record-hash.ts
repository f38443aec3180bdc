import type { JsonObject, JsonValue } from '../../message.ts'
import type { ConnectionRecord, RecordWrite } from '../../stores/channel-store.ts'
import { requireObject, scopePlace, statePlace, type ValueCodec } from '../../stores/value-codec.ts'

/** The fields of a record's hash, by name. */
export type Fields = ReadonlyMap<string, string>

const SCOPE = 'scope'
const STATE = 's:'
const GROUP = 'g:'

/** What a write does to a hash: fields with their values, one after the other, and fields that go. */
export interface HashChanges {
  readonly set: readonly string[]
  readonly remove: readonly string[]
}

/** How the values of a state are stored. */
export interface StateCoding {
  readonly codec: ValueCodec
  /** What the value of this key is stored as belonging to. */
  readonly placeOf: (key: string) => string
}

/** The field and the value of everything in a record, one after the other. */
export function hashOfRecord(record: ConnectionRecord, codec: ValueCodec): readonly string[] {
  const { connectionId, scope, state, version, connectedAt, expiresAt } = record
  const { set } = hashChanges(connectionId, { scope, set: state, remove: [] }, codec)
  const numbers = Object.entries({ version, connectedAt, expiresAt })
  return [
    ...set,
    ...numbers.flatMap(([field, value]) => [field, String(value)]),
    ...[...new Set(record.groups)].flatMap((group) => [groupField(group), '']),
  ]
}

/** What `write` does to the hash of a connection. */
export function hashChanges(connectionId: string, write: RecordWrite, codec: ValueCodec): HashChanges {
  const scope =
    write.scope === undefined ? [] : [SCOPE, codec.encodeText(write.scope, scopePlace(connectionId))]
  const state = stateFields(write.set, stateCoding(connectionId, codec))
  return { set: [...scope, ...state], remove: write.remove.map((key) => stateField(key)) }
}

/** The field and the value of each key of a state, one after the other. */
export function stateFields(state: JsonObject, { codec, placeOf }: StateCoding): readonly string[] {
  return Object.entries(state).flatMap(([key, value]) => [
    stateField(key),
    codec.encodeText(value, placeOf(key)),
  ])
}

/** The state in the fields of a hash. */
export function stateIn(fields: Fields, { codec, placeOf }: StateCoding): JsonObject {
  const state: [string, JsonValue][] = []
  for (const [field, stored] of fields) {
    if (!field.startsWith(STATE)) continue
    const key = stateKey(field)
    state.push([key, codec.decodeText(stored, placeOf(key))])
  }
  // fromEntries defines properties, so a key named "__proto__" stays an ordinary key.
  return Object.fromEntries(state)
}

/** The record in the fields of a hash. */
export function recordOfHash(connectionId: string, fields: Fields, codec: ValueCodec): ConnectionRecord {
  const place = scopePlace(connectionId)
  const scope = requireObject(codec.decodeText(fields.get(SCOPE) ?? '{}', place), place)
  return {
    connectionId,
    scope,
    state: stateIn(fields, stateCoding(connectionId, codec)),
    version: numberIn(fields, 'version'),
    groups: groupsIn(fields),
    connectedAt: numberIn(fields, 'connectedAt'),
    expiresAt: numberIn(fields, 'expiresAt'),
  }
}

/** Says whether there is a record in `fields` that has not expired and is not being removed. */
export function isAlive(fields: Fields, nowSeconds: number): boolean {
  return numberIn(fields, 'expiresAt') > nowSeconds && !fields.has('removedBy')
}

/** The field that names a group of the connection. */
export function groupField(group: string): string {
  return GROUP + group
}

/** The groups that the fields name. */
export function groupsIn(fields: Fields): readonly string[] {
  return [...fields.keys()]
    .filter((field) => field.startsWith(GROUP))
    .map((field) => field.slice(GROUP.length))
}

/** The fields in what `HGETALL` answers within a script: names and values in turn. */
export function fieldsOfReply(reply: readonly string[]): Fields {
  const fields = new Map<string, string>()
  for (let at = 0; at + 1 < reply.length; at += 2) fields.set(reply[at] ?? '', reply[at + 1] ?? '')
  return fields
}

function stateCoding(connectionId: string, codec: ValueCodec): StateCoding {
  return { codec, placeOf: (key) => statePlace(connectionId, key) }
}

/** A number in the fields; 0 if there is none. */
export function numberIn(fields: Fields, field: string): number {
  return Number(fields.get(field) ?? 0)
}

/** The field of a key of a state: as JSON, for UTF-8 has no half characters, and JSON writes them out. */
export function stateField(key: string): string {
  return STATE + JSON.stringify(key)
}

function stateKey(field: string): string {
  return JSON.parse(field.slice(STATE.length)) as string
}
