import type { RequestScope } from '../application.ts'
import { ConfigurationError } from '../errors.ts'
import { defineMiddleware, type Middleware, wrapApplication } from '../middleware/define-middleware.ts'
import { DenyConnection } from '../signals.ts'
import {
  type CredentialPlaces,
  credentialsIn,
  isWebsocket,
  keepOutOfStore,
  withoutCredentials,
} from './credentials.ts'
import { requireStorableUser } from './storable-user.ts'
import { type AnonymousUser, anonymousUser, type User } from './user.ts'

/** What a client is told whose credential has expired. 4000 to 4999 are for applications: RFC 6455, section 7.4.2. */
export const EXPIRED_CODE = 4401

/** What a middleware adds that finds out who a client is. */
export interface Identity<U> {
  readonly user: U
  /** When this is true no longer, in milliseconds since the epoch: the connection ends then. `null` if it does not expire. */
  readonly userExpiresAt: number | null
}

/** Adds `scope.user` to HTTP requests and WebSocket connections. */
export type UserMiddleware<U> = Middleware<RequestScope, Identity<U>>

/** Why a client is not let in: a few words for the log, without anything that the client has sent. */
export class Refusal {
  readonly reason: string

  constructor(reason: string) {
    this.reason = reason
  }
}

/** How one kind of credential is checked. */
export interface CredentialScheme<U> extends CredentialPlaces {
  readonly check: (credential: string, scope: RequestScope) => Promise<Identity<U> | Refusal>
}

/** What a {@link userMiddleware} is made of. */
export interface UserMiddlewareDefinition<U> {
  /** Its name, in errors, and under which the user is saved. */
  readonly name: string
  readonly schemes: readonly CredentialScheme<U>[]
  /** Counts refusals. */
  readonly counter: string
  readonly allowAnonymous: boolean
}

/** A middleware that takes who the client is from the one credential it has sent, and refuses it with 401 otherwise. */
export function userMiddleware<U extends User>(
  definition: UserMiddlewareDefinition<U>,
): UserMiddleware<U | AnonymousUser> {
  const { name, schemes } = definition
  const identify = defineMiddleware({
    name,
    connect: async (scope: RequestScope): Promise<Identity<U | AnonymousUser>> => {
      requireRequest(scope, name)
      for (const scheme of schemes) keepOutOfStore(scope, scheme)
      return admit(scope, await identity(scope, definition), definition)
    },
  })
  return (inner) =>
    identify(
      wrapApplication(inner, async (scope, message, send) => {
        const isFirst = message.type === 'websocket.connect' || message.type === 'http.request'
        // `identify` has seen that it is of a request.
        const seen = isFirst ? withoutCredentials(scope as typeof scope & RequestScope, schemes) : scope
        await inner(seen, message, send)
      }) as typeof inner,
    )
}

/**
 * Lets the client in for as long as its credential lasts, or refuses it.
 *
 * @throws {@link ConfigurationError} for the user of a connection who cannot be stored with it
 */
export function admit<U>(
  scope: RequestScope,
  identified: Identity<U> | Refusal,
  { name, counter }: Pick<UserMiddlewareDefinition<U>, 'name' | 'counter'>,
): Identity<U> {
  if (identified instanceof Refusal) throw refused(scope, { name, counter, reason: identified.reason })
  if (!isWebsocket(scope)) return identified
  const { user, userExpiresAt } = identified
  requireStorableUser(user, {
    name: `scope.user of ${name}Middleware`,
    where: 'with its connection',
    remedy: 'return only what consumers need, such as { id, name }',
  })
  if (userExpiresAt !== null) scope.connection.endAt(userExpiresAt, EXPIRED_CODE)
  return identified
}

/** @throws {@link ConfigurationError} for a scope of what is neither an HTTP request nor a WebSocket connection */
export function requireRequest(scope: RequestScope, middleware: string): void {
  const headers: unknown = scope.headers
  if (typeof headers === 'object' && headers !== null) return
  throw new ConfigurationError(
    `${middleware}Middleware got a scope of type "${scope.type}", which has no user: put it around HTTP and WebSocket applications only`,
  )
}

async function identity<U>(
  scope: RequestScope,
  { schemes, allowAnonymous }: UserMiddlewareDefinition<U>,
): Promise<Identity<U | AnonymousUser> | Refusal> {
  const sent = schemes.flatMap((scheme) =>
    credentialsIn(scope, scheme).map((credential) => ({ scheme, credential })),
  )
  const [first, ...others] = sent
  if (others.length > 0) return new Refusal('several credentials')
  if (first !== undefined) return await first.scheme.check(first.credential, scope)
  if (!allowAnonymous) return new Refusal('no credential')
  return { user: anonymousUser, userExpiresAt: null }
}

/** Counts and tells a refusal. What the client has sent is in neither. */
function refused(
  scope: RequestScope,
  { name, counter, reason }: { readonly name: string; readonly counter: string; readonly reason: string },
): DenyConnection {
  const { connection, path } = scope
  connection.count(counter)
  const what = isWebsocket(scope) ? 'handshake' : 'request'
  connection.logger.info(`${what} refused with 401 by ${name}Middleware: ${reason}`, {
    ...(isWebsocket(scope) ? { channelName: scope.channelName } : {}),
    path,
  })
  return new DenyConnection(401)
}
