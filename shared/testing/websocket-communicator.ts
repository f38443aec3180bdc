import type { Application, WebsocketScope } from '../application.ts'
import type { JsonObject } from '../message.ts'
import { Inbox } from './inbox.ts'
import { TestGateway } from './test-gateway.ts'
import type { TestSocket } from './test-poster.ts'

/** Options of a {@link WebsocketCommunicator}. */
export interface WebsocketCommunicatorOptions {
  readonly headers?: Readonly<Record<string, string>>
  readonly subprotocols?: readonly string[]
  /** What a Lambda authorizer would have returned. */
  readonly authorizer?: JsonObject
  /** The gateway to connect through. Communicators of one application share one unless they name theirs. */
  readonly gateway?: TestGateway
}

const sharedGateways = new WeakMap<Application<WebsocketScope>, TestGateway>()

/**
 * A WebSocket client for tests, without a network. Each event meets a cold consumer, with scope and state
 * through JSON, exactly as in Lambda: a test cannot pass on a field that production would lose.
 *
 * What a handler throws is thrown again by the call that caused it.
 *
 * @example
 * ```ts
 * const communicator = new WebsocketCommunicator(application, '/ws/chat/lobby/')
 * const [connected] = await communicator.connect()
 * await communicator.sendJsonTo({ message: 'hello' })
 * const echo = await communicator.receiveJsonFrom()
 * await communicator.disconnect()
 * ```
 */
export class WebsocketCommunicator {
  readonly gateway: TestGateway
  readonly #socket: TestSocket
  readonly #fields: object
  readonly #authorizer: JsonObject | undefined
  readonly #frames = new Inbox<string>()
  #closing: Promise<void> | undefined

  /** @param path - the path, with its query: `/ws/chat/lobby/?name=ann`; a whole `ws://` URL does too */
  constructor(
    application: Application<WebsocketScope>,
    path: string,
    options: WebsocketCommunicatorOptions = {},
  ) {
    this.gateway = options.gateway ?? sharedGateway(application)
    this.#fields = connectFields(path, options)
    this.#authorizer = options.authorizer
    this.#socket = this.gateway.createSocket({
      onFrame: (text) => this.#frames.put(text),
      onClose: () => {
        this.#frames.end(new Error('the server has closed the connection'))
        // API Gateway invokes $disconnect after it closed the socket, on its own account.
        this.#closing = new Promise((resolve) => setImmediate(resolve)).then(() =>
          this.gateway.disconnect(this.#socket, 1000, 'Connection Closed Normally'),
        )
      },
    })
  }

  /** The connection's channel, for `channelLayer.send` and `exclude`. */
  get channelName(): string {
    return this.#socket.connectionId
  }

  /** Whether the server has closed or refused the connection, or the client has left. */
  get isClosed(): boolean {
    return this.#socket.state === 'closed'
  }

  /**
   * Runs the handshake. `[true, subprotocol or null]` if it was accepted, `[false, status]` if not. Frames that
   * `connect()` sent can be received right after.
   */
  async connect(): Promise<[true, string | null] | [false, number]> {
    const { statusCode, headers } = await this.gateway.connect(this.#socket, this.#fields, this.#authorizer)
    this.#rethrow()
    if (this.#socket.state !== 'open' && statusCode >= 300) return [false, statusCode]
    return [true, headers?.['Sec-WebSocket-Protocol'] ?? null]
  }

  /** Sends a text frame; resolves when the consumer has handled it. */
  async sendTo(text: string): Promise<void> {
    await this.gateway.receive(this.#socket, text)
    this.#rethrow()
  }

  /** Sends a JSON text frame; resolves when the consumer has handled it. */
  async sendJsonTo(content: unknown): Promise<void> {
    await this.sendTo(JSON.stringify(content))
  }

  /** The next text frame from the server. A time-out throws and leaves the connection as it is. */
  async receiveFrom(timeoutMs = 1_000): Promise<string> {
    const text = await this.#frames.take(timeoutMs, 'frame')
    this.#rethrow()
    return text
  }

  /** The content of the next frame from the server, which must be JSON. */
  async receiveJsonFrom(timeoutMs = 1_000): Promise<unknown> {
    return JSON.parse(await this.receiveFrom(timeoutMs))
  }

  /** Whether no frame arrives for `timeoutMs` milliseconds. */
  async receiveNothing(timeoutMs = 100): Promise<boolean> {
    return this.#frames.staysEmpty(timeoutMs)
  }

  /** Closes the connection as a client would; resolves when `disconnect()` has run. Nothing happens if it is closed. */
  async disconnect(code = 1000, reason = ''): Promise<void> {
    if (this.#socket.state === 'open') await this.gateway.disconnect(this.#socket, code, reason)
    await this.#closing
    this.#rethrow()
  }

  /** Vanishes without a `$disconnect`, as a client that loses its network. */
  vanish(): void {
    this.#socket.state = 'closed'
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.disconnect()
  }

  #rethrow(): void {
    const [failure] = this.gateway.takeFailures(this.#socket.connectionId)
    if (failure === undefined) return
    throw failure instanceof Error
      ? failure
      : new Error('a handler threw what is no Error', { cause: failure })
  }
}

function sharedGateway(application: Application<WebsocketScope>): TestGateway {
  const known = sharedGateways.get(application)
  if (known) return known
  const gateway = new TestGateway(application)
  sharedGateways.set(application, gateway)
  return gateway
}

function connectFields(
  path: string,
  { headers = {}, subprotocols = [] }: WebsocketCommunicatorOptions,
): object {
  const url = new URL(path, 'ws://testserver')
  const offered = subprotocols.length === 0 ? {} : { 'Sec-WebSocket-Protocol': subprotocols.join(', ') }
  const all = { Host: url.host, ...headers, ...offered }
  return {
    headers: all,
    multiValueHeaders: Object.fromEntries(Object.entries(all).map(([name, value]) => [name, [value]])),
    queryStringParameters: {
      ...Object.fromEntries(url.searchParams),
      path: decodeURIComponent(url.pathname),
    },
  }
}
