import { InvalidStateError } from '../../errors.ts'
import type { StateChanges } from '../../state-changes.ts'
import type { RecordWrite } from '../../stores/channel-store.ts'
import type { ValueCodec } from '../../stores/value-codec.ts'
import {
  entryAttribute,
  type MapCoding,
  scopeAttribute,
  stateCoding,
  stateEntry,
  stateEntryName,
} from './record-item.ts'
import { SCOPE_ATTRIBUTE, STATE_ATTRIBUTE, VERSION_ATTRIBUTE, WRITER_ATTRIBUTE } from './table.ts'
import type { Item } from './transport.ts'

// An expression has at most 4 KB of text, and a key takes up to 22 characters of it.
const MOST_KEYS = 150

/** The parts of an update that change entries of the map `#state`. */
export interface MapUpdate {
  readonly set: readonly string[]
  readonly remove: readonly string[]
  readonly names: Record<string, string>
  readonly values: Item
}

/** An update expression and what its placeholders stand for. */
export interface RecordUpdate {
  readonly expression: string
  readonly names: Record<string, string>
  readonly values: Item
}

/** Options of {@link recordUpdate}. */
export interface RecordUpdateOptions {
  readonly codec: ValueCodec
  /** Noted on the record. */
  readonly writer?: string
}

/**
 * The update that makes `write` on the record of a connection, and raises the version.
 *
 * @throws {@link InvalidStateError} if it changes more keys than fit into one update
 */
export function recordUpdate(
  connectionId: string,
  write: RecordWrite,
  { codec, writer }: RecordUpdateOptions,
): RecordUpdate {
  const map = mapUpdate(write, stateCoding(connectionId, codec))
  const names: Record<string, string> = { ...map.names, '#version': VERSION_ATTRIBUTE }
  const values: Item = { ...map.values, ':one': { N: '1' } }
  const setClauses = [...map.set]
  if (write.scope !== undefined) {
    names['#scope'] = SCOPE_ATTRIBUTE
    values[':scope'] = scopeAttribute(connectionId, write.scope, codec)
    setClauses.push('#scope = :scope')
  }
  if (writer !== undefined) {
    names['#writer'] = WRITER_ATTRIBUTE
    values[':writer'] = { S: writer }
    setClauses.push('#writer = :writer')
  }
  const clauses = [clause('SET', setClauses), clause('REMOVE', map.remove), 'ADD #version :one']
  return { expression: clauses.filter(Boolean).join(' '), names, values }
}

/**
 * The parts of an update that make these changes in the map `#state`.
 *
 * @throws {@link InvalidStateError} if they are more than fit into one update
 */
export function mapUpdate(changes: StateChanges, coding: MapCoding): MapUpdate {
  const removed = [...new Set(changes.remove)].filter((key) => !Object.hasOwn(changes.set, key))
  const changed = Object.entries(changes.set)
  if (changed.length + removed.length > MOST_KEYS) {
    throw new InvalidStateError(
      `a write changes ${changed.length + removed.length} keys of the state, ${MOST_KEYS} is the most one update can: keep a collection under one key`,
    )
  }
  const names: Record<string, string> = {}
  const values: Item = {}
  // DynamoDB refuses a name that its expression does not use.
  if (changed.length + removed.length > 0) names['#state'] = STATE_ATTRIBUTE
  const set = changed.map(([key, value], index) => {
    const entry = stateEntry(key, value)
    names[`#s${index}`] = entry.name
    values[`:s${index}`] = entryAttribute(entry, coding)
    return `#state.#s${index} = :s${index}`
  })
  const remove = removed.map((key, index) => {
    names[`#r${index}`] = stateEntryName(key)
    return `#state.#r${index}`
  })
  return { set, remove, names, values }
}

/** One clause of an update; nothing without parts. */
export function clause(verb: string, parts: readonly string[]): string {
  return parts.length === 0 ? '' : `${verb} ${parts.join(', ')}`
}
