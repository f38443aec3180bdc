import { hash } from 'node:crypto'
import { type Clock, systemClock } from '../../clock.ts'
import { ConfigurationError } from '../../errors.ts'
import {
  type AwsCredentials,
  CredentialsCache,
  type CredentialsProvider,
} from '../../http/credentials-cache.ts'
import { HttpFailure } from '../../http/http-failure.ts'
import { HttpPool } from '../../http/http-pool.ts'
import type { HttpResponse } from '../../http/http-response.ts'
import { RequestSigner, type SignableHeaders } from '../../http/request-signer.ts'
import { requirePositive } from '../../whole-number.ts'
import { backOff } from './backoff.ts'
import { isWorthAnotherTry } from './dynamodb-failure.ts'
import type { CallOptions, DynamoDBTransport } from './transport.ts'
import { fromWire, toWire } from './wire-format.ts'

/** BatchGetItem returns up to 16 MB of items, which take more room as JSON. */
const MAX_BODY_BYTES = 67_108_864

const BAD_CREDENTIALS = /ExpiredToken|UnrecognizedClient/

/** Options of {@link httpTransport}. */
export interface HttpTransportOptions {
  readonly region: string
  /** Asked again shortly before what it returned expires. The providers of the SDK fit. */
  readonly credentials: CredentialsProvider
  /** The region's own by default. */
  readonly endpoint?: string | undefined
  /** Sockets kept open, at most; 128 by default. Up to 64 are opened at once, more only if they help. */
  readonly maxSockets?: number
  /** Milliseconds that one try may take once it has a socket, and that a connect may take; 2000 by default. */
  readonly timeoutMs?: number
  /** Tries per call, the first included; 3 by default. */
  readonly maxTries?: number
  readonly clock?: Clock
  /** Certificates, in PEM, to trust instead of the well-known ones. */
  readonly tls?: { readonly ca?: string }
}

/** A transport that holds sockets. */
export interface HttpTransport extends DynamoDBTransport {
  /** Closes idle sockets. The transport can be used again afterwards. */
  destroy(): void
}

/**
 * Makes the calls with an HTTP client of this library, signs and retries by itself: a fraction of the CPU time of the
 * SDK, and nothing to load. docs/decisions/0013
 *
 * @throws {@link ConfigurationError} if the endpoint is not an http or https URL, the region cannot be one, or a number is
 * out of range
 */
export function httpTransport(options: HttpTransportOptions): HttpTransport {
  const sender = new HttpSender(options)
  const call = (operation: string): ((input: object, callOptions: CallOptions) => Promise<object>) => {
    const headers = {
      'content-type': 'application/x-amz-json-1.0',
      'x-amz-target': `DynamoDB_20120810.${operation}`,
    }
    return (input, callOptions) => sender.send(headers, toWire(input), callOptions)
  }
  return {
    endpoint: sender.url.origin,
    BatchGetItem: call('BatchGetItem'),
    BatchWriteItem: call('BatchWriteItem'),
    DeleteItem: call('DeleteItem'),
    GetItem: call('GetItem'),
    PutItem: call('PutItem'),
    Query: call('Query'),
    Scan: call('Scan'),
    UpdateItem: call('UpdateItem'),
    destroy: () => sender.destroy(),
  }
}

class HttpSender {
  readonly url: URL
  readonly #pool: HttpPool
  readonly #signer: RequestSigner
  readonly #credentials: CredentialsCache
  readonly #clock: Clock
  readonly #maxTries: number

  constructor(options: HttpTransportOptions) {
    const { region, clock = systemClock, maxSockets = 128, timeoutMs = 2_000, maxTries = 3, tls } = options
    requirePositive({ maxSockets, timeoutMs, maxTries })
    this.url = parseEndpoint(options.endpoint ?? regionalEndpoint(region))
    this.#pool = new HttpPool({
      url: this.url,
      maxSockets,
      timeoutMs,
      maxBodyBytes: MAX_BODY_BYTES,
      clock,
      ca: tls?.ca,
    })
    this.#signer = new RequestSigner({ service: 'dynamodb', region, host: this.url.host })
    this.#credentials = new CredentialsCache(options.credentials)
    this.#clock = clock
    this.#maxTries = maxTries
  }

  async send(headers: SignableHeaders, body: string, options: CallOptions): Promise<object> {
    const signal = options.abortSignal
    const maxTries = options.isSingleTry === true ? 1 : this.#maxTries
    const payload = { headers, body, hash: hash('sha256', body, 'hex') }
    for (let tries = 1; ; tries += 1) {
      try {
        return await this.#try(payload, signal)
      } catch (error) {
        if (tries >= maxTries || signal.aborted || !isWorthAnotherTry(error)) throw error
        // The next try gets a fresh socket, so there is nothing to wait for.
        if (!isStale(error)) await backOff(this.#clock, tries, signal)
      }
    }
  }

  destroy(): void {
    this.#pool.destroy()
  }

  async #try(payload: Payload, signal: AbortSignal): Promise<object> {
    const now = this.#clock.now()
    const credentials = this.#credentials.current(now) ?? (await this.#credentials.renew(now))
    let response = await this.#request(payload, credentials, signal)
    if (response.status === 400 && BAD_CREDENTIALS.test(errorOf(response).name)) {
      // What the provider holds may have changed since. Nothing was done yet, so one more request is safe.
      const newer = await this.#credentials.replace(credentials, this.#clock.now())
      if (newer) response = await this.#request(payload, newer, signal)
    }
    if (response.status === 200) return fromWire(response.body)
    throw errorOf(response)
  }

  #request(payload: Payload, credentials: AwsCredentials, signal: AbortSignal): Promise<HttpResponse> {
    const bytes = Buffer.byteLength(payload.body)
    return this.#pool.request({
      render: () => this.#render(payload, bytes, credentials),
      encoding: bytes === payload.body.length ? 'latin1' : 'utf8',
      signal,
    })
  }

  /** The whole request. Signed when a socket is free for it, so that waiting does not age the signature. */
  #render(payload: Payload, bytes: number, credentials: AwsCredentials): string {
    const { headers, body, hash: payloadHash } = payload
    const request = { method: 'POST', canonicalPath: '/', payloadHash, headers }
    const lines = this.#signer.headers(request, credentials, this.#clock.now())
    return `POST / HTTP/1.1\r\n${lines}content-length: ${bytes}\r\n\r\n${body}`
  }
}

interface Payload {
  readonly headers: SignableHeaders
  readonly body: string
  readonly hash: string
}

/** Where DynamoDB is in a region of the partitions `aws`, `aws-us-gov` and `aws-cn`. */
export function regionalEndpoint(region: string): string {
  return `https://dynamodb.${region}.amazonaws.com${region.startsWith('cn-') ? '.cn' : ''}`
}

function parseEndpoint(endpoint: string): URL {
  const url = URL.parse(endpoint)
  if (url && (url.protocol === 'https:' || url.protocol === 'http:') && url.pathname === '/') return url
  // Without a user and password, if it has them.
  const shown = url ? `${url.protocol}//${url.host}${url.pathname}` : endpoint
  throw new ConfigurationError(
    `DynamoDB endpoint ${JSON.stringify(shown)} is not an http or https URL without a path: use one like ${regionalEndpoint('eu-west-1')}`,
  )
}

function isStale(error: unknown): boolean {
  return error instanceof HttpFailure && error.kind === 'stale'
}

/** An error of the shape that the SDK throws, so that both are read in one place. */
function errorOf({ body, status }: HttpResponse): Error {
  const { __type: type, message, Message } = parseError(body)
  const error = new Error(message ?? Message ?? body.slice(0, 200))
  error.name = type?.split('#').at(-1) ?? 'UnknownError'
  return Object.assign(error, { $metadata: { httpStatusCode: status } })
}

function parseError(text: string): {
  readonly __type?: string
  readonly message?: string
  readonly Message?: string
} {
  try {
    return JSON.parse(text) as object
  } catch {
    // A proxy in between answers with HTML; the status then says all there is to know.
    return {}
  }
}
