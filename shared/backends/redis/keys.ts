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

/** A pattern of the keys of all records. */
export function connectionPattern(prefix: string): string {
  return `${prefix}:c:{*`
}

/** The connection whose record is at `key`. */
export function connectionOfKey(prefix: string, key: string): string {
  return key.slice(`${prefix}:c:{`.length, -1)
}

/** Where a group's members are. */
export function groupKey(prefix: string, group: string): string {
  return `${prefix}:g:{${group}}`
}

/** Where the messages of a channel wait. */
export function messagesKey(prefix: string, channelName: string): string {
  return `${prefix}:m:{${channelName}}`
}

/** Where a session is. */
export function sessionKey(prefix: string, key: string): string {
  return `${prefix}:s:{${key}}`
}

/** Where a ticket is. */
export function ticketKey(prefix: string, key: string): string {
  return `${prefix}:t:{${key}}`
}

/** Where the hits of one window of time are counted. */
export function rateKey(prefix: string, counted: string): string {
  return `${prefix}:r:{${counted}}`
}

/** Patterns of all keys of these kinds; the brace keeps out those of another prefix that begins with this one. */
export function keyPatterns(prefix: string): readonly string[] {
  return ['c', 'g', 'm'].map((kind) => `${prefix}:${kind}:{*`)
}
