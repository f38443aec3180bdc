import type { RequestScope } from '../application.ts'
import { ConfigurationError } from '../errors.ts'
import type { JsonObject } from '../message.ts'
import { defineMiddleware } from '../middleware/define-middleware.ts'
import { type AnonymousUser, anonymousUser, type User } from './user.ts'
import { admit, Refusal, requireRequest, type UserMiddleware, type Identity } from './user-middleware.ts'

/** Who a Lambda authorizer has let in, if nothing else is said: its `principalId`. */
export interface Principal extends User {
  readonly id: string
}

/** Options of {@link authorizerMiddleware}. */
export interface AuthorizerMiddlewareOptions<U extends User> {
  /** Makes the user, plain JSON, of the authorizer's context; `undefined` refuses with 401. By default `{ id: principalId }`. */
  readonly user?: (context: JsonObject) => U | undefined
  /** When the connection is to end, in seconds since the epoch, such as the `exp` of the token that the authorizer saw. */
  readonly expiresAt?: (context: JsonObject) => number | undefined
  /** Lets in who came through no authorizer, as `anonymousUser`: for development, where there is none. */
  readonly allowAnonymous?: boolean
}

const NAME = 'authorizer'

/**
 * Adds `scope.user` of what a Lambda authorizer of API Gateway, or the JWT authorizer of an HTTP API, has found out. The client
 * was checked before this function ran, and can write nothing of it.
 *
 * The context is flat. Its values are strings, numbers and booleans, and strings all of them where API Gateway maps them on their
 * way: compare `String(context['admin']) === 'true'`, for the string `false` is true. Of a JWT authorizer it is
 * `{ claims, scopes }`.
 *
 * @throws {@link ConfigurationError} at the handshake, if no authorizer is attached
 *
 * @example
 * ```ts
 * const authorized = authorizerMiddleware({ user: ({ principalId, tenant }) => ({ id: String(principalId), tenant }) })
 * const application = authorized(UrlRouter(routes))
 * ```
 */
export function authorizerMiddleware<U extends User = Principal>(
  options: AuthorizerMiddlewareOptions<U> & { readonly allowAnonymous: true },
): UserMiddleware<U | AnonymousUser>
export function authorizerMiddleware<U extends User = Principal>(
  options?: AuthorizerMiddlewareOptions<U> & { readonly allowAnonymous?: false },
): UserMiddleware<U>
export function authorizerMiddleware<U extends User>(
  options: AuthorizerMiddlewareOptions<U> = {},
): UserMiddleware<U | AnonymousUser> {
  return defineMiddleware({
    name: NAME,
    connect: (scope: RequestScope): Identity<U | AnonymousUser> => {
      requireRequest(scope, NAME)
      return admit(scope, identityOf(scope, options), { name: NAME, counter: 'authorizerRefused' })
    },
  })
}

function identityOf<U extends User>(
  { authorizer }: RequestScope,
  options: AuthorizerMiddlewareOptions<U>,
): Identity<U | AnonymousUser> | Refusal {
  if (authorizer === undefined) {
    if (options.allowAnonymous === true) return { user: anonymousUser, userExpiresAt: null }
    throw new ConfigurationError(
      'authorizerMiddleware found no authorizer context: attach a Lambda authorizer to $connect (or to the route of the HTTP API), or set allowAnonymous where there is none',
    )
  }
  // Without a function of its own, U is Principal.
  const user =
    options.user === undefined ? (principalOf(authorizer) as U | undefined) : options.user(authorizer)
  if (user === undefined) return new Refusal('its authorizer names no user')
  const seconds = options.expiresAt?.(authorizer)
  return { user, userExpiresAt: seconds === undefined ? null : endOf(seconds) }
}

function principalOf({ principalId }: JsonObject): User | undefined {
  return typeof principalId === 'string' && principalId !== '' ? { id: principalId } : undefined
}

function endOf(seconds: number): number {
  if (Number.isFinite(seconds)) return seconds * 1000
  throw new ConfigurationError(
    `expiresAt of authorizerMiddleware returned ${String(seconds)}: return seconds since the epoch as a number, Number(context['exp']), or undefined`,
  )
}
