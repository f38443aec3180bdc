import type { Application, Send, WebsocketScope } from '../application.ts'
import { ConnectionGoneError, ProtocolError, StoreError } from '../errors.ts'
import { BaseChannelLayer } from '../layers/base-channel-layer.ts'
import type { Delivery, GroupPayload, Outcome, Remainder } from '../layers/delivery.ts'
import type { Message } from '../message.ts'
import { StopConsumer } from '../signals.ts'
import type { ConnectionRecord, GroupMember } from '../stores/channel-store.ts'
import type { DeliveryTask } from '../stores/delivery-queue.ts'
import { ConnectionContext } from './connection-context.ts'
import { deferredTasks } from './deferred-tasks.ts'
import { Outbox } from './outbox.ts'
import { messageOfSend } from './protocol.ts'
import type { Poster } from './poster.ts'
import type { Runtime } from './runtime.ts'
import type { KnownConnection } from './scope-cache.ts'
import { ClosedStore } from './store-views.ts'
import { websocketScope, type StoredScope } from './websocket-scope.ts'

/** Time kept back at the end of an invocation to put what is left into the delivery queue, in milliseconds. */
const RESERVE_MS = 2_500

/** First and longest wait for a connection to open, in milliseconds. */
const FIRST_WAIT_MS = 20
const MAX_WAIT_MS = 500

/** What Lambda's context object tells. */
export interface LambdaContext {
  getRemainingTimeInMillis(): number
}

/** What an {@link Invocation} is made of. */
export interface InvocationOptions {
  readonly runtime: Runtime
  readonly application: Application<WebsocketScope>
  readonly endpoint: string
  readonly context: LambdaContext | undefined
  /** How often the tasks at hand were put into the delivery queue before. */
  readonly attempt?: number
}

/** One connection's `$connect` while it runs: its own events wait until `connect()` is done. */
export interface Opening {
  readonly connectionId: string
  readonly events: Message[]
}

/**
 * One Lambda invocation: handles events for any number of connections, and ends with everything posted, put
 * into the delivery queue, or logged and counted as failed.
 */
export class Invocation implements Delivery {
  readonly runtime: Runtime
  readonly layer: BaseChannelLayer
  readonly poster: Poster
  opening: Opening | undefined
  readonly #options: InvocationOptions
  readonly #signal: AbortSignal | undefined
  readonly #outboxes = new Map<string, Outbox>()
  readonly #deferred = new Map<string, { readonly outbox: Outbox; readonly connectedAt: number }>()
  readonly #tasks: DeliveryTask[] = []
  readonly #records = new Map<string, ConnectionRecord>()
  readonly #active = new Map<string, ConnectionContext>()
  readonly #departed: ConnectionRecord[] = []

  constructor(options: InvocationOptions) {
    this.#options = options
    this.runtime = options.runtime
    this.poster = options.runtime.poster(options.endpoint)
    const remaining = options.context?.getRemainingTimeInMillis()
    this.#signal = remaining === undefined ? undefined : AbortSignal.timeout(Math.max(0, remaining - RESERVE_MS))
    this.layer = new BaseChannelLayer({ store: options.runtime.store, delivery: this })
  }

  /** Handles `message` in the consumer of a connection that is open. Undefined if it has no record. */
  async handle(connectionId: string, message: Message): Promise<Outcome | undefined> {
    const connection = await this.#find(connectionId)
    return connection && this.#run(connection, message)
  }

  async event(connectionId: string, event: Message): Promise<Outcome> {
    if (this.opening?.connectionId === connectionId) {
      this.opening.events.push(event)
      return 'deferred'
    }
    const outcome = await this.handle(connectionId, event)
    if (outcome !== undefined) return outcome
    this.count('messageWithoutRecord')
    return 'gone'
  }

  async toMember(group: string, member: GroupMember, payload: GroupPayload): Promise<Outcome> {
    if (this.opening?.connectionId === member.connectionId && 'event' in payload) return this.event(member.connectionId, payload.event)
    const outcome = await this.#toMember(member, payload)
    // Its record may be gone while this membership is left: a `groupAdd` that raced its end.
    if (outcome === 'gone') await this.#discard(group, member.connectionId)
    this.count(outcome)
    return outcome
  }

  async prepare(members: readonly GroupMember[]): Promise<void> {
    const missing = members
      .map(({ connectionId }) => connectionId)
      .filter((id) => this.runtime.scopes.get(id)?.usesState !== false && !this.#records.has(id) && id !== this.opening?.connectionId)
    if (missing.length === 0) return
    for (const [id, record] of await this.runtime.store.loadMany(missing)) this.#records.set(id, record)
  }

  isOutOfTime(): boolean {
    return this.#signal?.aborted ?? false
  }

  async defer({ group, payload, exclude, ...range }: Remainder): Promise<void> {
    await this.enqueue([{ kind: 'group', group, exclude, ...range, ...payload }])
  }

  count(name: string): void {
    this.runtime.metrics.count(name, 1)
  }

  /** The outbox of one connection: one per invocation, so that its frames keep their order. */
  outbox(connectionId: string, connectedAt: number): Outbox {
    const known = this.#outboxes.get(connectionId)
    if (known) return known
    const outbox: Outbox = new Outbox({
      poster: this.poster,
      connectionId,
      signal: this.#signal,
      isOpening: () => this.isYoung(connectedAt),
      onDeferred: () => this.#deferred.set(connectionId, { outbox, connectedAt }),
      onGone: () => this.#bury(connectionId),
      onFailed: (error) => this.#logDeliveryFailure(connectionId, error),
    })
    this.#outboxes.set(connectionId, outbox)
    return outbox
  }

  /** Whether a 410 does not prove a connection of this age dead. */
  isYoung(connectedAt: number): boolean {
    return this.runtime.clock.now() - connectedAt < this.runtime.openingGraceMs
  }

  /**
   * Waits until a connection that may still be opening is open. False if it is gone, in which case it is
   * cleaned up, or if there is no time left, in which case `task` is in the queue again.
   */
  async untilOpen(task: DeliveryTask & { readonly connectionId: string; readonly connectedAt: number }): Promise<boolean> {
    const { connectionId, connectedAt } = task
    for (let wait = FIRST_WAIT_MS; this.isYoung(connectedAt); wait = Math.min(wait * 2, MAX_WAIT_MS)) {
      if (await this.#isKnownToGateway(connectionId)) return true
      const isClosing = task.kind === 'frames' && task.close === true
      if (!isClosing && (await this.runtime.store.load(connectionId)) === undefined) {
        // Refused, or ended before it was open: nobody waits for this.
        this.count('gone')
        return false
      }
      if (this.isOutOfTime()) {
        await this.enqueue([task], 1)
        return false
      }
      await this.runtime.clock.sleep(wait)
    }
    return true
  }

  /** Puts deliveries into the queue right away. */
  async enqueue(tasks: readonly DeliveryTask[], delaySeconds = 0): Promise<void> {
    const { endpoint, attempt = 0 } = this.#options
    const queuedAt = this.runtime.clock.now()
    await this.runtime.queue.enqueue(
      tasks.map((task) => ({ task, endpoint, attempt: attempt + 1, queuedAt })),
      { delaySeconds },
    )
  }

  /** Ends the connection as if it had been lost: `disconnect()` runs, record and memberships go, the socket is closed. */
  async end(connectionId: string, connectedAt: number, code: number): Promise<void> {
    this.runtime.scopes.delete(connectionId)
    const record = await this.#remove(connectionId)
    if (record) await this.disconnect(record, { code, reason: '' })
    await this.outbox(connectionId, connectedAt).close()
  }

  /** Runs `disconnect()` of a connection whose record has just been removed. Never rejects. */
  async disconnect(record: ConnectionRecord, { code, reason }: { readonly code: number; readonly reason: string }): Promise<void> {
    const connection = this.#known(record)
    const message: Message = { type: 'websocket.disconnect', code, reason }
    const store = new ClosedStore(this.runtime.store, record)
    const layer = new BaseChannelLayer({ store, delivery: this })
    const context = new ConnectionContext({ runtime: this.runtime, connection, store, layer, record })
    const send: Send = async (sent) => {
      this.count('sendAfterDisconnect')
      this.runtime.logger.debug('nothing can be sent to a connection that has ended', { channelName: record.connectionId, type: sent.type })
    }
    try {
      await this.#options.application(this.#scope(connection, context), message, send)
    } catch (error) {
      if (!(error instanceof StopConsumer)) await this.reportFailure(error, { connectionId: record.connectionId, context, message })
    }
  }

  /** Logs and counts an exception of a handler, and calls the runtime's `onError`. Never rejects. */
  async reportFailure(
    error: unknown,
    at: { readonly connectionId: string; readonly context: ConnectionContext; readonly message: Message },
  ): Promise<void> {
    const where = { channelName: at.connectionId, consumer: at.context.consumer, type: at.message.type }
    this.count('handlerFailed')
    this.runtime.logger.error(`${where.consumer ?? 'the application'} failed on "${where.type}"`, { ...where, error })
    try {
      await this.runtime.onError(error, where)
    } catch (failure) {
      this.runtime.logger.error('onError failed', { ...where, error: failure })
    }
  }

  /** Everything that was sent is posted or in the queue when it resolves. Call it once, at the end. */
  async finish(): Promise<void> {
    for (let record = this.#departed.shift(); record; record = this.#departed.shift()) {
      await this.disconnect(record, { code: 1006, reason: 'Connection Closed Abnormally' })
    }
    for (const outbox of this.#outboxes.values()) await outbox.settled()
    for (const [connectionId, { outbox, connectedAt }] of this.#deferred) {
      this.#tasks.push(...deferredTasks({ connectionId, connectedAt, ...outbox.deferred }))
    }
    if (this.#tasks.length > 0) await this.enqueue(this.#tasks, this.#delaySeconds)
  }

  /** Nothing at first; 2, 4, 8 … seconds for what was in the queue before. */
  get #delaySeconds(): number {
    const { attempt = 0 } = this.#options
    return attempt === 0 ? 0 : Math.min(2 ** attempt, 300)
  }

  #scope(connection: KnownConnection, context: ConnectionContext): WebsocketScope {
    return websocketScope(connection.scope, {
      channelName: connection.connectionId,
      connectedAt: connection.connectedAt,
      connection: context,
    })
  }

  async #toMember(member: GroupMember, payload: GroupPayload): Promise<Outcome> {
    if ('frame' in payload) return this.outbox(member.connectionId, member.connectedAt).send(payload.frame)
    try {
      const outcome = await this.handle(member.connectionId, payload.event)
      if (outcome !== undefined) return outcome
    } catch (error) {
      if (!(error instanceof StoreError)) throw error
      // Its record could not be read: the member waits in the queue instead of missing the event.
      this.runtime.logger.warn('an event waits in the delivery queue', { channelName: member.connectionId, error })
      return this.#deferEvent(member, payload.event)
    }
    if (this.isYoung(member.connectedAt)) return this.#deferEvent(member, payload.event)
    return 'gone'
  }

  #deferEvent({ connectionId, connectedAt }: GroupMember, event: Message): Outcome {
    this.#tasks.push({ kind: 'event', connectionId, connectedAt, event })
    return 'deferred'
  }

  async #find(connectionId: string): Promise<KnownConnection | undefined> {
    const known = this.runtime.scopes.get(connectionId)
    if (known) return known
    const record = this.#records.get(connectionId) ?? (await this.runtime.store.load(connectionId))
    if (record === undefined) return undefined
    this.#records.set(connectionId, record)
    const connection = this.#known(record)
    this.runtime.scopes.set(connection)
    return connection
  }

  #known(record: ConnectionRecord): KnownConnection {
    const { connectionId, connectedAt } = record
    // Only `storable()` writes scopes, so what is read has its shape.
    return { connectionId, connectedAt, scope: record.scope as unknown as StoredScope, usesState: false }
  }

  async #run(connection: KnownConnection, message: Message): Promise<Outcome> {
    const { connectionId, connectedAt } = connection
    const record = this.#records.get(connectionId)
    this.#records.delete(connectionId)
    const { runtime, layer } = this
    const context = new ConnectionContext({ runtime, connection, store: runtime.store, layer, record })
    const outer = this.#active.get(connectionId)
    const outcomes: Outcome[] = []
    try {
      await outer?.saveNow()
      this.#active.set(connectionId, context)
      await this.#options.application(this.#scope(connection, context), message, this.#send(connection, outcomes))
      await this.#outboxes.get(connectionId)?.settled()
    } catch (error) {
      if (error instanceof StopConsumer) {
        await this.end(connectionId, connectedAt, 1000)
        return 'delivered'
      }
      await this.reportFailure(error, { connectionId, context, message })
      await this.end(connectionId, connectedAt, 1011)
      return 'failed'
    } finally {
      if (outer) this.#active.set(connectionId, outer)
      else this.#active.delete(connectionId)
    }
    return worst(outcomes)
  }

  #send({ connectionId, connectedAt }: KnownConnection, outcomes: Outcome[]): Send {
    const outbox = this.outbox(connectionId, connectedAt)
    return async (message) => {
      const step = messageOfSend(message)
      if (step.kind === 'accept') {
        throw new ProtocolError('accept() outside connect(): the handshake is over once $connect has returned. Call accept() in connect()')
      }
      for (const frame of step.frames) outcomes.push(await outbox.send(frame))
      if (step.kind === 'close') await outbox.close()
    }
  }

  /** A connection proved dead: its record and memberships go, and `disconnect()` runs once this invocation's work is done. */
  async #bury(connectionId: string): Promise<void> {
    this.runtime.scopes.delete(connectionId)
    this.count('goneConnection')
    const record = await this.#remove(connectionId)
    if (record) this.#departed.push(record)
  }

  async #remove(connectionId: string): Promise<ConnectionRecord | undefined> {
    try {
      return await this.runtime.store.remove(connectionId)
    } catch (error) {
      // The next sender, or the time to live, finishes it.
      this.runtime.logger.error('clean-up of a connection failed', { channelName: connectionId, error })
      this.count('cleanUpFailed')
      return undefined
    }
  }

  async #discard(group: string, connectionId: string): Promise<void> {
    try {
      await this.runtime.store.groupDiscard(group, connectionId)
    } catch (error) {
      this.runtime.logger.error('clean-up of a membership failed', { channelName: connectionId, group, error })
      this.count('cleanUpFailed')
    }
  }

  async #isKnownToGateway(connectionId: string): Promise<boolean> {
    try {
      await this.poster.get(connectionId)
      return true
    } catch (error) {
      if (error instanceof ConnectionGoneError) return false
      // Throttled or unreachable: posting finds out, and defers.
      return true
    }
  }

  #logDeliveryFailure(connectionId: string, error: unknown): void {
    this.runtime.logger.error('a frame could not be delivered', { channelName: connectionId, error })
    this.count('frameFailed')
  }
}

const SEVERITY: readonly Outcome[] = ['delivered', 'deferred', 'gone', 'failed']

function worst(outcomes: readonly Outcome[]): Outcome {
  return outcomes.reduce((left, right) => (SEVERITY.indexOf(right) > SEVERITY.indexOf(left) ? right : left), 'delivered')
}
