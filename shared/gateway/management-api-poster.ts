import {
  ApiGatewayManagementApiClient,
  type ApiGatewayManagementApiClientConfig,
  DeleteConnectionCommand,
  GetConnectionCommand,
  PostToConnectionCommand,
} from '@aws-sdk/client-apigatewaymanagementapi'
import { type Clock, systemClock } from '../clock.ts'
import { requireMessageSize } from '../codec.ts'
import { type ChannelsError, DeliveryError } from '../errors.ts'
import { MAX_MESSAGE_BYTES } from '../limits.ts'
import { ConcurrencyLimit } from './concurrency-limit.ts'
import type { CredentialsProvider } from '../http/credentials-cache.ts'
import { parseEndpoint } from './endpoint.ts'
import { HttpFailure } from '../http/http-failure.ts'
import { failureOfCredentials, failureOfStatus, failureOfTransport, type PostCall } from './post-failure.ts'
import { PostPace } from './post-pace.ts'
import { type RetryPolicy, retryPost } from './post-retry.ts'
import type { ConnectionInfo, Poster, PostOptions } from './poster.ts'

/** Options of {@link ManagementApiPoster}. */
export interface ManagementApiPosterOptions {
  /** Scheme, host and stage (behind a custom domain the mapping key): `https://abc.execute-api.eu-west-1.amazonaws.com/prod`. */
  readonly endpoint: string
  /** Needed unless the endpoint's host names it. On loopback it is `us-east-1` by default. */
  readonly region?: string | undefined
  /** The SDK's own default chain, unless given. */
  readonly credentials?: CredentialsProvider | undefined
  /** Most calls at work at a time; the rest waits. 64 by default. */
  readonly maxSockets?: number
  /** Milliseconds that one try may take. 3000 by default. */
  readonly timeoutMs?: number
  /** Tries per call, the first included. 4 by default. */
  readonly maxTries?: number
  readonly clock?: Clock
  /** Called for each answer 429 of API Gateway, the throttled tries of one call included. */
  readonly onThrottled?: () => void
  /** Certificates, in PEM, to trust instead of the well-known ones. */
  readonly tls?: { readonly ca?: string }
}

interface SdkCredentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string
  readonly expiration?: Date
}

interface CommandOptions {
  readonly abortSignal: AbortSignal
}

/**
 * A {@link Poster} over the AWS SDK: the reference to compare `FastPoster` with, and the choice of those who want
 * AWS's own client on the wire. Costs about ten times the CPU time per post.
 *
 * Any number of calls may run at once; those over `maxSockets` wait, without a limit in time.
 */
export class ManagementApiPoster implements Poster {
  readonly #client: ApiGatewayManagementApiClient
  readonly #limit: ConcurrencyLimit
  readonly #retry: RetryPolicy
  readonly #timeoutMs: number

  /** @throws {@link ConfigurationError} if the endpoint is not one, or the region is not known */
  constructor(options: ManagementApiPosterOptions) {
    const { clock = systemClock, maxSockets = 64, timeoutMs = 3000, maxTries = 4, onThrottled } = options
    this.#client = new ApiGatewayManagementApiClient(clientConfig(options, maxSockets))
    this.#limit = new ConcurrencyLimit(maxSockets)
    this.#retry = { maxTries, clock, pace: new PostPace({ clock, mostAtOnce: maxSockets, onThrottled }) }
    this.#timeoutMs = timeoutMs
  }

  async post(connectionId: string, text: string, options?: PostOptions): Promise<void> {
    requireMessageSize(text, MAX_MESSAGE_BYTES)
    const command = new PostToConnectionCommand({ ConnectionId: connectionId, Data: text })
    await this.#call({ method: 'POST', connectionId, signal: options?.signal }, (to) =>
      this.#client.send(command, to),
    )
  }

  async close(connectionId: string, options?: PostOptions): Promise<void> {
    const command = new DeleteConnectionCommand({ ConnectionId: connectionId })
    await this.#call({ method: 'DELETE', connectionId, signal: options?.signal }, (to) =>
      this.#client.send(command, to),
    )
  }

  async get(connectionId: string, options?: PostOptions): Promise<ConnectionInfo> {
    const call: PostCall = { method: 'GET', connectionId, signal: options?.signal }
    const command = new GetConnectionCommand({ ConnectionId: connectionId })
    const info = await this.#call(call, (to) => this.#client.send(command, to))
    if (!info.ConnectedAt || !info.LastActiveAt) {
      throw new DeliveryError(
        `GET of connection ${JSON.stringify(connectionId)} was answered without connectedAt or lastActiveAt: ` +
          'check that the endpoint is API Gateway',
        { retryable: false, status: 200 },
      )
    }
    return {
      connectedAt: info.ConnectedAt.getTime(),
      lastActiveAt: info.LastActiveAt.getTime(),
      sourceIp: info.Identity?.SourceIp ?? undefined,
      userAgent: info.Identity?.UserAgent ?? undefined,
    }
  }

  /** Closes idle sockets. A call that is at work loses its socket, too, and is tried again. */
  destroy(): void {
    this.#client.destroy()
  }

  #call<T>(call: PostCall, send: (to: CommandOptions) => Promise<T>): Promise<T> {
    const { signal } = call
    return retryPost(this.#retry, call, () =>
      this.#limit.run(signal, async () => {
        try {
          return await bounded(this.#timeoutMs, signal, (abortSignal) => send({ abortSignal }))
        } catch (error) {
          signal?.throwIfAborted()
          throw failureOf(call, error)
        }
      }),
    )
  }
}

// The SDK's own requestTimeout only logs a warning (measured with 3.1164). AbortSignal.timeout would keep its
// timer, and all that hangs on it, after the answer.
async function bounded<T>(
  timeoutMs: number,
  signal: AbortSignal | undefined,
  task: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController()
  const timer = setTimeout(() => {
    controller.abort(new HttpFailure('time-out', `no answer in ${timeoutMs} ms`))
  }, timeoutMs)
  const abort = (): void => controller.abort(signal?.reason)
  signal?.addEventListener('abort', abort, { once: true })
  try {
    return await task(controller.signal)
  } catch (error) {
    throw controller.signal.aborted ? controller.signal.reason : error
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', abort)
  }
}

function clientConfig(
  options: ManagementApiPosterOptions,
  maxSockets: number,
): ApiGatewayManagementApiClientConfig {
  const { url, region } = parseEndpoint(options.endpoint, options.region)
  const agent = { keepAlive: true, maxSockets }
  return {
    endpoint: options.endpoint,
    region,
    // One try: 429 would be tried 3 times over 2.9 s, out of reach of our bounds (measured).
    maxAttempts: 1,
    requestHandler:
      url.protocol === 'https:'
        ? { httpsAgent: { ...agent, ...(options.tls?.ca === undefined ? {} : { ca: options.tls.ca }) } }
        : { httpAgent: agent },
    ...(options.credentials === undefined ? {} : { credentials: sdkCredentials(options.credentials) }),
  }
}

// The SDK's types allow a missing session token, but not one that is undefined.
function sdkCredentials(provider: CredentialsProvider): () => Promise<SdkCredentials> {
  return async () => {
    const { accessKeyId, secretAccessKey, sessionToken, expiration } = await provider()
    return {
      accessKeyId,
      secretAccessKey,
      ...(sessionToken === undefined ? {} : { sessionToken }),
      ...(expiration && { expiration }),
    }
  }
}

// SDK exceptions have no statusCode, and a 410 without its x-amzn-ErrorType header is named "Unknown".
function failureOf(call: PostCall, error: unknown): ChannelsError {
  const { name, message, $metadata } = error as {
    name?: string
    message?: string
    $metadata?: { httpStatusCode?: number }
  }
  const status = name === 'GoneException' ? 410 : $metadata?.httpStatusCode
  if (status !== undefined && status >= 300) return failureOfStatus(call, status, message ?? '')
  return name === 'CredentialsProviderError'
    ? failureOfCredentials(call, error)
    : failureOfTransport(call, error)
}
