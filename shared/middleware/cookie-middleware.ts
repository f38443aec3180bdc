import type { RequestScope } from '../application.ts'
import { ConfigurationError, ProtocolError } from '../errors.ts'
import { type Cookies, parseCookies } from './cookies.ts'
import { defineMiddleware, type Middleware } from './define-middleware.ts'

/** A scope with the client's cookies. */
export interface CookieScope extends RequestScope {
  readonly cookies: Cookies
}

/**
 * Adds `scope.cookies`, for HTTP requests and, while `connect()` runs, for WebSocket connections. Cookies are never stored, so
 * later events of a connection have none, and reading them is a {@link ProtocolError}.
 *
 * @throws {@link ConfigurationError} for a scope without headers, as that of a worker
 */
export const cookieMiddleware: Middleware<RequestScope, { readonly cookies: Cookies }> = defineMiddleware({
  name: 'cookie',
  connect(scope: RequestScope): { readonly cookies: Cookies } {
    const cookies = parseCookies(headersOf(scope)['cookie'] ?? [])
    // A getter is not stored with the connection.
    return {
      get cookies() {
        return cookies
      },
    }
  },
  resume: () => noCookies,
})

/** Not enumerable, so that a spread of the scope does not read it. */
const noCookies = Object.defineProperty({} as { readonly cookies: Cookies }, 'cookies', {
  get(): never {
    throw new ProtocolError(
      'scope.cookies was read after connect(): API Gateway sends cookies with the handshake only, and they are not stored, as they may be credentials; keep what you need of them in the state',
    )
  },
})

function headersOf(scope: RequestScope): RequestScope['headers'] {
  const headers: unknown = scope.headers
  if (typeof headers === 'object' && headers !== null) return scope.headers
  throw new ConfigurationError(
    `cookieMiddleware got a scope of type "${scope.type}" without headers: put it around HTTP and WebSocket applications only`,
  )
}
