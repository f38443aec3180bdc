import { InvalidEventError } from '../errors.ts'
import { isPlainObject, type JsonObject } from '../message.ts'

/** What every event of an API Gateway WebSocket API says about its connection. */
export interface EventOrigin {
  readonly connectionId: string
  /** Milliseconds since the epoch; the same in every event of the connection. */
  readonly connectedAt: number
  readonly requestId: string
  readonly apiId: string
  readonly stage: string
  readonly domainName: string
  readonly sourceIp: string | undefined
  /** What a Lambda authorizer returned, on every event. */
  readonly authorizer: JsonObject | undefined
}

/** An event of an API Gateway WebSocket API, narrowed to what is relied on. */
export type WebsocketEvent =
  | (EventOrigin & {
      readonly kind: 'connect'
      readonly headers: Readonly<Record<string, readonly string[]>>
      readonly query: Readonly<Record<string, string>>
    })
  | (EventOrigin & { readonly kind: 'message'; readonly text: string })
  | (EventOrigin & { readonly kind: 'disconnect'; readonly code: number; readonly reason: string })

/**
 * Narrows what Lambda was invoked with to an event of a WebSocket API.
 *
 * Fields: https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-api-integration-requests.html
 *
 * @throws {@link InvalidEventError} naming what was seen
 */
export function parseWebsocketEvent(raw: unknown): WebsocketEvent {
  const request = isPlainObject(raw) ? raw['requestContext'] : undefined
  if (!isPlainObject(raw) || !isPlainObject(request)) throw invalid(raw)
  const origin = originOf(raw, request)
  const eventType = request['eventType']
  if (eventType === 'CONNECT') {
    return {
      ...origin,
      kind: 'connect',
      headers: headersOf(raw),
      query: stringsOf(raw['queryStringParameters']),
    }
  }
  if (eventType === 'MESSAGE') return { ...origin, kind: 'message', text: bodyOf(raw) }
  if (eventType === 'DISCONNECT') {
    const code = request['disconnectStatusCode']
    const reason = request['disconnectReason']
    return {
      ...origin,
      kind: 'disconnect',
      code: typeof code === 'number' ? code : 1005,
      reason: typeof reason === 'string' ? reason : '',
    }
  }
  throw invalid(raw)
}

function originOf(raw: object, request: Record<string, unknown>): EventOrigin {
  const text = (key: string): string => {
    const value = request[key]
    if (typeof value === 'string') return value
    throw invalid(raw, `requestContext.${key} is ${typeof value}, not a string`)
  }
  const connectedAt = request['connectedAt']
  if (typeof connectedAt !== 'number')
    throw invalid(raw, `requestContext.connectedAt is ${typeof connectedAt}, not a number`)
  const identity = request['identity']
  const sourceIp = isPlainObject(identity) ? identity['sourceIp'] : undefined
  const authorizer = request['authorizer']
  return {
    connectionId: text('connectionId'),
    connectedAt,
    requestId: text('requestId'),
    apiId: text('apiId'),
    stage: text('stage'),
    domainName: text('domainName'),
    sourceIp: typeof sourceIp === 'string' ? sourceIp : undefined,
    authorizer: isPlainObject(authorizer) ? (authorizer as JsonObject) : undefined,
  }
}

function headersOf(raw: Record<string, unknown>): Record<string, readonly string[]> {
  const headers = new Map<string, readonly string[]>()
  for (const [name, value] of Object.entries(stringsOf(raw['headers'])))
    headers.set(name.toLowerCase(), [value])
  const multi = raw['multiValueHeaders']
  for (const [name, values] of Object.entries(isPlainObject(multi) ? multi : {})) {
    if (Array.isArray(values)) headers.set(name.toLowerCase(), values.map(String))
  }
  // A name with "_" could pose as one with "-" further on; Daphne drops such headers, and so do we.
  return Object.fromEntries([...headers].filter(([name]) => !name.includes('_')))
}

function stringsOf(value: unknown): Record<string, string> {
  if (!isPlainObject(value)) return {}
  return Object.fromEntries(
    Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  )
}

function bodyOf(raw: Record<string, unknown>): string {
  const body = raw['body']
  if (body === undefined || body === null) return ''
  if (typeof body !== 'string') throw invalid(raw, `body is ${typeof body}, not a string`)
  return raw['isBase64Encoded'] === true ? Buffer.from(body, 'base64').toString('utf8') : body
}

function invalid(raw: unknown, detail?: string): InvalidEventError {
  const seen = isPlainObject(raw)
    ? `an object with the keys ${Object.keys(raw).join(', ') || '(none)'}`
    : String(raw === null ? null : typeof raw)
  return new InvalidEventError(
    `this is no event of an API Gateway WebSocket API, but ${seen}${detail === undefined ? '' : ` (${detail})`}: route $connect, $default and $disconnect to this function, with Lambda proxy integration`,
  )
}
