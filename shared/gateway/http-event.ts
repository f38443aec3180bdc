import type { EventContext, HttpScope } from '../application.ts'
import { InvalidEventError } from '../errors.ts'
import { isPlainObject, type JsonObject } from '../message.ts'

/** An event of an API Gateway HTTP API, payload format 2.0, narrowed to what is relied on. */
export interface HttpEvent {
  readonly method: string
  readonly scheme: string
  /** The path, %-decoded, without the stage. */
  readonly path: string
  readonly queryString: string
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, readonly string[]>>
  readonly body: string
  readonly isBase64Encoded: boolean
  readonly sourceIp: string | undefined
  readonly authorizer: JsonObject | undefined
}

/**
 * Narrows what Lambda was invoked with to an event of an HTTP API, or of a function URL, which has the same format.
 *
 * Fields: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
 *
 * @throws {@link InvalidEventError} naming what was seen
 */
export function parseHttpEvent(raw: unknown): HttpEvent {
  const request = isPlainObject(raw) ? raw['requestContext'] : undefined
  const http = isPlainObject(request) ? request['http'] : undefined
  if (!isPlainObject(raw) || !isPlainObject(request) || !isPlainObject(http)) throw invalid(raw)
  if (raw['version'] !== '2.0') throw invalid(raw, `version is ${JSON.stringify(raw['version'])}`)
  const headers = headersOf(raw)
  const sourceIp = http['sourceIp']
  return {
    ...bodyOf(raw),
    method: text(raw, http, 'method').toUpperCase(),
    scheme: headers['x-forwarded-proto']?.[0] === 'http' ? 'http' : 'https',
    path: pathOf(text(raw, raw, 'rawPath'), request),
    queryString: text(raw, raw, 'rawQueryString'),
    headers,
    sourceIp: typeof sourceIp === 'string' ? sourceIp : undefined,
    authorizer: authorizerOf(request['authorizer']),
  }
}

function bodyOf(raw: Record<string, unknown>): Pick<HttpEvent, 'body' | 'isBase64Encoded'> {
  // An event made by hand, or by a test tool, may have null for no body.
  const body = raw['body'] ?? ''
  if (typeof body !== 'string') throw invalid(raw, `body is ${typeof body}, not a string`)
  return { body, isBase64Encoded: raw['isBase64Encoded'] === true }
}

/** What the application sees for the request. */
export function httpScope(event: HttpEvent, connection: EventContext): HttpScope {
  const { method, scheme, path, queryString, headers, sourceIp, authorizer } = event
  return {
    type: 'http',
    method,
    scheme,
    path,
    queryString,
    // fromEntries defines properties, so a parameter named "__proto__" stays an ordinary key.
    query: Object.fromEntries(new URLSearchParams(queryString)),
    headers,
    client: sourceIp,
    ...(authorizer === undefined ? {} : { authorizer }),
    connection,
  }
}

/**
 * The path below the stage, decoded. A stage other than `$default` is part of `rawPath`, also behind a custom domain
 * (https://github.com/aws-powertools/powertools-lambda-python/issues/621). An HTTP API has decoded the path before it
 * makes the event, a function URL has not (https://github.com/honojs/hono/issues/2156).
 */
function pathOf(rawPath: string, { stage, domainName }: Record<string, unknown>): string {
  const isFunctionUrl = typeof domainName === 'string' && /\.lambda-url\.[^.]+\.on\.aws$/.test(domainName)
  const path = isFunctionUrl ? decoded(rawPath) : rawPath
  const prefix = typeof stage === 'string' && stage !== '$default' ? `/${stage}` : ''
  const isBelow = path === prefix || path.startsWith(`${prefix}/`)
  const below = isBelow ? path.slice(prefix.length) : path
  // Half of a surrogate pair, which no URL can carry, is U+FFFD for all who read the path, not for views alone.
  return (below.startsWith('/') ? below : `/${below}`).toWellFormed()
}

/**
 * Whether a segment of the path is `.` or `..`. A URL made of such a path is another one: `/public/../admin` is `/admin`
 * to a view, and was `public/…` to the router that chose the view and its middleware. Browsers never send one.
 */
export function hasDotSegment(path: string): boolean {
  return path.split(/[/\\]/).some((segment) => segment === '.' || segment === '..')
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path)
  } catch {
    // `%zz`, or bytes that are not UTF-8: the path is what it says.
    return path
  }
}

function headersOf(raw: Record<string, unknown>): Record<string, readonly string[]> {
  const { headers, cookies } = raw
  const entries: [string, readonly string[]][] = []
  for (const [name, value] of Object.entries(isPlainObject(headers) ? headers : {})) {
    // A name with "_" could pose as one with "-" further on; Daphne drops such headers, and so do we.
    if (typeof value === 'string' && !name.includes('_')) entries.push([name.toLowerCase(), [value]])
  }
  if (Array.isArray(cookies)) entries.push(['cookie', [cookies.join('; ')]])
  return Object.fromEntries(entries)
}

function authorizerOf(authorizer: unknown): JsonObject | undefined {
  if (!isPlainObject(authorizer)) return undefined
  const kinds = [authorizer['lambda'], authorizer['jwt'], authorizer['iam']]
  return kinds.find(isPlainObject) as JsonObject | undefined
}

function text(raw: object, from: Record<string, unknown>, key: string): string {
  const value = from[key]
  if (typeof value === 'string') return value
  throw invalid(raw, `${key} is ${typeof value}, not a string`)
}

function invalid(raw: unknown, detail?: string): InvalidEventError {
  const seen = isPlainObject(raw)
    ? `an object with the keys ${Object.keys(raw).join(', ') || '(none)'}`
    : String(raw === null ? null : typeof raw)
  return new InvalidEventError(
    `this is no event of an API Gateway HTTP API with payload format 2.0, but ${seen}${detail === undefined ? '' : ` (${detail})`}: route $default of an HTTP API to this function, with payload format version 2.0`,
  )
}
