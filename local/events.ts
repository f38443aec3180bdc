import { randomBytes } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { gatewayId, messageId } from './ids.ts'

/** Who the client is, as events and GET @connections show it. */
export interface ClientIdentity {
  /** Absent if the client sent no `User-Agent`. */
  readonly userAgent?: string
  readonly sourceIp: string
}

/** What every event of one connection repeats. */
export interface ConnectionFacts {
  readonly connectionId: string
  /** Milliseconds since the epoch. */
  readonly connectedAt: number
  readonly identity: ClientIdentity
  /** The host that the client used. */
  readonly domainName: string
  readonly stage: string
  /** Context of the Lambda authorizer, if there is one. */
  readonly authorizer?: Readonly<Record<string, unknown>>
}

/** `requestContext` of an event; its keys are in the order of AWS's. */
export type RequestContext = Readonly<Record<string, unknown>> & { readonly requestId: string }

/** The event of one message. */
export interface MessageEvent {
  readonly requestContext: RequestContext
  readonly body: string
  readonly isBase64Encoded: false
}

/** The API's id in events and ARNs: ten characters, as AWS's. */
export const LOCAL_API_ID = 'local00001'

const LOCAL_ARN = `arn:aws:execute-api:us-east-1:000000000000:${LOCAL_API_ID}`
const NOT_IN_INTEGRATION_EVENT = new Set(['connection', 'upgrade', 'content-length'])

/** The handshake as events describe it: headers and query, single and multi-valued. */
export interface HandshakeParts {
  readonly headers: ReadonlyMap<string, readonly string[]>
  readonly query: ReadonlyMap<string, readonly string[]>
}

/** The `$connect` event of the route's integration. */
export function connectEvent(facts: ConnectionFacts, parts: HandshakeParts, now: number): object {
  const headers = [...parts.headers].filter(([name]) => !NOT_IN_INTEGRATION_EVENT.has(name.toLowerCase()))
  return {
    headers: lastValues(headers),
    multiValueHeaders: Object.fromEntries(headers),
    ...(parts.query.size > 0 && {
      queryStringParameters: lastValues(parts.query),
      multiValueQueryStringParameters: Object.fromEntries(parts.query),
    }),
    requestContext: requestContext(facts, { routeKey: '$connect', eventType: 'CONNECT' }, now),
    isBase64Encoded: false,
  }
}

/** The input of a Lambda REQUEST authorizer: all headers, and query and stage variables even if empty. */
export function authorizerEvent(facts: ConnectionFacts, parts: HandshakeParts, now: number): object {
  return {
    type: 'REQUEST',
    methodArn: connectArn(facts.stage),
    headers: lastValues(parts.headers),
    multiValueHeaders: Object.fromEntries(parts.headers),
    queryStringParameters: lastValues(parts.query),
    multiValueQueryStringParameters: Object.fromEntries(parts.query),
    stageVariables: {},
    requestContext: requestContext(facts, { routeKey: '$connect', eventType: 'CONNECT' }, now),
  }
}

/** What a policy has to allow for a connection to be opened. */
export function connectArn(stage: string): string {
  return `${LOCAL_ARN}/${stage}/$connect`
}

/** The event of one text message on `routeKey`. */
export function messageEvent(
  facts: ConnectionFacts,
  message: { routeKey: string; body: string },
  now: number,
): MessageEvent {
  const head = { routeKey: message.routeKey, messageId: messageId(facts.connectionId), eventType: 'MESSAGE' }
  return { requestContext: requestContext(facts, head, now), body: message.body, isBase64Encoded: false }
}

/** The `$disconnect` event. */
export function disconnectEvent(
  facts: ConnectionFacts,
  ending: { code: number; reason: string },
  now: number,
): object {
  const headers = { Host: facts.domainName, 'x-api-key': '', 'X-Forwarded-For': '', 'x-restapi': '' }
  const head = {
    routeKey: '$disconnect',
    disconnectStatusCode: ending.code,
    eventType: 'DISCONNECT',
    disconnectReason: ending.reason,
  }
  return {
    headers,
    multiValueHeaders: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, [value]])),
    requestContext: requestContext(facts, head, now),
    isBase64Encoded: false,
  }
}

interface ContextHead {
  readonly routeKey: string
  readonly messageId?: string
  readonly disconnectStatusCode?: number
  readonly eventType: string
  readonly disconnectReason?: string
}

// Key order and absent keys as in captured events: routeKey, authorizer, messageId or disconnectStatusCode, eventType, …
function requestContext(facts: ConnectionFacts, head: ContextHead, now: number): RequestContext {
  const requestId = gatewayId()
  return {
    routeKey: head.routeKey,
    ...(facts.authorizer !== undefined && { authorizer: facts.authorizer }),
    ...(head.messageId !== undefined && { messageId: head.messageId }),
    ...(head.disconnectStatusCode !== undefined && { disconnectStatusCode: head.disconnectStatusCode }),
    eventType: head.eventType,
    extendedRequestId: requestId,
    requestTime: clfTime(now),
    messageDirection: 'IN',
    ...(head.disconnectReason !== undefined && { disconnectReason: head.disconnectReason }),
    stage: facts.stage,
    connectedAt: facts.connectedAt,
    requestTimeEpoch: now,
    identity: facts.identity,
    requestId,
    domainName: facts.domainName,
    connectionId: facts.connectionId,
    apiId: LOCAL_API_ID,
  }
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
let clfSecond = Number.NaN
let clfText = ''

/** `ms` in Common Log Format, UTC: `29/Nov/2023:08:04:01 +0000`. Remembers the last second. */
export function clfTime(ms: number): string {
  const second = Math.floor(ms / 1000)
  if (second === clfSecond) return clfText
  const date = new Date(ms)
  const day = `${two(date.getUTCDate())}/${MONTHS[date.getUTCMonth()] ?? ''}/${date.getUTCFullYear()}`
  const time = `${two(date.getUTCHours())}:${two(date.getUTCMinutes())}:${two(date.getUTCSeconds())}`
  clfSecond = second
  clfText = `${day}:${time} +0000`
  return clfText
}

function two(value: number): string {
  return String(value).padStart(2, '0')
}

const CANONICAL_NAMES = new Map(
  [
    'Host',
    'Sec-WebSocket-Extensions',
    'Sec-WebSocket-Key',
    'Sec-WebSocket-Protocol',
    'Sec-WebSocket-Version',
  ].map((name) => [name.toLowerCase(), name]),
)

/**
 * The handshake's headers by name, sorted, in the client's casing but for the canonical ones, with what API Gateway adds.
 */
export function handshakeHeaders(request: IncomingMessage): Map<string, readonly string[]> {
  const byLowerName = new Map<string, { name: string; values: string[] }>()
  const { rawHeaders } = request
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] ?? ''
    const lower = name.toLowerCase()
    const entry = byLowerName.get(lower)
    if (entry) entry.values.push(rawHeaders[at + 1] ?? '')
    else
      byLowerName.set(lower, { name: CANONICAL_NAMES.get(lower) ?? name, values: [rawHeaders[at + 1] ?? ''] })
  }
  for (const [name, value] of addedHeaders(request, byLowerName.get('x-forwarded-for')?.values)) {
    byLowerName.set(name.toLowerCase(), { name, values: [value] })
  }
  const entries = [...byLowerName.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1))
  return new Map(entries.map(({ name, values }) => [name, values]))
}

function addedHeaders(
  request: IncomingMessage,
  forwardedFor: readonly string[] | undefined,
): [string, string][] {
  const trace = randomBytes(12).toString('hex')
  const seconds = Math.floor(Date.now() / 1000).toString(16)
  return [
    ['X-Amzn-Trace-Id', `Root=1-${seconds}-${trace}`],
    ['X-Forwarded-For', [...(forwardedFor ?? []), sourceIp(request)].join(', ')],
    ['X-Forwarded-Port', String(request.socket.localPort ?? '')],
    ['X-Forwarded-Proto', 'http'],
  ]
}

/** The client's address; IPv4 in its own form even on a dual-stack socket. */
export function sourceIp(request: IncomingMessage): string {
  return (request.socket.remoteAddress ?? '').replace(/^::ffff:/, '')
}

function lastValues(entries: Iterable<readonly [string, readonly string[]]>): Record<string, string> {
  // fromEntries defines properties, so a parameter named "__proto__" stays an ordinary key.
  return Object.fromEntries(Array.from(entries, ([name, values]) => [name, values.at(-1) ?? '']))
}
