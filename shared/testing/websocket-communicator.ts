import type { Application, WebsocketScope } from '../application.ts'
import { ConfigurationError } from '../errors.ts'
import type { JsonObject } from '../message.ts'
import { Inbox } from './inbox.ts'
import type { Session } from '../sessions/session.ts'
import { TestGateway } from './test-gateway.ts'
import type { ScopeOf, TestIdentity } from './test-identity.ts'
import type { TestSocket } from './test-poster.ts'

/**
 * Options of a {@link WebsocketCommunicator}. `user` and `session` are what middleware around the application would have
 * put into the scope: for applications that are tested without that middleware.
 */
export interface WebsocketCommunicatorOptions<
  User = unknown,
  Data extends JsonObject | undefined = JsonObject | undefined,
> extends TestIdentity<User, Data> {
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
export class WebsocketCommunicator<User = undefined, Data extends JsonObject | undefined = undefined> {
  readonly gateway: TestGateway
  readonly #socket: TestSocket
  readonly #fields: object
  readonly #options: WebsocketCommunicatorOptions
  readonly #frames = new Inbox<string>()
  #closing: Promise<void> | undefined

  /** @param path - the path, with its query: `/ws/chat/lobby/?name=ann`; a whole `ws://` URL does too */
  constructor(
    application: Application<WebsocketScope & ScopeOf<NoInfer<User>, NoInfer<Data>>>,
    path: string,
    options: WebsocketCommunicatorOptions<User, Data> = {},
  ) {
    // The gateway adds to the scope what the options say, which is what the application needs.
    this.gateway = options.gateway ?? sharedGateway(application as Application<WebsocketScope>)
    this.#fields = connectFields(path, options)
    this.#options = options
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
    const { authorizer, user, session } = this.#options
    if (user !== undefined || session !== undefined) {
      await this.gateway.identify(this.channelName, this.#options)
    }
    const { statusCode, headers } = await this.gateway.connect(this.#socket, this.#fields, authorizer)
    this.#rethrow()
    if (this.#socket.state !== 'open' && statusCode >= 300) return [false, statusCode]
    return [true, headers?.['Sec-WebSocket-Protocol'] ?? null]
  }

  /**
   * What is saved of the session that was given; the consumer's changes are there once its event is handled.
   *
   * @throws {@link ConfigurationError} if none was given
   */
  get session(): Session {
    if (this.#options.session === undefined) {
      throw new ConfigurationError(
        'this communicator was given no session: give it one, { session: {} }, or look into the store of your sessionMiddleware',
      )
    }
    return this.gateway.session(this.channelName)
  }

  /**
   * Sends a text frame; resolves when the consumer has handled it. Through a gateway in mode `concurrent` it resolves at
   * once: see {@link wait}.
   */
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

  /** Resolves when all frames that it has sent are handled: for mode `concurrent`. */
  async wait(): Promise<void> {
    await this.gateway.idle(this.channelName)
    this.#rethrow()
  }

  /** Whether no frame arrives for `timeoutMs` milliseconds. */
  async receiveNothing(timeoutMs = 100): Promise<boolean> {
    return this.#frames.staysEmpty(timeoutMs)
  }

  /** Closes the connection as a client would; resolves when `disconnect()` has run. Nothing happens if it is closed. */
  async disconnect(code = 1000, reason = ''): Promise<void> {
    if (this.#socket.state === 'open') await this.gateway.disconnect(this.#socket, code, reason)
    await this.#closing
    await this.gateway.idle(this.channelName)
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

/** The gateway of all communicators of `application` that name none. */
export function sharedGateway(application: Application<WebsocketScope>): TestGateway {
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
