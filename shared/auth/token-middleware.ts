import type { RequestScope } from '../application.ts'
import { type Clock, systemClock } from '../clock.ts'
import { StoreError } from '../errors.ts'
import type { TicketStore } from '../stores/ticket-store.ts'
import { type CredentialSource, requireSources } from './credentials.ts'
import { ticketScheme } from './ticket-middleware.ts'
import { type TokenClaims, type TokenRules, TokenVerifier } from './token-verifier.ts'
import type { AnonymousUser, User } from './user.ts'
import {
  type CredentialScheme,
  Refusal,
  type UserMiddleware,
  userMiddleware,
  type Identity,
} from './user-middleware.ts'

/** Who a token is about, if nothing else is said: its `sub`. */
export interface TokenUser extends User {
  readonly id: string
}

/** Options of {@link tokenMiddleware}. */
export interface TokenMiddlewareOptions<U extends User> extends TokenRules {
  /** Where a client has its token: by default in `Authorization: Bearer …`, or among the subprotocols as `bearer.…`. */
  readonly from?: readonly CredentialSource[]
  /** Makes the user, plain JSON, of what the token says; `undefined` refuses it. By default `{ id: claims.sub }`. */
  readonly user?: (claims: TokenClaims) => U | undefined | Promise<U | undefined>
  /** Takes tickets of {@link mintTicket} as well, among the subprotocols as `ticket.…`. */
  readonly tickets?: TicketStore
  /** Lets in who has neither, as `anonymousUser`. A token that is no good is refused all the same. */
  readonly allowAnonymous?: boolean
  readonly clock?: Clock
}

/**
 * Adds `scope.user` of a JWT that the client sends, for HTTP requests and WebSocket connections, and `scope.userExpiresAt`.
 *
 * The signature, `iss`, `aud` (or other claims) and `exp` must be right. Whoever has no such token is refused with 401, counted
 * as `tokenRefused`; the log has one line with the reason and without the token. It is neither stored nor accepted as a
 * subprotocol. **A connection ends when its token expires**, with code 4401.
 *
 * A browser offers two subprotocols, `new WebSocket(url, ['chat.v1', 'bearer.' + token])`, and the consumer accepts the first. The
 * token is checked once, at the handshake: what changes about its user later is seen by the next connection.
 *
 * Needs the package `jose`, which is loaded with the first token.
 *
 * @throws {@link ConfigurationError} for options that would let in anybody, or nobody
 *
 * @example
 * ```ts
 * const authenticated = tokenMiddleware({
 *   issuer: 'https://login.example',
 *   audience: 'chat',
 *   jwks: 'https://login.example/.well-known/jwks.json',
 * })
 * const application = authenticated(UrlRouter(routes))
 * ```
 */
export function tokenMiddleware<U extends User = TokenUser>(
  options: TokenMiddlewareOptions<U> & { readonly allowAnonymous: true },
): UserMiddleware<U | AnonymousUser>
export function tokenMiddleware<U extends User = TokenUser>(
  options: TokenMiddlewareOptions<U> & { readonly allowAnonymous?: false },
): UserMiddleware<U>
export function tokenMiddleware<U extends User>(
  options: TokenMiddlewareOptions<U>,
): UserMiddleware<U | AnonymousUser> {
  const { from = ['authorization', 'subprotocol'], tickets, allowAnonymous = false } = options
  const { clock = systemClock } = options
  requireSources('tokenMiddleware', from)
  const verifier = new TokenVerifier(options, clock)
  const token: CredentialScheme<U> = {
    scheme: 'bearer',
    from,
    check: (credential, scope) => identityOf(credential, scope, { verifier, user: options.user }),
  }
  const schemes =
    tickets === undefined
      ? [token]
      : [token, ticketScheme<U>({ store: tickets, from: ['subprotocol'], clock })]
  return userMiddleware({ name: 'token', schemes, counter: 'tokenRefused', allowAnonymous })
}

async function identityOf<U extends User>(
  token: string,
  { connection }: RequestScope,
  { verifier, user }: { readonly verifier: TokenVerifier; readonly user: TokenMiddlewareOptions<U>['user'] },
): Promise<Identity<U> | Refusal> {
  const claims = await verifier.verify(token).catch((error: unknown) => {
    if (error instanceof StoreError) connection.count('tokenKeysMissing')
    throw error
  })
  if (claims instanceof Refusal) return claims
  // Without a function of its own, U is TokenUser.
  const known = user === undefined ? (subjectOf(claims) as U | undefined) : await user(claims)
  if (known === undefined) return new Refusal('the token is of no user')
  return { user: known, userExpiresAt: verifier.endOf(claims) }
}

function subjectOf({ sub }: TokenClaims): User | undefined {
  return typeof sub === 'string' && sub !== '' ? { id: sub } : undefined
}
