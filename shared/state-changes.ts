import type { JsonObject } from './message.ts'

/** The changed keys of a connection's state: keys that are not named stay as they are. */
export interface StateChanges {
  readonly set: JsonObject
  readonly remove: readonly string[]
}

/** What has to be written so that `before` becomes `after`: changed keys only. */
export function stateChanges(before: JsonObject, after: JsonObject): StateChanges {
  const changed = Object.entries(after).filter(([key, value]) => !isSameJson(own(before, key), value))
  const remove = Object.keys(before).filter((key) => !Object.hasOwn(after, key))
  return { set: Object.fromEntries(changed), remove }
}

/** `state` with these changes made: a copy. */
export function withChanges(state: JsonObject, { set, remove }: StateChanges): JsonObject {
  const kept = Object.entries(state).filter(([key]) => !remove.includes(key))
  // fromEntries defines properties, so a key named "__proto__" stays an ordinary key.
  return Object.fromEntries([...kept, ...Object.entries(set)])
}

/** Says whether there is nothing to write. */
export function isUnchanged(changes: StateChanges): boolean {
  return changes.remove.length === 0 && Object.keys(changes.set).length === 0
}

function own(object: JsonObject, key: string): unknown {
  return Object.hasOwn(object, key) ? object[key] : undefined
}

function isSameJson(left: unknown, right: unknown): boolean {
  return left === right || JSON.stringify(left) === JSON.stringify(right)
}
