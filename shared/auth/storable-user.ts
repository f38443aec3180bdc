import { requireJsonObject } from '../codec.ts'
import { ConfigurationError, InvalidMessageError } from '../errors.ts'
import type { JsonObject, JsonValue } from '../message.ts'

/** A key that nobody should find in the record of a connection. */
const SECRET = /passw|secret|token|hash|salt|api-?key|credential/i

/** Whose user it is that is to be stored. */
export interface StoredUser {
  /** What errors call it: `scope.user`. */
  readonly name: string
  /** Where it would be stored: `with its connection`. */
  readonly where: string
  /** What to do instead. */
  readonly remedy: string
}

/**
 * `user`, if it is JSON and none of its keys, however deep, speaks of a secret: an account as a database returns it has more
 * in it than consumers need, and whoever reads the table would read that.
 *
 * @throws {@link ConfigurationError} otherwise
 */
export function requireStorableUser(user: unknown, { name, where, remedy }: StoredUser): JsonObject {
  let json: JsonObject
  try {
    json = requireJsonObject(user, name)
  } catch (error) {
    if (!(error instanceof InvalidMessageError)) throw error
    throw new ConfigurationError(`${name} cannot be stored ${where} (${error.message}): ${remedy}`, {
      cause: error,
    })
  }
  const secret = secretKeyIn(json)
  if (secret === undefined) return json
  throw new ConfigurationError(
    `${name} has the key "${secret}", which speaks of a secret, and would be stored ${where}: ${remedy}`,
  )
}

/** The first such key, with those that lead to it: `account.passwordHash`. */
function secretKeyIn(value: JsonValue | undefined): string | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  for (const [key, inner] of Object.entries(value)) {
    if (SECRET.test(key)) return key
    const deeper = secretKeyIn(inner)
    if (deeper !== undefined) return `${key}.${deeper}`
  }
  return undefined
}
