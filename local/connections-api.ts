import { isUtf8 } from 'node:buffer'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Clock } from '../shared/clock.ts'
import { MAX_MESSAGE_BYTES } from '../shared/limits.ts'
import type { Logger } from '../shared/logger.ts'
import { type Connection, endings } from './connection.ts'
import type { Connections } from './connections.ts'
import type { Faults, PostFault } from './faults.ts'
import { isFromPage } from './from-a-page.ts'
import { isConnectionId } from './ids.ts'
import type { GatewayPolicies } from './policies.ts'
import { shownUrl } from './shown.ts'

/** What the `@connections` API needs of the gateway. */
export interface ConnectionsApiOptions {
  readonly stage: string
  readonly connections: Connections
  readonly policies: GatewayPolicies
  readonly faults: Faults
  readonly clock: Clock
  readonly logger: Logger
}

const ANY_STAGE = /^(?:\/[^/?]*)?\/(?:@|%40)connections(?:\/|$)/i

/** `POST`, `GET` and `DELETE /{stage}/@connections/{id}`, as the unmodified AWS SDKs call them. */
export class ConnectionsApi {
  readonly #options: ConnectionsApiOptions
  readonly #prefixes: readonly string[]

  constructor(options: ConnectionsApiOptions) {
    this.#options = options
    this.#prefixes = [`/${options.stage}/@connections/`, `/${options.stage}/%40connections/`]
  }

  /** Serves `request` if it is for `@connections`, of whatever stage; says whether it was. */
  serve(request: IncomingMessage, response: ServerResponse): boolean {
    const url = request.url ?? ''
    const prefix = this.#prefixes.find((candidate) => url.startsWith(candidate))
    const isForUs = prefix !== undefined || ANY_STAGE.test(url)
    if (isForUs && isFromPage(request)) this.#refusePage(request, response)
    else if (prefix !== undefined) this.#call(request, response, connectionIdIn(url, prefix.length))
    else if (isForUs) refuse(request, response, forbidden)
    return isForUs
  }

  #refusePage(request: IncomingMessage, response: ServerResponse): void {
    const { method = '', url = '' } = request
    this.#options.logger.info(
      `refused 403 ${method} ${shownUrl(url)}: it comes from a page in a browser, and @connections is for programs; send through a channel layer in a view`,
    )
    refuse(request, response, forbidden)
  }

  #call(request: IncomingMessage, response: ServerResponse, id: string | undefined): void {
    const { connections, policies } = this.#options
    if (policies.requireSignature && !request.headers.authorization?.startsWith('AWS4-HMAC-SHA256 ')) {
      return refuse(request, response, missingToken)
    }
    if (request.method === 'POST') return this.#post(request, response, id)
    if (request.method !== 'GET' && request.method !== 'DELETE')
      return refuse(request, response, missingToken)
    request.resume()
    const connection = id === undefined ? undefined : connections.get(id)
    if (connection === undefined) return refuse(request, response, missing(id))
    return request.method === 'GET' ? describe(response, connection) : close(response, connection)
  }

  #post(request: IncomingMessage, response: ServerResponse, id: string | undefined): void {
    const chunks: Buffer[] = []
    let bytes = 0
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      // The rest of a body that is too large is read, so that the client reads our answer, but not kept.
      if (bytes <= MAX_MESSAGE_BYTES) chunks.push(chunk)
    })
    request.on('end', () => {
      if (bytes > MAX_MESSAGE_BYTES) return answer(response, tooLarge)
      const [only] = chunks
      return this.#deliver(request, response, {
        id,
        payload: chunks.length === 1 && only ? only : Buffer.concat(chunks),
      })
    })
  }

  #deliver(request: IncomingMessage, response: ServerResponse, post: Post): void {
    const now = this.#options.clock.now()
    const fault = this.#options.faults.takePostFault(now)
    if (fault !== undefined && fault.kind !== 'lost-answer') return fail(request, response, fault)
    const connection = post.id === undefined ? undefined : this.#options.connections.get(post.id)
    if (connection === undefined) return answer(response, missing(post.id))
    if (this.#isSlow(connection)) return answer(response, limitExceeded)
    connection.send(this.#text(post.payload, connection))
    connection.lastActiveAt = now
    this.#options.faults.postDelivered()
    if (fault !== undefined) return void request.socket.resetAndDestroy()
    response.writeHead(200, EMPTY)
    response.end()
    return undefined
  }

  #isSlow({ id, bufferedBytes }: Connection): boolean {
    const { faults, policies } = this.#options
    return faults.slowClients.has(id) || bufferedBytes > policies.maxBufferedBytes
  }

  /** What a client may get as text. What AWS makes of other bytes is not known; here nothing cuts the connection. */
  #text(payload: Buffer, { id }: Connection): Buffer {
    if (isUtf8(payload)) return payload
    this.#options.logger.warn(
      `a post of ${payload.length} bytes to ${id} is no UTF-8: what is not was replaced by U+FFFD; post text`,
    )
    return Buffer.from(payload.toString())
  }
}

interface Post {
  readonly id: string | undefined
  readonly payload: Buffer
}

interface Refusal {
  readonly status: number
  readonly errorType: string
  readonly body: string
}

const EMPTY = { 'Content-Length': '0' }
const gone: Refusal = { status: 410, errorType: 'GoneException', body: '' }
const forbidden: Refusal = { status: 403, errorType: 'ForbiddenException', body: '{"message":"Forbidden"}' }
const limitExceeded: Refusal = { status: 429, errorType: 'LimitExceededException', body: '' }
const missingToken: Refusal = {
  status: 403,
  errorType: 'MissingAuthenticationTokenException',
  body: '{"message":"Missing Authentication Token"}',
}
const tooLarge: Refusal = {
  status: 413,
  errorType: 'PayloadTooLargeException',
  body: '{"message":"Message too long"}',
}

function fail(request: IncomingMessage, response: ServerResponse, fault: PostFault): void {
  if (fault.kind === 'reset') request.socket.resetAndDestroy()
  else if (fault.kind === 'status') answer(response, failure(fault.status))
}

function failure(status: number): Refusal {
  if (status === 429) return limitExceeded
  if (status === 410) return gone
  if (status === 403) return forbidden
  return { status, errorType: 'InternalServerErrorException', body: '{"message":"Internal server error"}' }
}

/** 410 for an id that could be one, 400 for anything else. */
function missing(id: string | undefined): Refusal {
  if (id !== undefined && isConnectionId(id)) return gone
  return {
    status: 400,
    errorType: 'BadRequestException',
    body: JSON.stringify({ message: `Invalid connectionId: ${id ?? ''}` }),
  }
}

function refuse(request: IncomingMessage, response: ServerResponse, refusal: Refusal): void {
  request.resume()
  answer(response, refusal)
}

function answer(response: ServerResponse, refusal: Refusal): void {
  response.writeHead(refusal.status, {
    'x-amzn-ErrorType': refusal.errorType,
    ...(refusal.body !== '' && { 'Content-Type': 'application/json' }),
    'Content-Length': Buffer.byteLength(refusal.body),
  })
  response.end(refusal.body)
}

function describe(response: ServerResponse, connection: Connection): void {
  const { connectedAt, identity } = connection.facts
  const text = JSON.stringify({
    connectedAt: new Date(connectedAt).toISOString(),
    identity: { sourceIp: identity.sourceIp, userAgent: identity.userAgent ?? null },
    lastActiveAt: new Date(connection.lastActiveAt).toISOString(),
  })
  response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(text) })
  response.end(text)
}

function close(response: ServerResponse, connection: Connection): void {
  connection.end(endings.deleted)
  response.writeHead(204)
  response.end()
}

function connectionIdIn(url: string, start: number): string | undefined {
  const mark = url.indexOf('?', start)
  const raw = mark === -1 ? url.slice(start) : url.slice(start, mark)
  if (!raw.includes('%')) return raw
  try {
    return decodeURIComponent(raw)
  } catch {
    // A stray "%" is no connection id: 400.
    return undefined
  }
}
