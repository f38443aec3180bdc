import { randomBytes } from 'node:crypto'
import type { Application, WebsocketScope } from '../application.ts'
import { MemoryChannelStore } from '../backends/memory/memory-channel-store.ts'
import { MemoryDeliveryQueue } from '../backends/memory/memory-delivery-queue.ts'
import { type Clock, systemClock } from '../clock.ts'
import { createDeliveryHandler } from '../gateway/delivery-handler.ts'
import type { ProxyResult } from '../gateway/open-connection.ts'
import { Runtime } from '../gateway/runtime.ts'
import { createWebsocketHandler } from '../gateway/websocket-handler.ts'
import { OPENING_GRACE_MS } from '../limits.ts'
import type { Logger } from '../logger.ts'
import type { JsonObject } from '../message.ts'
import { TestPoster, type TestSocket } from './test-poster.ts'

/** Options of a {@link TestGateway}. */
export interface TestGatewayOptions {
  readonly clock?: Clock
  /** Where the application's and the library's lines go; nowhere by default. */
  readonly logger?: Logger
}

const quiet: Logger = { debug() {}, info() {}, warn() {}, error() {} }

/**
 * An API Gateway of this process for one application: real events through the real Lambda handlers, over a store in
 * memory. Every event meets a cold container: nothing survives but what the store keeps as JSON.
 */
export class TestGateway {
  readonly store: MemoryChannelStore
  /** What was counted, by name. */
  readonly counts: Map<string, number> = new Map()
  readonly #application: Application<WebsocketScope>
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #queue = new MemoryDeliveryQueue()
  readonly #poster = new TestPoster()
  readonly #opening = new Set<TestSocket>()
  readonly #lostFields = new Map<string, Set<string>>()
  readonly #failures = new Map<string, unknown[]>()

  constructor(
    application: Application<WebsocketScope>,
    { clock = systemClock, logger = quiet }: TestGatewayOptions = {},
  ) {
    this.#application = application
    this.#clock = clock
    this.#logger = logger
    this.store = new MemoryChannelStore({ clock })
  }

  /** A socket that has not begun its handshake. */
  createSocket(listener: Pick<TestSocket, 'onFrame' | 'onClose'>): TestSocket {
    const socket: TestSocket = {
      connectionId: `${randomBytes(11).toString('base64url').slice(0, 15)}=`,
      connectedAt: this.#clock.now(),
      state: 'opening',
      ...listener,
    }
    this.#poster.add(socket)
    return socket
  }

  /** Runs `$connect`. The socket is open after it if the answer is 2xx, and what was held for it has arrived. */
  async connect(socket: TestSocket, fields: object, authorizer?: JsonObject): Promise<ProxyResult> {
    this.#opening.add(socket)
    const context = {
      eventType: 'CONNECT',
      routeKey: '$connect',
      ...(authorizer === undefined ? {} : { authorizer }),
    }
    const result = await this.#invoke(socket, context, fields)
    this.#opening.delete(socket)
    const isAccepted = result.statusCode >= 200 && result.statusCode < 300
    socket.state = isAccepted ? 'open' : 'closed'
    await this.#deliver()
    return result
  }

  /** Runs `$default` for one text frame. */
  async receive(socket: TestSocket, body: string): Promise<void> {
    await this.#invoke(
      socket,
      { eventType: 'MESSAGE', routeKey: '$default', messageId: randomBytes(8).toString('base64url') },
      { body },
    )
    await this.#deliver()
  }

  /** Runs `$disconnect`. */
  async disconnect(socket: TestSocket, code: number, reason: string): Promise<void> {
    socket.state = 'closed'
    const context = {
      eventType: 'DISCONNECT',
      routeKey: '$disconnect',
      disconnectStatusCode: code,
      disconnectReason: reason,
    }
    await this.#invoke(socket, context, {})
    await this.#deliver()
  }

  /** Takes what handlers of this connection have thrown since the last call. */
  takeFailures(connectionId: string): readonly unknown[] {
    const failures = this.#failures.get(connectionId) ?? []
    this.#failures.delete(connectionId)
    return failures
  }

  #invoke(socket: TestSocket, context: object, fields: object): Promise<ProxyResult> {
    const handler = createWebsocketHandler(this.#application, this.#coldRuntime())
    const requestId = randomBytes(12).toString('base64url').slice(0, 16)
    return handler({
      ...fields,
      requestContext: {
        requestId,
        connectionId: socket.connectionId,
        connectedAt: socket.connectedAt,
        apiId: 'test',
        stage: 'test',
        domainName: 'test.execute-api.us-east-1.amazonaws.com',
        identity: { sourceIp: '127.0.0.1' },
        ...context,
      },
      isBase64Encoded: false,
    })
  }

  async #deliver(): Promise<void> {
    while (this.#queue.size > 0) {
      await createDeliveryHandler(this.#application, this.#coldRuntime())(this.#queue.take())
    }
  }

  #coldRuntime(): Runtime {
    return new Runtime({
      store: this.store,
      queue: this.#queue,
      createPoster: () => this.#poster,
      region: 'us-east-1',
      logger: this.#logger,
      clock: this.#clock,
      isDevelopment: true,
      // The one thing that may outlive a container here: it is about what does not.
      lostFields: this.#lostFields,
      // While no handshake is under way, a 410 can only mean that the connection is dead.
      openingGraceMs: this.#opening.size > 0 ? OPENING_GRACE_MS : 0,
      metrics: { count: (name, value) => void this.counts.set(name, (this.counts.get(name) ?? 0) + value) },
      onError: (error, { channelName }) => {
        this.#failures.set(channelName, [...(this.#failures.get(channelName) ?? []), error])
      },
    })
  }
}
