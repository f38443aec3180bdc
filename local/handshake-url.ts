/** Where a handshake's URL leads: to the stage with its query, or nowhere. */
export type HandshakeTarget =
  | { readonly kind: 'stage'; readonly query: ReadonlyMap<string, readonly string[]> }
  | { readonly kind: 'forbidden' }

/** What decides about a handshake's URL. */
export interface HandshakeUrlRules {
  readonly stage: string
  /** Paths below it are turned into the `path` query parameter, as the CloudFront front does. */
  readonly socketPathPrefix: string
}

/**
 * Reads the URL of a handshake: `/{stage}` and `/{stage}/` are API Gateway's own, `/ws/…` is the front's. Anything else,
 * more path after the stage included, is 403.
 */
export function handshakeTarget(url: string, rules: HandshakeUrlRules): HandshakeTarget {
  const mark = url.indexOf('?')
  const path = mark === -1 ? url : url.slice(0, mark)
  const query = parseQuery(mark === -1 ? '' : url.slice(mark + 1))
  if (path === `/${rules.stage}` || path === `/${rules.stage}/`) return { kind: 'stage', query }
  if (!path.startsWith(rules.socketPathPrefix)) return { kind: 'forbidden' }
  // The client's own query cannot override the path of the URL.
  query.set('path', [decodeOnce(path)])
  return { kind: 'stage', query }
}

function parseQuery(text: string): Map<string, string[]> {
  const query = new Map<string, string[]>()
  for (const [name, value] of new URLSearchParams(text)) append(query, name, value)
  return query
}

function append(query: Map<string, string[]>, name: string, value: string): void {
  const values = query.get(name)
  if (values) values.push(value)
  else query.set(name, [value])
}

// As a query value is decoded, but in a path "+" and "&" stand for themselves.
function decodeOnce(path: string): string {
  return new URLSearchParams(`path=${path.replaceAll('+', '%2B').replaceAll('&', '%26')}`).get('path') ?? ''
}
