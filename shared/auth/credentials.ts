import type { HttpScope, RequestScope, WebsocketScope } from '../application.ts'
import { ConfigurationError } from '../errors.ts'
import { extendScope } from '../middleware/extend-scope.ts'

/**
 * Where a client has its credential. `authorization` is the header `Authorization: Bearer …`. `subprotocol` is for browsers,
 * which can set no header: one of the offered subprotocols, `bearer.…` or `ticket.…`. `{ query }` names a query parameter: URLs
 * end up in access logs, so it is never a default.
 */
export type CredentialSource = 'authorization' | 'subprotocol' | { readonly query: string }

/** One kind of credential, and where it may be. */
export interface CredentialPlaces {
  /** What it is called in `Authorization` and before the dot of a subprotocol, in lower case. */
  readonly scheme: 'bearer' | 'ticket'
  readonly from: readonly CredentialSource[]
}

/** All credentials of a kind that a client has sent: none, one, or several, which is never right. */
export function credentialsIn(scope: RequestScope, { scheme, from }: CredentialPlaces): readonly string[] {
  return from.flatMap((source) => {
    if (source === 'authorization') return inAuthorization(scope, scheme)
    if (source === 'subprotocol') return amongSubprotocols(scope, scheme)
    const value = Object.hasOwn(scope.query, source.query) ? scope.query[source.query] : undefined
    return value === undefined ? [] : [value]
  })
}

/** Sees to it that no credential in the query is stored with the connection. */
export function keepOutOfStore(scope: RequestScope, { from }: CredentialPlaces): void {
  if (!isWebsocket(scope)) return
  for (const source of from) if (typeof source === 'object') scope.connection.forgetQuery(source.query)
}

/**
 * The scope without credentials among its subprotocols and in its query: no consumer can accept one as a subprotocol, and
 * no view finds one in its request's URL.
 */
export function withoutCredentials<S extends RequestScope>(scope: S, places: readonly CredentialPlaces[]): S {
  const names = places.flatMap(({ from }) =>
    from.map((source) => (typeof source === 'object' ? source.query : '')),
  )
  const query = Object.fromEntries(Object.entries(scope.query).filter(([name]) => !names.includes(name)))
  if (isHttp(scope)) {
    const queryString = withoutParameters(scope.queryString, names)
    return extendScope(scope, { query, queryString }) as unknown as S
  }
  if (!isWebsocket(scope)) return extendScope(scope, { query }) as unknown as S
  const subprotocols = scope.subprotocols.filter(
    (offered) => !places.some(({ scheme }) => offered.startsWith(`${scheme}.`)),
  )
  // Both have the types they had.
  return extendScope(scope, { query, subprotocols }) as unknown as S
}

/** @throws {@link ConfigurationError} if a source is none, or there is no source at all */
export function requireSources(
  middleware: string,
  from: readonly CredentialSource[],
): readonly CredentialSource[] {
  if (Array.isArray(from) && from.length > 0 && from.every(isSource)) return from
  throw new ConfigurationError(
    `${middleware} has from: ${JSON.stringify(from)}: list where credentials come from, "authorization", "subprotocol" or { query: name }`,
  )
}

/** Whether the scope is of a WebSocket connection. */
export function isWebsocket<S extends RequestScope>(scope: S): scope is S & WebsocketScope {
  return scope.type === 'websocket'
}

function isHttp<S extends RequestScope>(scope: S): scope is S & HttpScope {
  return scope.type === 'http'
}

/** What is left of a query string is as the client sent it. */
function withoutParameters(queryString: string, names: readonly string[]): string {
  const isOther = (part: string): boolean =>
    ![...new URLSearchParams(part).keys()].some((name) => names.includes(name))
  return queryString.split('&').filter(isOther).join('&')
}

function isSource(source: CredentialSource): boolean {
  if (source === 'authorization' || source === 'subprotocol') return true
  return (
    typeof source === 'object' && source !== null && typeof source.query === 'string' && source.query !== ''
  )
}

function inAuthorization({ headers }: RequestScope, scheme: string): readonly string[] {
  return (headers['authorization'] ?? []).flatMap((header) => {
    const [name = '', ...rest] = header.trim().split(' ')
    // Whatever follows: what is no token is refused, and not taken for none.
    return name.toLowerCase() === scheme ? [rest.join(' ').trim()] : []
  })
}

function amongSubprotocols(scope: RequestScope, scheme: string): readonly string[] {
  if (!isWebsocket(scope)) return []
  const prefix = `${scheme}.`
  return scope.subprotocols
    .filter((offered) => offered.startsWith(prefix))
    .map((offered) => offered.slice(prefix.length))
}
