import { hash } from 'node:crypto'
import { type Clock, systemClock } from '../clock.ts'
import { requireMessageSize } from '../codec.ts'
import { ChannelsError } from '../errors.ts'
import { AbortRegistry } from '../http/abort-registry.ts'
import { type AwsCredentials, CredentialsCache, type CredentialsProvider } from '../http/credentials-cache.ts'
import { ExchangeQueue, HttpExchange, type HttpRequest } from '../http/http-exchange.ts'
import { HttpPool } from '../http/http-pool.ts'
import type { HttpResponse } from '../http/http-response.ts'
import {
  EMPTY_PAYLOAD_HASH,
  encodeSegment,
  NO_HEADERS,
  RequestSigner,
  type SignableHeaders,
} from '../http/request-signer.ts'
import { MAX_MESSAGE_BYTES } from '../limits.ts'
import { requirePositive } from '../whole-number.ts'
import { readConnectionInfo } from './connection-info.ts'
import { parseEndpoint } from './endpoint.ts'
import { failureOfCredentials, failureOfStatus, failureOfTransport, type PostCall } from './post-failure.ts'
import { PostPace } from './post-pace.ts'
import { type RetryPolicy, retryPost } from './post-retry.ts'
import type { ConnectionInfo, Poster, PostOptions } from './poster.ts'

// API Gateway ignores it; this is what the SDK sends.
const PAYLOAD_HEADERS: SignableHeaders = { 'content-type': 'application/octet-stream' }

/** What `get` answers has some hundred bytes. */
const MAX_BODY_BYTES = 65_536

/** Options of {@link FastPoster}. */
export interface FastPosterOptions {
  /** Scheme, host and stage (behind a custom domain the mapping key): `https://abc.execute-api.eu-west-1.amazonaws.com/prod`. */
  readonly endpoint: string
  /** Needed unless the endpoint's host names it. On loopback it is `us-east-1` by default. */
  readonly region?: string | undefined
  /** Asked again shortly before what it returned expires. The SDK's `defaultProvider()` fits. */
  readonly credentials: CredentialsProvider
  /** Most sockets open at a time. 256 by default; up to 64 are opened at once, more only if they help. */
  readonly maxSockets?: number
  /** Milliseconds that one try may take once it has a socket, and that a connect may take. 3000 by default. */
  readonly timeoutMs?: number
  /** Tries per call, the first included. 4 by default. */
  readonly maxTries?: number
  readonly clock?: Clock
  /** Called for each answer 429 of API Gateway, the throttled tries of one call included. */
  readonly onThrottled?: () => void
  /** Certificates, in PEM, to trust instead of the well-known ones. */
  readonly tls?: { readonly ca?: string }
}

interface Payload {
  readonly text: string
  readonly hash: string
  readonly bytes: number
}

/** A call, from when it is made until it is settled. */
interface Task {
  readonly call: PostCall
  readonly payload: Payload | undefined
  /** Whether it has begun, and its first try has not ended. */
  isEntering: boolean
}

/** A try of it. */
interface SignedTask {
  readonly task: Task
  readonly credentials: AwsCredentials
}

/** What becomes of a try that was answered with another status than 2xx. */
type Refused = (signed: SignedTask, response: HttpResponse) => Promise<HttpResponse>

/**
 * A {@link Poster} that is built for fan-out: it speaks HTTP/1.1 and signs by itself, which takes a tenth or less
 * of the CPU time of the AWS SDK.
 *
 * Any number of calls may run at once; those without a free socket wait in a queue that costs little. Waiting is
 * not limited in time: pass a signal to stay within the time an invocation has. The order of calls that run at
 * the same time is not kept.
 */
export class FastPoster implements Poster {
  readonly #pool: HttpPool
  readonly #signer: RequestSigner
  readonly #credentials: CredentialsCache
  readonly #clock: Clock
  readonly #retry: RetryPolicy
  readonly #maxSockets: number
  #entering = 0
  readonly #waiting = new ExchangeQueue<Task, HttpResponse | Promise<HttpResponse>>()
  readonly #aborts = new AbortRegistry()
  readonly #pathPrefix: string
  readonly #canonicalPrefix: string
  #payload: Payload = { text: '', hash: EMPTY_PAYLOAD_HASH, bytes: 0 }

  /** @throws {@link ConfigurationError} if the endpoint is not one, or the region is not known */
  constructor(options: FastPosterOptions) {
    const {
      endpoint,
      clock = systemClock,
      maxSockets = 256,
      timeoutMs = 3000,
      maxTries = 4,
      onThrottled,
    } = options
    requirePositive({ maxSockets, timeoutMs, maxTries })
    const { url, segments, region } = parseEndpoint(endpoint, options.region)
    this.#pathPrefix = [...segments, '@connections', ''].map((segment) => `/${segment}`).join('')
    this.#canonicalPrefix = [...segments, '@connections', '']
      .map((segment) => `/${encodeSegment(segment)}`)
      .join('')
    this.#pool = new HttpPool({
      url,
      maxSockets,
      timeoutMs,
      maxBodyBytes: MAX_BODY_BYTES,
      clock,
      ca: options.tls?.ca,
    })
    this.#signer = new RequestSigner({ service: 'execute-api', region, host: url.host })
    this.#credentials = new CredentialsCache(options.credentials)
    this.#clock = clock
    this.#maxSockets = maxSockets
    this.#retry = { maxTries, clock, pace: new PostPace({ clock, mostAtOnce: maxSockets, onThrottled }) }
  }

  post(connectionId: string, text: string, options?: PostOptions): Promise<void> {
    try {
      requireMessageSize(text, MAX_MESSAGE_BYTES)
    } catch (error) {
      return Promise.reject(error)
    }
    const call: PostCall = { method: 'POST', connectionId, signal: options?.signal }
    return this.#enter(call, this.#payloadOf(text)).then(ignore)
  }

  async close(connectionId: string, options?: PostOptions): Promise<void> {
    await this.#enter({ method: 'DELETE', connectionId, signal: options?.signal }, undefined)
  }

  async get(connectionId: string, options?: PostOptions): Promise<ConnectionInfo> {
    const response = await this.#enter({ method: 'GET', connectionId, signal: options?.signal }, undefined)
    return readConnectionInfo(connectionId, response.body)
  }

  destroy(): void {
    this.#pool.destroy()
  }

  // A call that has begun takes some 2 KB until it ends, one that waits here a fifth.
  #enter(call: PostCall, payload: Payload | undefined): Promise<HttpResponse> {
    const task: Task = { call, payload, isEntering: false }
    if (this.#waiting.size === 0 && this.#hasRoom) return this.#begin(task)
    return new Promise((resolve, reject) => {
      const exchange = new HttpExchange(task, resolve, reject)
      if (call.signal) exchange.abortBy(call.signal, this.#aborts)
      if (!exchange.isSettled) this.#waiting.push(exchange)
    })
  }

  // Enough that no socket runs dry, and that the pool sees when more of them would help.
  get #hasRoom(): boolean {
    return this.#entering < 3 * this.#maxSockets
  }

  #begin(task: Task): Promise<HttpResponse> {
    task.isEntering = true
    this.#entering += 1
    const result = retryPost(this.#retry, task.call, () => this.#try(task))
    result.catch(() => this.#leave(task))
    return result
  }

  // Once its first try has ended: between two tries a call may wait for seconds, and holds up nobody.
  #leave(task: Task): void {
    if (!task.isEntering) return
    task.isEntering = false
    this.#entering -= 1
    while (this.#waiting.size > 0 && this.#hasRoom) {
      const next = this.#waiting.shift()
      next?.resolve(this.#begin(next.request))
    }
  }

  #try(task: Task): Promise<HttpResponse> {
    const credentials = this.#credentials.current(this.#clock.now())
    if (!credentials) return this.#tryRenewed(task)
    return this.#request({ task, credentials }, (tried, response) => this.#refused(tried, response))
  }

  async #tryRenewed(task: Task): Promise<HttpResponse> {
    const credentials = await this.#credentialsFor(task, () => this.#credentials.renew(this.#clock.now()))
    return this.#request({ task, credentials }, (tried, response) => this.#refused(tried, response))
  }

  async #refused({ task, credentials }: SignedTask, response: HttpResponse): Promise<HttpResponse> {
    if (response.status === 403) {
      // An expired token is a 403 as well: newer credentials are worth one more request.
      const newer = await this.#credentialsFor(task, () =>
        this.#credentials.replace(credentials, this.#clock.now()),
      )
      if (newer) return this.#request({ task, credentials: newer }, failed)
    }
    throw failureOfStatus(task.call, response.status, response.body)
  }

  /** Resolves to a response with a status of 2xx, or to what `refused` makes of another. */
  #request(signed: SignedTask, refused: Refused): Promise<HttpResponse> {
    const { call, payload } = signed.task
    const request: HttpRequest = {
      render: () => this.#render(signed),
      encoding: payload === undefined || payload.bytes === payload.text.length ? 'latin1' : 'utf8',
      signal: call.signal,
    }
    return new Promise((resolve, reject) => {
      const exchange = new HttpExchange(
        request,
        (response) => {
          resolve(isSuccess(response) ? response : refused(signed, response))
          this.#leave(signed.task)
        },
        (error) => {
          reject(call.signal?.aborted ? call.signal.reason : failureOfTransport(call, error))
          this.#leave(signed.task)
        },
      )
      this.#pool.send(exchange)
    })
  }

  async #credentialsFor<Result>(task: Task, ask: () => Promise<Result>): Promise<Result> {
    try {
      return await ask()
    } catch (error) {
      this.#leave(task)
      if (error instanceof ChannelsError) throw error
      throw failureOfCredentials(task.call, error)
    }
  }

  /** The whole request. Signed when a socket is free for it, so that a long queue does not age the signature. */
  #render({ task: { call, payload }, credentials }: SignedTask): string {
    const id = encodeSegment(call.connectionId)
    const headers = this.#signer.headers(
      {
        method: call.method,
        // Encoded a second time: what is left to encode in `id` is its "%".
        canonicalPath: this.#canonicalPrefix + id.replaceAll('%', '%25'),
        payloadHash: payload?.hash ?? EMPTY_PAYLOAD_HASH,
        headers: payload ? PAYLOAD_HEADERS : NO_HEADERS,
      },
      credentials,
      this.#clock.now(),
    )
    const head = `${call.method} ${this.#pathPrefix}${id} HTTP/1.1\r\n${headers}`
    return payload ? `${head}content-length: ${payload.bytes}\r\n\r\n${payload.text}` : `${head}\r\n`
  }

  // A fan-out posts one text many times: hash it once.
  #payloadOf(text: string): Payload {
    if (this.#payload.text !== text) {
      this.#payload = { text, hash: hash('sha256', text, 'hex'), bytes: Buffer.byteLength(text) }
    }
    return this.#payload
  }
}

function ignore(): void {}

function isSuccess({ status }: HttpResponse): boolean {
  return status >= 200 && status < 300
}

async function failed({ task: { call } }: SignedTask, { status, body }: HttpResponse): Promise<never> {
  throw failureOfStatus(call, status, body)
}
