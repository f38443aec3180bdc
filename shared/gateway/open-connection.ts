import type { Application, Send, WebsocketScope } from '../application.ts'
import { ProtocolError, RouteNotFoundError } from '../errors.ts'
import { CONNECTION_EXPIRY_SECONDS } from '../limits.ts'
import type { GroupPayload } from '../layers/delivery.ts'
import type { JsonObject, JsonValue, Message } from '../message.ts'
import { DenyConnection, StopConsumer } from '../signals.ts'
import type { ChannelStore } from '../stores/channel-store.ts'
import { ConnectionContext } from './connection-context.ts'
import { framesTask, WaitingFrames } from './deferred-tasks.ts'
import type { Invocation } from './invocation.ts'
import { OpeningLayerStore } from './layer-stores.ts'
import { closeEnvelope, isRefusal, messageOfSend } from './protocol.ts'
import { reportFailure } from './report-failure.ts'
import type { KnownConnection } from './scope-cache.ts'
import { DEFAULT_LAYER } from './runtime.ts'
import { scheduleEnd } from './connection-end.ts'
import { OpeningStore } from './store-views.ts'
import type { WebsocketEvent } from './websocket-event.ts'
import { scopeOfConnect, storable, type StoredScope, websocketScope } from './websocket-scope.ts'

/** What API Gateway is answered. */
export interface ProxyResult {
  readonly statusCode: number
  readonly headers?: Readonly<Record<string, string>>
}

type ConnectEvent = WebsocketEvent & { readonly kind: 'connect' }

/**
 * Runs `$connect`: `connect()` decides, and only an accepted connection leaves anything behind. Frames that it
 * sends to itself are held: API Gateway answers 410 until `$connect` has returned.
 */
export function openConnection(
  event: ConnectEvent,
  invocation: Invocation,
  application: Application<WebsocketScope>,
): Promise<ProxyResult> {
  return new Handshake(event, invocation, application).run()
}

class Handshake {
  readonly #event: ConnectEvent
  readonly #invocation: Invocation
  readonly #application: Application<WebsocketScope>
  #scope: StoredScope
  readonly #forgotten = new Set<string>()
  readonly #remembered = new Map<string, JsonValue>()
  readonly #store: OpeningStore
  readonly #context: ConnectionContext
  readonly #connection: KnownConnection
  readonly #events: Message[] = []
  readonly #frames = new WaitingFrames()
  #decision: { readonly subprotocol?: string | undefined; readonly status: number } | undefined
  #isClosed = false
  #isFailed = false

  constructor(event: ConnectEvent, invocation: Invocation, application: Application<WebsocketScope>) {
    const { connectionId, connectedAt } = event
    const { runtime } = invocation
    this.#event = event
    this.#invocation = invocation
    this.#application = application
    this.#scope = scopeOfConnect(event)
    const expiresAt = Math.floor(connectedAt / 1000) + CONNECTION_EXPIRY_SECONDS
    const record = { connectionId, connectedAt, expiresAt, scope: {}, state: {}, version: 0, groups: [] }
    this.#store = new OpeningStore({
      store: invocation.storeOf(DEFAULT_LAYER),
      clock: runtime.clock,
      record,
      scope: () => this.#storable(),
    })
    // A getter, because later events of this very invocation recall what `connect` has remembered.
    const scopeSoFar = (): StoredScope => ({ ...this.#scope, remembered: this.#rememberedSoFar() })
    this.#connection = {
      connectionId,
      connectedAt,
      usesState: false,
      get scope() {
        return scopeSoFar()
      },
    }
    this.#context = new ConnectionContext({
      runtime,
      connection: this.#connection,
      storeOf: (alias) => this.#storeOf(alias),
      invocation,
      message: { type: 'websocket.connect' },
      remember: (key, value) => this.#remembered.set(key, value),
      endAt: (at, code) => {
        if (at < (this.#scope.end?.at ?? Infinity)) this.#scope = { ...this.#scope, end: { at, code } }
      },
      forgetQuery: (name) => this.#forgotten.add(name),
    })
  }

  async run(): Promise<ProxyResult> {
    this.#invocation.opening = {
      connectionId: this.#event.connectionId,
      hold: (payload) => this.#holdPayload(payload),
      fail: () => void (this.#isFailed = true),
    }
    try {
      await this.#handle({ type: 'websocket.connect' })
      const status = this.#decision?.status ?? 403
      if (status !== 200) return await this.#refuse(status)
      for (;;) {
        // Group sends that nobody awaits may still bring events, and so may those that they find dead.
        await this.#invocation.settle()
        if (this.#isFailed) return await this.#refuse(500)
        const event = this.#events.shift()
        if (event === undefined) break
        await this.#handle(event)
      }
      return await this.#accept()
    } catch (error) {
      return await this.#fail(error)
    }
  }

  #handle(message: Message): Promise<void> {
    this.#context.message = message
    const { connectionId: channelName, connectedAt } = this.#event
    const surroundings = { channelName, connectedAt, connection: this.#context }
    const scope = websocketScope(this.#connection.scope, surroundings)
    return this.#application(scope, message, this.#send)
  }

  readonly #send: Send = async (message) => {
    const step = messageOfSend(message)
    if (step.kind === 'accept')
      this.#decide({ subprotocol: this.#offered(step.subprotocol), status: 200 }, 'accept()')
    else if (this.#decision?.status === 200) this.#hold(step.frames, step.kind === 'close')
    else if (step.kind === 'close') this.#decide({ status: step.status }, 'close()')
    else
      throw new ProtocolError(
        'the connection has not been accepted, so nothing can be sent over it: call accept() first',
      )
  }

  #decide(
    decision: { readonly subprotocol?: string | undefined; readonly status: number },
    call: string,
  ): void {
    if (this.#decision) {
      throw new ProtocolError(
        `${call} after the connection was ${this.#decision.status === 200 ? 'accepted' : 'refused'}: decide once`,
      )
    }
    this.#decision = decision
  }

  #holdPayload(payload: GroupPayload): void {
    if ('frame' in payload) this.#hold([payload.frame], false)
    else if ('event' in payload) this.#events.push(payload.event)
    // It ends as soon as it is open.
    else this.#hold([closeEnvelope(payload.close)], true)
  }

  #hold(frames: readonly string[], close: boolean): void {
    if (this.#isClosed) return this.#invocation.count('sendAfterClose')
    for (const frame of frames) this.#frames.add(frame)
    this.#isClosed = close
  }

  #offered(subprotocol: string | undefined): string | undefined {
    if (subprotocol === undefined || this.#scope.subprotocols.includes(subprotocol)) return subprotocol
    const offered = this.#scope.subprotocols.join(', ') || 'none'
    throw new ProtocolError(
      `accept("${subprotocol}"): the client offered ${offered}. Accept one of these, or none`,
    )
  }

  async #accept(): Promise<ProxyResult> {
    const { connectionId, connectedAt } = this.#event
    if (!(await this.#store.commit())) return this.#refuseEnded()
    const frames = this.#frames.take()
    if (frames.length > 0 || this.#isClosed) {
      await this.#invocation.enqueue([
        framesTask({ connectionId, connectedAt, frames, close: this.#isClosed }),
      ])
    }
    await scheduleEnd({ connectionId, connectedAt, end: this.#scope.end }, this.#invocation)
    await this.#invocation.finish()
    const scope = this.#storable() as unknown as StoredScope
    this.#invocation.runtime.scopes.set({ ...this.#connection, scope })
    this.#invocation.count('connected')
    const subprotocol = this.#decision?.subprotocol
    if (subprotocol === undefined) return { statusCode: 200 }
    return { statusCode: 200, headers: { 'Sec-WebSocket-Protocol': subprotocol } }
  }

  /** Leaves nothing behind. Never rejects: what could not be cleaned up, or passed on, is logged and counted. */
  async #refuse(statusCode: number): Promise<ProxyResult> {
    const { logger, metrics } = this.#invocation.runtime
    const channelName = this.#event.connectionId
    metrics.count('refused', 1)
    try {
      // A `groupAdd` that nobody awaits must not come after the clean-up.
      await this.#invocation.settle()
      await this.#store.rollback()
    } catch (error) {
      logger.error('clean-up of a refused connection failed', { channelName, error })
      metrics.count('cleanUpFailed', 1)
    }
    try {
      await this.#invocation.finish()
    } catch (error) {
      logger.error('what a refused connection sent to others could not be passed on', { channelName, error })
      metrics.count('eventFailed', 1)
    }
    return { statusCode }
  }

  /** A handler that another invocation ran for this connection has failed, or ended it: `disconnect()` has run. */
  #refuseEnded(): Promise<ProxyResult> {
    this.#invocation.runtime.logger.info('handshake refused with 500: the connection was ended meanwhile', {
      channelName: this.#event.connectionId,
      path: this.#scope.path,
    })
    this.#invocation.count('endedWhileOpening')
    return this.#refuse(500)
  }

  async #fail(error: unknown): Promise<ProxyResult> {
    const { connectionId } = this.#event
    const { logger } = this.#invocation.runtime
    const statusCode = statusOf(error)
    if (error instanceof RouteNotFoundError)
      logger.info('handshake refused with 404', { channelName: connectionId, path: this.#scope.path })
    else if (statusCode === 500)
      await reportFailure(this.#invocation.runtime, error, { context: this.#context })
    return this.#refuse(statusCode)
  }

  #storeOf(alias: string): ChannelStore {
    return alias === DEFAULT_LAYER
      ? this.#store
      : new OpeningLayerStore(this.#invocation.storeOf(alias), this.#store)
  }

  #storable(): ReturnType<typeof storable> {
    return storable(this.#scopeToStore(), this.#rememberedSoFar(), this.#decision?.subprotocol)
  }

  #scopeToStore(): StoredScope {
    const query = Object.entries(this.#scope.query).filter(([name]) => !this.#forgotten.has(name))
    return { ...this.#scope, query: Object.fromEntries(query) }
  }

  #rememberedSoFar(): JsonObject {
    return Object.fromEntries(this.#remembered)
  }
}

function statusOf(error: unknown): number {
  if (error instanceof RouteNotFoundError) return 404
  if (error instanceof DenyConnection && isRefusal(error.status)) return error.status
  return error instanceof StopConsumer ? 403 : 500
}
