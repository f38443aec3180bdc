import type { JsonObject, JsonValue } from '../../message.ts'
import type { ConnectionRecord, RecordWrite } from '../../stores/channel-store.ts'
import type { TextCipher } from '../../stores/text-cipher.ts'

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

/** The field and the value of everything in a record, one after the other. */
export function hashOfRecord(record: ConnectionRecord, cipher: TextCipher): readonly string[] {
  const { connectionId, scope, state, version, connectedAt, expiresAt } = record
  const { set } = hashChanges(connectionId, { scope, set: state, remove: [] }, cipher)
  const numbers = Object.entries({ version, connectedAt, expiresAt })
  return [
    ...set,
    ...numbers.flatMap(([field, value]) => [field, String(value)]),
    ...[...new Set(record.groups)].flatMap((group) => [groupField(group), '']),
  ]
}

/** What `write` does to the hash of a connection. */
export function hashChanges(connectionId: string, write: RecordWrite, cipher: TextCipher): HashChanges {
  const texts = Object.entries(write.set).map(([key, value]) => [stateField(key), value] as const)
  const fields: readonly (readonly [string, JsonValue])[] =
    write.scope === undefined ? texts : [[SCOPE, write.scope], ...texts]
  return {
    set: fields.flatMap(([field, value]) => [
      field,
      cipher.encrypt(JSON.stringify(value), placeOf(connectionId, field)),
    ]),
    remove: write.remove.map((key) => stateField(key)),
  }
}

/** The record in the fields of a hash. */
export function recordOfHash(connectionId: string, fields: Fields, cipher: TextCipher): ConnectionRecord {
  const read = (field: string, stored: string): JsonValue =>
    JSON.parse(cipher.decrypt(stored, placeOf(connectionId, field))) as JsonValue
  const state: [string, JsonValue][] = []
  const groups: string[] = []
  for (const [field, stored] of fields) {
    if (field.startsWith(GROUP)) groups.push(field.slice(GROUP.length))
    if (field.startsWith(STATE)) state.push([stateKey(field), read(field, stored)])
  }
  return {
    connectionId,
    scope: read(SCOPE, fields.get(SCOPE) ?? '{}') as JsonObject,
    // fromEntries defines properties, so a key named "__proto__" stays an ordinary key.
    state: Object.fromEntries(state),
    version: numberIn(fields, 'version'),
    groups,
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

function numberIn(fields: Fields, field: string): number {
  return Number(fields.get(field) ?? 0)
}

// A key as JSON: UTF-8 has no half characters, and JSON writes them out.
function stateField(key: string): string {
  return STATE + JSON.stringify(key)
}

function stateKey(field: string): string {
  return JSON.parse(field.slice(STATE.length)) as string
}

/** What a stored text belongs to: it cannot be moved to another connection or another field. */
function placeOf(connectionId: string, field: string): string {
  return `connection "${connectionId}", ${field}`
}
