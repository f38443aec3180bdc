import type { RequestScope } from '../application.ts'
import { cookieMiddleware } from '../middleware/cookie-middleware.ts'
import type { Cookies } from '../middleware/cookies.ts'
import type { Middleware } from '../middleware/define-middleware.ts'
import type { Session } from '../sessions/session.ts'
import { type SessionOptions, sessionMiddleware } from '../sessions/session-middleware.ts'
import { authMiddleware, type AuthOptions } from './auth-middleware.ts'
import type { AnonymousUser, User } from './user.ts'

/** What {@link authMiddlewareStack} adds to a scope. */
export interface AuthAdditions<U extends User> {
  readonly cookies: Cookies
  readonly session: Session
  readonly user: U | AnonymousUser
}

/**
 * Returns cookies, session and user in one middleware: `cookieMiddleware(sessionMiddleware(options)(authMiddleware(options)(inner)))`.
 * Make it once, and put it around the HTTP and the WebSocket side.
 *
 * @throws {@link ConfigurationError} as the three do
 * @example
 * ```ts
 * const auth = authMiddlewareStack({ store, secrets: [secret], getUser: (id) => findAccount(id) })
 * const application = ProtocolTypeRouter({
 *   http: auth(fetchApplication(app.fetch)),
 *   websocket: auth(UrlRouter(websocketRoutes)),
 * })
 * ```
 */
export function authMiddlewareStack<Account extends User, U extends User = Account>(
  options: SessionOptions & AuthOptions<Account, U>,
): Middleware<RequestScope, AuthAdditions<U>> {
  const session = sessionMiddleware(options)
  const auth = authMiddleware(options)
  // Each of the three is checked where it is defined; together they add these and ask for a request.
  return ((inner: never) => cookieMiddleware(session(auth(inner)))) as Middleware<
    RequestScope,
    AuthAdditions<U>
  >
}
