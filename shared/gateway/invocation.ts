import type { Application, WebsocketScope } from '../application.ts'
import { StoreError } from '../errors.ts'
import { type Delivery, type GroupPayload, type Outcome, RECORD_WAIT_SECONDS } from '../layers/delivery.ts'
import type { Message } from '../message.ts'
import { StopConsumer } from '../signals.ts'
import type { ChannelStore, ConnectionRecord, GroupMember } from '../stores/channel-store.ts'
import type { DeliveryTask } from '../stores/delivery-queue.ts'
import { ActiveEvents } from './active-events.ts'
import { Backlog } from './backlog.ts'
import { removeConnection } from './clean-up.ts'
import { ConnectionContext } from './connection-context.ts'
import { endMember, isOver } from './connection-end.ts'
import { ABORT_MS, Deadline, GRACE_MS, type LambdaContext } from './deadline.ts'
import { delaySecondsOf } from './deferred-tasks.ts'
import { Departures } from './departures.ts'
import { KnownConnections, knownBy } from './known-connections.ts'
import { LayerDelivery } from './layer-delivery.ts'
import type { Outbox } from './outbox.ts'
import { Outboxes } from './outboxes.ts'
import { closeEnvelope } from './protocol.ts'
import { PendingWork } from './pending-work.ts'
import type { Poster } from './poster.ts'
import { reportFailure, reportUndelivered } from './report-failure.ts'
import type { Runtime } from './runtime.ts'
import type { KnownConnection } from './scope-cache.ts'
import { sendNowhere, sendThrough, worst } from './send-through.ts'
import { type EventPlace, ServerContext } from './server-context.ts'
import { ClosedStore, JoinWatch } from './store-views.ts'
import { websocketScope } from './websocket-scope.ts'

/** What an {@link Invocation} is made of. */
export interface InvocationOptions {
  readonly runtime: Runtime
  readonly application: Application<WebsocketScope>
  readonly endpoint: string
  readonly context: LambdaContext | undefined
  /** How often the tasks at hand were put into the delivery queue before. */
  readonly attempt?: number
  /** The connection whose frames, and whose `$disconnect` behind them, come through the serial queue. */
  readonly inOrder?: string | undefined
}

/** Options of {@link Invocation.enqueue}. */
export interface EnqueueTasksOptions {
  readonly delaySeconds?: number
  /** How often the tasks count as tried; by default once more than those at hand. */
  readonly attempt?: number
}

/** One connection's `$connect` while it runs. */
export interface Opening {
  readonly connectionId: string
  /** Takes what is sent to the connection meanwhile: it waits until `connect()` is done. */
  hold(payload: GroupPayload): void
  /** Called when work that one of its handlers did not await has failed, and was reported: the handshake has failed. */
  fail(): void
}

/**
 * One Lambda invocation: handles events for any number of connections, and ends with everything posted, put
 * into the delivery queue, or logged and counted as failed.
 */
export class Invocation {
  readonly runtime: Runtime
  readonly application: Application<WebsocketScope>
  readonly poster: Poster
  opening: Opening | undefined
  readonly #options: InvocationOptions
  readonly #deadline: Deadline
  readonly #outboxes: Outboxes
  readonly #backlog: Backlog
  readonly #known: KnownConnections
  readonly #active = new ActiveEvents()
  readonly #departures: Departures = new Departures(this)
  readonly pending: PendingWork<ServerContext> = new PendingWork()

  constructor(options: InvocationOptions) {
    this.#options = options
    this.runtime = options.runtime
    this.application = options.application
    this.#known = new KnownConnections(options.runtime)
    this.poster = options.runtime.poster(options.endpoint)
    this.#deadline = new Deadline(options.context)
    this.#backlog = new Backlog({
      runtime: options.runtime,
      enqueue: (tasks) => this.enqueue(tasks, { delaySeconds: delaySecondsOf(options.attempt ?? 0) }),
      signal: this.#deadline.signal,
      posted: () => this.#deadline.orElse(this.#outboxes.allSettled(), () => {}, ABORT_MS),
    })
    this.#outboxes = new Outboxes(this, { backlog: this.#backlog, departures: this.#departures })
    // What came from the queue is delivered again when its invocation ends early; all else would be lost.
    if (options.attempt === undefined) this.#backlog.watchDeadline()
  }

  /** The store of the layer under `alias`; what is joined there in vain is counted. */
  storeOf(alias: string): ChannelStore {
    return new JoinWatch(this.runtime.storeOf(alias), this.runtime)
  }

  /** How the layer under `alias` reaches connections, for a group send that was tried `attempt` times before. */
  deliveryOf(alias: string, attempt = 0): Delivery {
    return new LayerDelivery(this, { alias, attempt })
  }

  /** What is lent to the application for `message`, which is of no connection. */
  contextOf(message: Message, place: EventPlace): ServerContext {
    const storeOf = (alias: string): ChannelStore => this.storeOf(alias)
    return new ServerContext({ runtime: this.runtime, invocation: this, message, place, storeOf })
  }

  /** Handles `message` in the consumer of a connection that is open. Undefined if it has no record. */
  async handle(connectionId: string, message: Message): Promise<Outcome | undefined> {
    const connection = await this.#known.find(connectionId)
    return connection && this.#run(connection, message)
  }

  /**
   * As {@link handle}, or later, from the queue. Never rejects because of the connection.
   *
   * @param isSecondTry - whether the event has waited for a record already
   */
  async event(connectionId: string, event: Message, isSecondTry = false): Promise<Outcome> {
    if (this.#isHeld(connectionId, { event })) return 'deferred'
    const connectedAt = this.runtime.scopes.get(connectionId)?.connectedAt ?? 0
    const handled = this.#handleOrDefer({ connectionId, connectedAt }, event)
    const outcome = await this.served(connectionId, handled)
    if (outcome !== undefined) return outcome
    if (!isSecondTry) {
      // Its `$connect` may still run: a connection that joins no group has no record until it is accepted. When that
      // began is not known here, hence 0.
      const task: DeliveryTask = { kind: 'event', connectionId, connectedAt: 0, event }
      await this.enqueue([task], { delaySeconds: RECORD_WAIT_SECONDS, attempt: 1 })
      return 'deferred'
    }
    this.count('messageWithoutRecord')
    return 'gone'
  }

  /** Serves one member of a group, now or later. */
  async toMember(member: GroupMember, payload: GroupPayload): Promise<Outcome> {
    if (this.#isHeld(member.connectionId, payload)) return 'deferred'
    const outcome = await this.#toMember(member, payload)
    if (!this.#active.has(member.connectionId)) this.#outboxes.forgetIdle(member.connectionId)
    return outcome
  }

  /** What `work` for one connection comes to: failed, and logged, if it is under way a moment after the time is over. */
  served<T>(connectionId: string, work: Promise<T>): Promise<T | 'failed'> {
    return this.withinGrace<T | 'failed'>(work, () => {
      const handlers = this.#active.describe(connectionId)
      this.#leaveAlone('what was done for a connection', { channelName: connectionId, handlers })
      return 'failed'
    })
  }

  /** As `work`, or what `late` returns or throws a moment after the time is over. */
  withinGrace<T>(work: Promise<T>, late: () => T): Promise<T> {
    return this.#deadline.orElse(work, late, GRACE_MS)
  }

  async prepare(members: readonly GroupMember[]): Promise<void> {
    const ids = members.map(({ connectionId }) => connectionId)
    // While one of its handlers is running, what that has changed is saved before the record is read.
    await this.#known.fetch(ids.filter((id) => !this.#active.has(id) && id !== this.opening?.connectionId))
  }

  inTime<T>(read: Promise<T>): Promise<T> {
    return this.#deadline.bound(read)
  }

  /** Aborts when the time is over. */
  get signal(): AbortSignal | undefined {
    return this.#deadline.signal
  }

  /** Puts a task into the queue when the invocation ends. */
  leave(task: DeliveryTask): void {
    this.#backlog.add(task)
  }

  isOutOfTime(): boolean {
    return this.#deadline.isOver
  }

  count(name: string): void {
    this.runtime.metrics.count(name, 1)
  }

  /** The outbox of one connection: one per invocation, so that its frames keep their order. */
  outbox(connectionId: string, connectedAt: number): Outbox {
    return this.#outboxes.of(connectionId, connectedAt)
  }

  /** Whether a 410 does not prove a connection of this age dead. */
  isYoung(connectedAt: number): boolean {
    return this.runtime.clock.now() - connectedAt < this.runtime.openingGraceMs
  }

  /**
   * Whether the `$disconnect` of this connection has its place behind its frames: a 410 must not run `disconnect()` in
   * front of those that wait. Should it be lost, another sender finds the connection dead, or its record expires.
   */
  servesInOrder(connectionId: string): boolean {
    return this.#options.inOrder === connectionId
  }

  /** Puts deliveries into the queue right away. */
  async enqueue(
    tasks: readonly DeliveryTask[],
    { delaySeconds = 0, attempt = (this.#options.attempt ?? 0) + 1 }: EnqueueTasksOptions = {},
  ): Promise<void> {
    const { endpoint } = this.#options
    const deliveries = tasks.map((task) => {
      const isInOrder = task.kind !== 'group' && this.servesInOrder(task.connectionId)
      return { task, endpoint, attempt, ...(isInOrder ? { isInOrder } : {}) }
    })
    await this.runtime.queue.enqueue(deliveries, { delaySeconds })
  }

  /**
   * Ends the connection as if it had been lost: `disconnect()` runs, record and memberships go, the socket is
   * closed. The client is told a code other than 1000, which API Gateway has no way to say, in a last frame.
   */
  async end(connectionId: string, connectedAt: number, code: number): Promise<void> {
    const record = await removeConnection(this.runtime, connectionId)
    if (record) await this.disconnect(record, { code, reason: '' })
    await this.closeSocket(connectionId, connectedAt, code)
  }

  async closeSocket(connectionId: string, connectedAt: number, code: number): Promise<Outcome> {
    const outbox = this.outbox(connectionId, connectedAt)
    if (code !== 1000) await outbox.send(closeEnvelope(code))
    return outbox.close()
  }

  /** Runs `disconnect()` of a connection whose record has just been removed. Never rejects. */
  async disconnect(
    record: ConnectionRecord,
    { code, reason }: { readonly code: number; readonly reason: string },
  ): Promise<void> {
    this.count('disconnected')
    const connection = knownBy(record)
    const message: Message = { type: 'websocket.disconnect', code, reason }
    const { runtime } = this
    const storeOf = (alias: string): ChannelStore => new ClosedStore(this.storeOf(alias), record)
    const context = new ConnectionContext({ runtime, connection, storeOf, invocation: this, message, record })
    const send = sendNowhere(runtime, record.connectionId)
    try {
      await this.application(this.#scope(connection, context), message, send)
    } catch (error) {
      if (!(error instanceof StopConsumer)) await reportFailure(runtime, error, { context })
    }
  }

  /**
   * Resolves when everything that handlers have begun is done, awaited or not, and `disconnect()` has run for all that
   * were found dead by it, as far as there is time. What does not end is left alone, and logged: to wait until Lambda ends
   * the process would cost what is still to be put into the queue.
   */
  settle(): Promise<void> {
    return this.withinGrace(this.#settle(), () => this.#leaveAlone('work that was begun', {}))
  }

  #leaveAlone(what: string, details: object): void {
    this.runtime.logger.error(`${what} does not end, and is left alone: time is up`, details)
    this.count('unfinished')
  }

  async #settle(): Promise<void> {
    for (;;) {
      await this.pending.done()
      for (const { owner, error } of this.pending.takeLost()) await this.#failLate(owner, error)
      await this.#outboxes.allSettled()
      if (this.#departures.isEmpty && this.pending.isDone) return
      await this.#departures.disconnectAll()
    }
  }

  /** Everything that was sent is posted or in the queue when it resolves. */
  async finish(): Promise<void> {
    await this.settle()
    await this.#backlog.finish()
  }

  #scope(connection: KnownConnection, context: ConnectionContext): WebsocketScope {
    return websocketScope(connection.scope, {
      channelName: connection.connectionId,
      connectedAt: connection.connectedAt,
      connection: context,
    })
  }

  #isHeld(connectionId: string, payload: GroupPayload): boolean {
    if (this.opening?.connectionId !== connectionId) return false
    this.opening.hold(payload)
    return true
  }

  async #toMember(member: GroupMember, payload: GroupPayload): Promise<Outcome> {
    if ('frame' in payload) return this.outbox(member.connectionId, member.connectedAt).send(payload.frame)
    if ('close' in payload) return endMember(member, payload.close, this)
    const outcome = await this.#handleOrDefer(member, payload.event)
    if (outcome !== undefined) return outcome
    if (this.isYoung(member.connectedAt)) return this.#deferEvent(member, payload.event)
    return 'gone'
  }

  /**
   * As {@link handle}; if the record can't be read in time, no handler has run, and the event waits in the queue, or has
   * failed where that is no use.
   */
  async #handleOrDefer(member: GroupMember, event: Message): Promise<Outcome | undefined> {
    try {
      const connection = await this.inTime(this.#known.find(member.connectionId))
      return connection && (await this.#run(connection, event))
    } catch (error) {
      if (!(error instanceof StoreError)) throw error
      if (!error.retryable) {
        reportUndelivered(this.runtime, error, { connectionId: member.connectionId, what: 'event' })
        return 'failed'
      }
      this.runtime.logger.warn('an event waits in the delivery queue', {
        channelName: member.connectionId,
        error,
      })
      return this.#deferEvent(member, event)
    }
  }

  #deferEvent({ connectionId, connectedAt }: GroupMember, event: Message): Outcome {
    this.leave({ kind: 'event', connectionId, connectedAt, event })
    return 'deferred'
  }

  /** Undefined if the connection turns out to have no record. */
  async #run(connection: KnownConnection, message: Message): Promise<Outcome | undefined> {
    const { connectionId, connectedAt } = connection
    if (await isOver(connection, this)) return 'gone'
    const outer = this.#active.of(connectionId)
    const context: ConnectionContext = new ConnectionContext({
      runtime: this.runtime,
      connection,
      storeOf: (alias) => this.storeOf(alias),
      invocation: this,
      message,
      record: this.#known.take(connectionId),
      onSaved: (changes) =>
        this.#active.of(connectionId).forEach((other) => other !== context && other.rebase(changes)),
    })
    const outcomes: Outcome[] = []
    try {
      await Promise.all(outer.map((other) => other.saveNow()))
      this.#active.add(context)
      const send = sendThrough(this.outbox(connectionId, connectedAt), outcomes)
      await this.application(this.#scope(connection, context), message, send)
      await this.#outboxes.settled(connectionId)
    } catch (error) {
      // A store that fails the server before the handler runs proves nothing about the connection.
      if ([context, ...outer].some(({ storeFailure }) => storeFailure === error)) throw error
      if (error instanceof StopConsumer) {
        await this.end(connectionId, connectedAt, 1000)
        return 'delivered'
      }
      await reportFailure(this.runtime, error, { context })
      await this.end(connectionId, connectedAt, 1011)
      return 'failed'
    } finally {
      this.#active.delete(context)
    }
    if (!context.isGone) return worst(outcomes)
    this.runtime.scopes.delete(connectionId)
    return undefined
  }

  /** Ends a handler's connection as an exception of the handler would: work that it did not await has failed. */
  async #failLate(context: ServerContext, error: unknown): Promise<void> {
    context.hasFailedLate = true
    await reportFailure(this.runtime, error, { context, isLate: true })
    if (!(context instanceof ConnectionContext)) return
    const { connectionId, connectedAt, message } = context
    if (this.opening?.connectionId === connectionId) this.opening.fail()
    // What has ended already needs no second end.
    else if (message.type !== 'websocket.disconnect') await this.end(connectionId, connectedAt, 1011)
  }
}
