import { ConfigurationError } from '../../errors.ts'

const PREFIX = /^[\w.:-]{1,64}$/

/** @throws {@link ConfigurationError} if keys that begin with `prefix` would not stay in their hash slot */
export function requirePrefix(prefix: string): string {
  if (PREFIX.test(prefix)) return prefix
  throw new ConfigurationError(
    `prefix ${JSON.stringify(prefix)} cannot begin a key: use 1 to 64 letters, digits, "_", ".", ":" and "-"`,
  )
}

/**
 * Where a connection's record is. Braces are a hash tag: keys that have the same one are in the same slot of a
 * cluster. A script of ours touches one key.
 */
export function connectionKey(prefix: string, connectionId: string): string {
  return `${prefix}:c:{${connectionId}}`
}

/** Where a group's members are. */
export function groupKey(prefix: string, group: string): string {
  return `${prefix}:g:{${group}}`
}
