import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { ConfigurationError } from '../errors.ts'

const ID_BYTES = 32
const SHORTEST_SECRET = 32
// 32 bytes in base64url are 43 characters, for the id and for its signature.
const SIGNED_ID = /^([\w-]{43})\.([\w-]{43})$/

const HOW_TO_MAKE_ONE = `node -p "require('node:crypto').randomBytes(32).toString('base64url')"`

/** A fresh id, which nobody can guess. */
export function newSessionId(): string {
  return randomBytes(ID_BYTES).toString('base64url')
}

/** What a store keeps a session under: who reads the store cannot tell the id, which the client has, from it. */
export function sessionKeyOf(id: string): string {
  return createHash('sha256').update(id).digest('base64url')
}

/** Signs the ids of sessions with the first of its secrets, and takes signatures of all. */
export class SessionSigner {
  readonly #secrets: readonly string[]

  /** @throws {@link ConfigurationError} if there is no secret, or one of less than 32 bytes */
  constructor(secrets: readonly string[]) {
    this.#secrets = requireSecrets(secrets)
  }

  /** The cookie's value: the id, a dot, and the signature. */
  sign(id: string): string {
    const [first = ''] = this.#secrets
    return `${id}.${signatureOf(id, first)}`
  }

  /** The id in a cookie's value; `undefined` if none of the secrets has signed it. */
  verify(value: string): string | undefined {
    const [, id, signature] = SIGNED_ID.exec(value) ?? []
    if (id === undefined || signature === undefined) return undefined
    const given = Buffer.from(signature)
    // As text: several texts are the same bytes in base64url, and only one of them is what was sent.
    const matches = this.#secrets.map((secret) =>
      timingSafeEqual(given, Buffer.from(signatureOf(id, secret))),
    )
    return matches.includes(true) ? id : undefined
  }
}

function signatureOf(id: string, secret: string): string {
  return createHmac('sha256', secret).update(`lambda-channels session ${id}`).digest('base64url')
}

function requireSecrets(secrets: unknown): readonly string[] {
  if (!Array.isArray(secrets) || secrets.length === 0) {
    throw new ConfigurationError(
      `sessionMiddleware has no secrets: give it secrets: [secret], with a secret of at least ${SHORTEST_SECRET} bytes from the function's environment, such as ${HOW_TO_MAKE_ONE} makes`,
    )
  }
  for (const [index, secret] of secrets.entries()) requireSecret(secret, index)
  return secrets as readonly string[]
}

function requireSecret(secret: unknown, index: number): void {
  // The secret itself is never shown.
  const size = typeof secret === 'string' ? Buffer.byteLength(secret) : undefined
  if (size !== undefined && size >= SHORTEST_SECRET) return
  throw new ConfigurationError(
    `secrets[${index}] of sessionMiddleware ${size === undefined ? `is ${secret === null ? 'null' : typeof secret}` : `has ${size} bytes`}, and who guesses it can forge sessions: use at least ${SHORTEST_SECRET} bytes, such as ${HOW_TO_MAKE_ONE} makes`,
  )
}
