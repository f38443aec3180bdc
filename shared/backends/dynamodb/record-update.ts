import { InvalidStateError } from '../../errors.ts'
import type { RecordWrite } from '../../stores/channel-store.ts'
import { stateEntry, stateEntryName } from './record-item.ts'
import { SCOPE_ATTRIBUTE, STATE_ATTRIBUTE, VERSION_ATTRIBUTE, WRITER_ATTRIBUTE } from './table.ts'
import type { Item } from './transport.ts'

// An expression has at most 4 KB of text, and a key takes up to 22 characters of it.
const MOST_KEYS = 150

/** An update expression and what its placeholders stand for. */
export interface RecordUpdate {
  readonly expression: string
  readonly names: Record<string, string>
  readonly values: Item
}

/**
 * The update that makes `write`, raises the version, and notes `writer`.
 *
 * @throws {@link InvalidStateError} if it changes more keys than fit into one update
 */
export function recordUpdate(write: RecordWrite, writer?: string): RecordUpdate {
  const removed = [...new Set(write.remove)].filter((key) => !Object.hasOwn(write.set, key))
  const set = Object.entries(write.set)
  if (set.length + removed.length > MOST_KEYS) {
    throw new InvalidStateError(
      `a write changes ${set.length + removed.length} keys of the state, ${MOST_KEYS} is the most one update can: keep a collection under one key`,
    )
  }
  const names: Record<string, string> = { '#version': VERSION_ATTRIBUTE }
  const values: Item = { ':one': { N: '1' } }
  // DynamoDB refuses a name that its expression does not use.
  if (set.length + removed.length > 0) names['#state'] = STATE_ATTRIBUTE
  const setClauses = set.map(([key, value], index) => {
    const entry = stateEntry(key, value)
    names[`#s${index}`] = entry.name
    values[`:s${index}`] = { S: entry.text }
    return `#state.#s${index} = :s${index}`
  })
  if (write.scope !== undefined) {
    names['#scope'] = SCOPE_ATTRIBUTE
    values[':scope'] = { S: JSON.stringify(write.scope) }
    setClauses.push('#scope = :scope')
  }
  if (writer !== undefined) {
    names['#writer'] = WRITER_ATTRIBUTE
    values[':writer'] = { S: writer }
    setClauses.push('#writer = :writer')
  }
  const removeClauses = removed.map((key, index) => {
    names[`#r${index}`] = stateEntryName(key)
    return `#state.#r${index}`
  })
  const clauses = [clause('SET', setClauses), clause('REMOVE', removeClauses), 'ADD #version :one']
  return { expression: clauses.filter(Boolean).join(' '), names, values }
}

function clause(verb: string, parts: readonly string[]): string {
  return parts.length === 0 ? '' : `${verb} ${parts.join(', ')}`
}
