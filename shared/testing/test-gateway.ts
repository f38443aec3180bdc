import { randomBytes } from 'node:crypto'
import type { Application, ChannelScope, HttpScope, WebsocketScope } from '../application.ts'
import { MemoryChannelStore } from '../backends/memory/memory-channel-store.ts'
import { MemoryDeliveryQueue } from '../backends/memory/memory-delivery-queue.ts'
import { MemoryWorkerQueue } from '../backends/memory/memory-worker-queue.ts'
import { type Clock, systemClock } from '../clock.ts'
import { createDeliveryHandler } from '../gateway/delivery-handler.ts'
import { createHttpHandler } from '../gateway/http-handler.ts'
import type { HttpResult } from '../gateway/http-reply.ts'
import type { ProxyResult } from '../gateway/open-connection.ts'
import { Runtime, type RuntimeOptions } from '../gateway/runtime.ts'
import { ScopeCache } from '../gateway/scope-cache.ts'
import { createWebsocketHandler } from '../gateway/websocket-handler.ts'
import { createWorkerHandler } from '../gateway/worker-handler.ts'
import { OPENING_GRACE_MS } from '../limits.ts'
import type { Logger } from '../logger.ts'
import type { JsonObject } from '../message.ts'
import { wrapApplication } from '../middleware/define-middleware.ts'
import type { Session } from '../sessions/session.ts'
import { TestIdentities, type TestIdentity } from './test-identity.ts'
import { TestPoster, type TestSocket } from './test-poster.ts'

/**
 * How a {@link TestGateway} runs events. `cold`: each in a container of its own, and whoever sends a frame waits until it
 * is handled. `warm`: all in one container, which keeps what a container keeps in production. `concurrent`: cold, and
 * nobody waits, so that frames of one connection are handled at the same time, as in production.
 */
export type TestMode = 'cold' | 'warm' | 'concurrent'

/** Options of a {@link TestGateway}. */
export interface TestGatewayOptions {
  /** `cold` by default. */
  readonly mode?: TestMode
  readonly clock?: Clock
  /** Where the application's and the library's lines go; nowhere by default. */
  readonly logger?: Logger
  /** Aliases of layers besides "default", each with groups of its own. */
  readonly layers?: readonly string[]
}

const quiet: Logger = { debug() {}, info() {}, warn() {}, error() {} }

/**
 * An API Gateway of this process for one application: real events through the real Lambda handlers, over a store in
 * memory. Unless its mode says otherwise every event meets a cold container: nothing survives but what the store keeps
 * as JSON.
 */
export class TestGateway {
  readonly store: MemoryChannelStore
  /** The queue of all worker channels. Jobs wait in it until {@link runJobs}. */
  readonly jobs: MemoryWorkerQueue
  /** What was counted, by name. */
  readonly counts: Map<string, number> = new Map()
  readonly mode: TestMode
  readonly #layers: Readonly<Record<string, { readonly store: MemoryChannelStore }>>
  readonly #application: Application<WebsocketScope>
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #queue: MemoryDeliveryQueue
  readonly #poster = new TestPoster()
  readonly #opening = new Set<TestSocket>()
  readonly #lostFields = new Map<string, Set<string>>()
  readonly #failures = new Map<string, unknown[]>()
  readonly #identities: TestIdentities
  readonly #warmScopes: ScopeCache | undefined
  /** What is being handled while nobody waits for it, and for which connection. */
  readonly #running = new Map<Promise<void>, string>()

  constructor(
    application: Application<WebsocketScope & { readonly user: never; readonly session: Session }>,
    { clock = systemClock, logger = quiet, layers = [], mode = 'cold' }: TestGatewayOptions = {},
  ) {
    this.mode = mode
    this.#warmScopes = mode === 'warm' ? new ScopeCache() : undefined
    this.#identities = new TestIdentities(clock)
    // What it needs of a user and a session is asked of the communicators that connect through this gateway.
    this.#application = this.#identities.around(application as Application<WebsocketScope>)
    this.#clock = clock
    this.#logger = logger
    this.store = new MemoryChannelStore({ clock })
    this.#queue = new MemoryDeliveryQueue({ clock })
    this.jobs = new MemoryWorkerQueue({ clock })
    this.#layers = Object.fromEntries(
      layers.map((alias) => [alias, { store: new MemoryChannelStore({ clock }) }]),
    )
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

  /** From now on this is who is at the other end of the connection. */
  async identify(channelName: string, identity: TestIdentity): Promise<void> {
    await this.#identities.add(channelName, identity)
  }

  /** The session of a connection that was identified by one. */
  session(channelName: string): Session {
    return this.#identities.session(channelName)
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

  /** Runs `$default` for one text frame; in mode `concurrent` it begins that, and resolves. */
  async receive(socket: TestSocket, body: string): Promise<void> {
    const handled = this.#receive(socket, body)
    if (this.mode !== 'concurrent') return handled
    const running = handled
      .catch((error: unknown) => this.#keepFailure(socket.connectionId, error))
      .finally(() => this.#running.delete(running))
    this.#running.set(running, socket.connectionId)
  }

  /** Resolves when every frame is handled: of one connection, or of all. */
  async idle(connectionId?: string): Promise<void> {
    const mine = [...this.#running].filter(([, id]) => id === (connectionId ?? id))
    if (mine.length === 0) return
    await Promise.all(mine.map(([running]) => running))
    await this.idle(connectionId)
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

  /** Delivers what is due by now: the ends of connections whose time was over when the clock was turned. */
  async deliverDue(): Promise<void> {
    await this.#deliver()
  }

  /**
   * Runs one request through `application`. What it sends to groups reaches the connections of the gateway's own.
   * Tells what handlers have thrown besides.
   */
  async request(
    application: Application<HttpScope>,
    event: object,
  ): Promise<{ readonly result: HttpResult; readonly failures: readonly unknown[] }> {
    const failures: unknown[] = []
    const runtime = this.#runtime((error, { request }) => {
      if (request !== undefined) failures.push(error)
    })
    const both: Application<HttpScope | WebsocketScope> = (scope, message, send) =>
      scope.type === 'http' ? application(scope, message, send) : this.#application(scope, message, send)
    const handler = createHttpHandler(wrapApplication(this.#application, both), runtime)
    const result = await handler(event)
    await this.#deliver()
    return { result, failures }
  }

  /**
   * Runs the jobs of worker channels that are due by the gateway's clock, and those that they send. A job that fails is
   * not run again.
   *
   * @throws what the first job that failed has thrown, once all have run
   */
  async runJobs(): Promise<void> {
    const failures: unknown[] = []
    const runtime = this.#runtime((error, { jobId }) => {
      if (jobId !== undefined) failures.push(error)
    })
    // Whether it serves workers is said by whoever sends a job: only what it serves is in the queue.
    const application = this.#application as Application<never> as Application<ChannelScope | WebsocketScope>
    const work = createWorkerHandler(application, runtime)
    for (let due = this.jobs.take(); due.Records.length > 0; due = this.jobs.take()) await work(due)
    await this.#deliver()
    if (failures.length > 0) throw failures[0]
  }

  /** Takes what handlers of this connection have thrown since the last call. */
  takeFailures(connectionId: string): readonly unknown[] {
    const failures = this.#failures.get(connectionId) ?? []
    this.#failures.delete(connectionId)
    return failures
  }

  async #receive(socket: TestSocket, body: string): Promise<void> {
    await this.#invoke(
      socket,
      { eventType: 'MESSAGE', routeKey: '$default', messageId: randomBytes(8).toString('base64url') },
      { body },
    )
    await this.#deliver()
  }

  #keepFailure(channelName: string, error: unknown): void {
    this.#failures.set(channelName, [...(this.#failures.get(channelName) ?? []), error])
  }

  #invoke(socket: TestSocket, context: object, fields: object): Promise<ProxyResult> {
    const handler = createWebsocketHandler(this.#application, this.#runtime())
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
      await createDeliveryHandler(this.#application, this.#runtime())(this.#queue.take())
    }
  }

  #runtime(onFailure: NonNullable<RuntimeOptions['onError']> = () => {}): Runtime {
    return new Runtime({
      store: this.store,
      layers: this.#layers,
      queue: this.#queue,
      workers: { '*': this.jobs },
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
      ...(this.#warmScopes && { scopes: this.#warmScopes }),
      endpoint: 'https://test.execute-api.us-east-1.amazonaws.com/test',
      onError: async (error, context) => {
        if (context.channelName !== undefined) this.#keepFailure(context.channelName, error)
        await onFailure(error, context)
      },
    })
  }
}
