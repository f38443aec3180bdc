import { randomBytes } from 'node:crypto'
import type { Application, HttpScope } from '../application.ts'
import { bytesOf, messageBody } from '../http-message.ts'
import type { HttpResult } from '../gateway/http-reply.ts'
import type { JsonObject } from '../message.ts'
import type { TestGateway } from './test-gateway.ts'
import { sharedGateway } from './websocket-communicator.ts'

/** Options of a {@link HttpCommunicator}. */
export interface HttpCommunicatorOptions {
  readonly body?: string | Uint8Array
  readonly headers?: Readonly<Record<string, string>>
  /** What a Lambda authorizer would have returned. */
  readonly authorizer?: JsonObject
  /** The gateway to ask. Communicators of one application share one, those of WebSockets included, unless they name theirs. */
  readonly gateway?: TestGateway
}

/** What the client receives. */
export interface TestResponse {
  readonly status: number
  readonly headers: Headers
  readonly body: Buffer
}

/**
 * A client of one HTTP request for tests, without a network: a real event through the real Lambda handler.
 *
 * What the application throws is thrown again by {@link getResponse}.
 *
 * @example
 * ```ts
 * const communicator = new HttpCommunicator(application, 'POST', '/rooms/lobby/', { body: 'hello' })
 * const { status, headers, body } = await communicator.getResponse()
 * ```
 */
export class HttpCommunicator {
  readonly gateway: TestGateway
  readonly #application: Application<HttpScope>
  readonly #event: object
  #response: Promise<TestResponse> | undefined

  /** @param path - the path, with its query: `/rooms/?page=2`; a whole URL does too */
  // oxlint-disable-next-line eslint/max-params -- the order of Channels' HttpCommunicator
  constructor(
    application: Application<HttpScope>,
    method: string,
    path: string,
    options: HttpCommunicatorOptions = {},
  ) {
    this.#application = application
    // One without a WebSocket side has no connections that could miss it.
    this.gateway = options.gateway ?? sharedGateway(application as Application)
    this.#event = requestEvent(method, path, options)
  }

  /**
   * The response; the request is made by the first call. A time-out throws, and leaves the application alone.
   *
   * @param timeoutMs - how long to wait, in milliseconds
   */
  async getResponse(timeoutMs = 1_000): Promise<TestResponse> {
    this.#response ??= this.#request()
    const { promise, reject } = Promise.withResolvers<never>()
    const timer = setTimeout(() => reject(new Error(`no response arrived within ${timeoutMs} ms`)), timeoutMs)
    try {
      return await Promise.race([this.#response, promise])
    } finally {
      clearTimeout(timer)
    }
  }

  async #request(): Promise<TestResponse> {
    const { result, failures } = await this.gateway.request(this.#application, this.#event)
    const [failure] = failures
    if (failure === undefined) return responseOf(result)
    throw failure instanceof Error
      ? failure
      : new Error('the application threw what is no Error', { cause: failure })
  }
}

function responseOf({
  statusCode,
  headers,
  cookies = [],
  body = '',
  isBase64Encoded = false,
}: HttpResult): TestResponse {
  const received = new Headers(headers)
  for (const cookie of cookies) received.append('set-cookie', cookie)
  return { status: statusCode, headers: received, body: bytesOf({ body, isBase64Encoded }) }
}

function requestEvent(
  method: string,
  path: string,
  { body, headers = {}, authorizer }: HttpCommunicatorOptions,
): object {
  const url = new URL(path.startsWith('/') ? `https://testserver${path}` : path, 'https://testserver')
  const { cookie, ...others } = Object.fromEntries(new Headers({ host: url.host, ...headers }))
  const rawPath = decodeURIComponent(pathAsWritten(path) ?? url.pathname)
  return {
    version: '2.0',
    routeKey: '$default',
    rawPath,
    rawQueryString: url.search.slice(1),
    headers: { ...others, 'x-forwarded-proto': url.protocol.replace(':', '') },
    ...(cookie === undefined ? {} : { cookies: cookie.split(/; */) }),
    requestContext: {
      apiId: 'test',
      stage: '$default',
      domainName: url.host,
      requestId: randomBytes(12).toString('base64url').slice(0, 16),
      http: { method: method.toUpperCase(), path: rawPath, protocol: 'HTTP/1.1', sourceIp: '127.0.0.1' },
      ...(authorizer === undefined ? {} : { authorizer: { lambda: authorizer } }),
    },
    ...(body === undefined ? {} : messageBody(body)),
  }
}

/** The path with its `.` and `..`, which a URL takes out and a client need not; `undefined` if there is none. */
function pathAsWritten(path: string): string | undefined {
  return /^(?:[a-z][a-z\d+.-]*:\/\/[^/?#]*)?(\/[^?#]*)/i.exec(path)?.[1]
}
