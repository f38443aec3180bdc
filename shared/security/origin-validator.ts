import type { Application, WebsocketScope } from '../application.ts'
import { ConfigurationError } from '../errors.ts'
import { wrapApplication } from '../middleware/define-middleware.ts'
import { type OriginMatcher, originMatcher } from './origin-pattern.ts'
import { WebsocketDenier } from './websocket-denier.ts'

const LONGEST_SHOWN = 200

/** The hosts that Django allows as well while it is developed on. */
const LOCAL_HOSTS = ['.localhost', '127.0.0.1', '[::1]']

const denier = WebsocketDenier.asApplication()

/**
 * Lets a handshake through to `application` only if the page that makes it has one of these origins; any other is
 * refused with 403, counted as `originRefused`, and told in one line at info. Browsers send cookies to any site's WebSocket
 * and let any page open one, so an application that trusts a cookie needs this.
 *
 * A pattern is an origin, `https://chat.example`; a host with or without a port, whatever the scheme; a host with a leading
 * dot, which is the domain with all its subdomains; `null`, for pages that have no origin; or `*`. What a pattern names
 * must be equal: there are no substrings. Without `*` a handshake is refused that has no origin, or a malformed one; one with
 * several always is.
 *
 * Checked once, at the handshake. What is no browser can send any origin it likes: this protects users, not the server.
 *
 * @throws {@link ConfigurationError} for a pattern that could match nothing, and for an empty list
 * @example
 * ```ts
 * const application = originValidator(UrlRouter(routes), ['https://chat.example', 'http://localhost:8000'])
 * ```
 */
export function originValidator<S extends WebsocketScope>(
  application: Application<S>,
  allowedOrigins: readonly string[],
): Application<S> {
  const isAllowed = originMatcher(requirePatterns('originValidator', allowedOrigins))
  return validateOrigin(application, () => isAllowed)
}

/** Options of {@link allowedHostsOriginValidator}. */
export interface AllowedHosts {
  /** As for {@link originValidator}; hosts without a scheme, as in Django's `ALLOWED_HOSTS`. */
  readonly allowedHosts: readonly string[]
  /** Whether an empty list means this machine: `localhost`, `127.0.0.1` and `[::1]`. By default what the runtime says. */
  readonly isDevelopment?: boolean
  /**
   * Whether a handshake without any `Origin` is let through: apps, scripts and `wscat` send none. Every browser does, so that
   * opens nothing to pages. False by default, as in Channels.
   */
  readonly allowsNoOrigin?: boolean
}

/**
 * As {@link originValidator}, for the hosts that an application is served from. In development an empty list allows pages
 * of this machine; in production it is an error.
 *
 * @throws {@link ConfigurationError} as {@link originValidator}; where the runtime decides that it is production, at the
 * handshake
 */
export function allowedHostsOriginValidator<S extends WebsocketScope>(
  application: Application<S>,
  { allowedHosts, isDevelopment, allowsNoOrigin = false }: AllowedHosts,
): Application<S> {
  const matcherOf = (patterns: readonly string[]): OriginMatcher => {
    const matches = originMatcher(requirePatterns('allowedHostsOriginValidator', patterns))
    return (origin) => (origin === undefined && allowsNoOrigin) || matches(origin)
  }
  const isEmpty = Array.isArray(allowedHosts) && allowedHosts.length === 0
  if (!isEmpty) {
    const isAllowed = matcherOf(allowedHosts)
    return validateOrigin(application, () => isAllowed)
  }
  const isLocal = matcherOf(LOCAL_HOSTS)
  const forHosts = (isLocalEnough: boolean): OriginMatcher => (isLocalEnough ? isLocal : matcherOf([]))
  if (isDevelopment !== undefined) forHosts(isDevelopment)
  return validateOrigin(application, (scope) => forHosts(isDevelopment ?? scope.connection.isDevelopment))
}

function validateOrigin<S extends WebsocketScope>(
  application: Application<S>,
  matcherFor: (scope: S) => OriginMatcher,
): Application<S> {
  return wrapApplication<S>(application, async (scope, message, send) => {
    requireWebsocket(scope)
    const isRefused = message.type === 'websocket.connect' && !isAllowedBy(matcherFor(scope), scope)
    await (isRefused ? denier : application)(scope, message, send)
  })
}

function isAllowedBy(
  isAllowed: OriginMatcher,
  { headers, connection, channelName, path }: WebsocketScope,
): boolean {
  const [origin, ...others] = headers['origin'] ?? []
  if (others.length === 0 && isAllowed(origin)) return true
  connection.count('originRefused')
  connection.logger.info('handshake refused with 403: its origin is not allowed', {
    channelName,
    path,
    origin: [origin, ...others].map((text) => text?.slice(0, LONGEST_SHOWN) ?? 'none').join(' '),
  })
  return false
}

function requireWebsocket(scope: { readonly type: string }): void {
  if (scope.type === 'websocket') return
  throw new ConfigurationError(
    `originValidator got a scope of type "${scope.type}": requests other than WebSocket handshakes come without an origin, so wrap what ProtocolTypeRouter has under "websocket"`,
  )
}

function requirePatterns(validator: string, patterns: readonly string[]): readonly string[] {
  if (Array.isArray(patterns) && patterns.length > 0) return patterns
  const what = Array.isArray(patterns) ? 'an empty list' : `a ${typeof patterns} in place of a list`
  throw new ConfigurationError(
    `${validator} got ${what}, so no handshake could be accepted: list the origins of your pages, such as "https://chat.example", or use "*" to allow all`,
  )
}
