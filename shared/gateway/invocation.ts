import type { Application, Send, WebsocketScope } from '../application.ts'
import { ProtocolError, StoreError } from '../errors.ts'
import { BaseChannelLayer } from '../layers/base-channel-layer.ts'
import type { DeferReason, Delivery, GroupPayload, Outcome, Remainder } from '../layers/delivery.ts'
import type { Message } from '../message.ts'
import { StopConsumer } from '../signals.ts'
import type { ConnectionRecord, GroupMember } from '../stores/channel-store.ts'
import type { DeliveryTask } from '../stores/delivery-queue.ts'
import { removeConnection, removeMembership } from './clean-up.ts'
import { ConnectionContext } from './connection-context.ts'
import { Deadline, type LambdaContext } from './deadline.ts'
import { deferredTasks } from './deferred-tasks.ts'
import { Outbox } from './outbox.ts'
import { PendingWork } from './pending-work.ts'
import { messageOfSend } from './protocol.ts'
import type { Poster } from './poster.ts'
import { reportFailure } from './report-failure.ts'
import type { Runtime } from './runtime.ts'
import type { KnownConnection } from './scope-cache.ts'
import { ClosedStore } from './store-views.ts'
import { websocketScope, type StoredScope } from './websocket-scope.ts'

/** What an {@link Invocation} is made of. */
export interface InvocationOptions {
  readonly runtime: Runtime
  readonly application: Application<WebsocketScope>
  readonly endpoint: string
  readonly context: LambdaContext | undefined
  /** How often the tasks at hand were put into the delivery queue before. */
  readonly attempt?: number
}

/** Options of {@link Invocation.enqueue}. */
export interface EnqueueTasksOptions {
  readonly delaySeconds?: number
  /** Whether the tasks count as tried once more. */
  readonly isAttempt?: boolean
}

/** One connection's `$connect` while it runs. */
export interface Opening {
  readonly connectionId: string
  /** Takes what is sent to the connection meanwhile: it waits until `connect()` is done. */
  hold(payload: GroupPayload): void
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
  readonly #deadline: Deadline
  readonly #outboxes = new Map<string, Outbox>()
  readonly #deferred = new Map<string, { readonly outbox: Outbox; readonly connectedAt: number }>()
  readonly #tasks: DeliveryTask[] = []
  readonly #records = new Map<string, ConnectionRecord>()
  readonly #active = new Map<string, ConnectionContext>()
  readonly #departed: ConnectionRecord[] = []
  readonly #pending = new PendingWork()

  constructor(options: InvocationOptions) {
    this.#options = options
    this.runtime = options.runtime
    this.poster = options.runtime.poster(options.endpoint)
    this.#deadline = new Deadline(options.context)
    this.layer = new BaseChannelLayer({ store: options.runtime.store, delivery: this })
  }

  /** Handles `message` in the consumer of a connection that is open. Undefined if it has no record. */
  async handle(connectionId: string, message: Message): Promise<Outcome | undefined> {
    const connection = await this.#find(connectionId)
    return connection && this.#run(connection, message)
  }

  async event(connectionId: string, event: Message): Promise<Outcome> {
    if (this.#isHeld(connectionId, { event })) return 'deferred'
    const outcome = await this.handle(connectionId, event)
    if (outcome !== undefined) return outcome
    this.count('messageWithoutRecord')
    return 'gone'
  }

  async toMember(group: string, member: GroupMember, payload: GroupPayload): Promise<Outcome> {
    const isHeld = this.#isHeld(member.connectionId, payload)
    const outcome = isHeld ? 'deferred' : await this.#toMember(member, payload)
    // Its record may be gone while this membership is left: a `groupAdd` that raced its end.
    if (outcome === 'gone') await removeMembership(this.runtime, group, member.connectionId)
    this.count(outcome)
    return outcome
  }

  async prepare(members: readonly GroupMember[]): Promise<void> {
    const missing = members
      .map(({ connectionId }) => connectionId)
      .filter(
        (id) =>
          this.runtime.scopes.get(id)?.usesState !== false &&
          !this.#records.has(id) &&
          // One of its handlers is running: what that has changed is saved before the record is read.
          !this.#active.has(id) &&
          id !== this.opening?.connectionId,
      )
    if (missing.length === 0) return
    try {
      for (const [id, record] of await this.runtime.store.loadMany(missing)) this.#records.set(id, record)
    } catch (error) {
      if (!(error instanceof StoreError)) throw error
      // Each member is loaded on its own then, or waits in the queue.
      this.runtime.logger.warn('records could not be fetched together', { members: missing.length, error })
    }
  }

  track<T>(work: Promise<T>): Promise<T> {
    return this.#pending.track(work)
  }

  isOutOfTime(): boolean {
    return this.#deadline.isOver
  }

  async defer({ payload, ...rest }: Remainder, { hasProgressed, failure }: DeferReason): Promise<void> {
    const { logger } = this.runtime
    if (failure)
      logger.warn('the rest of a group send waits in the delivery queue', { ...rest, error: failure })
    else logger.info('the rest of a group send waits in the delivery queue: time is up', rest)
    await this.enqueue([{ kind: 'group', ...rest, ...payload }], { isAttempt: !hasProgressed })
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
      signal: this.#deadline.signal,
      isOpening: () => this.isYoung(connectedAt),
      onDeferred: () => this.#deferred.set(connectionId, { outbox, connectedAt }),
      onGone: () => this.#bury(connectionId),
      onLate: () => this.count('sendAfterClose'),
      onFailed: (error) => this.#logDeliveryFailure(connectionId, error),
    })
    this.#outboxes.set(connectionId, outbox)
    return outbox
  }

  /** Whether a 410 does not prove a connection of this age dead. */
  isYoung(connectedAt: number): boolean {
    return this.runtime.clock.now() - connectedAt < this.runtime.openingGraceMs
  }

  /** Puts deliveries into the queue right away. */
  async enqueue(
    tasks: readonly DeliveryTask[],
    { delaySeconds = 0, isAttempt = true }: EnqueueTasksOptions = {},
  ): Promise<void> {
    const { endpoint, attempt = 0 } = this.#options
    const deliveries = tasks.map((task) => ({
      task,
      endpoint,
      attempt: isAttempt ? attempt + 1 : 1,
    }))
    await this.runtime.queue.enqueue(deliveries, { delaySeconds })
  }

  /** Ends the connection as if it had been lost: `disconnect()` runs, record and memberships go, the socket is closed. */
  async end(connectionId: string, connectedAt: number, code: number): Promise<void> {
    const record = await removeConnection(this.runtime, connectionId)
    if (record) await this.disconnect(record, { code, reason: '' })
    await this.outbox(connectionId, connectedAt).close()
  }

  /** Runs `disconnect()` of a connection whose record has just been removed. Never rejects. */
  async disconnect(
    record: ConnectionRecord,
    { code, reason }: { readonly code: number; readonly reason: string },
  ): Promise<void> {
    const connection = this.#known(record)
    const message: Message = { type: 'websocket.disconnect', code, reason }
    const { runtime } = this
    const store = new ClosedStore(runtime.store, record)
    const layer = new BaseChannelLayer({ store, delivery: this })
    const context = new ConnectionContext({ runtime, connection, store, layer, record })
    const send: Send = async (sent) => {
      this.count('sendAfterDisconnect')
      this.runtime.logger.debug('nothing can be sent to a connection that has ended', {
        channelName: record.connectionId,
        type: sent.type,
      })
    }
    try {
      await this.#options.application(this.#scope(connection, context), message, send)
    } catch (error) {
      if (!(error instanceof StopConsumer))
        await reportFailure(runtime, error, { connectionId: record.connectionId, context, message })
    }
  }

  /**
   * Resolves when everything that handlers have begun is done, awaited or not, and `disconnect()` has run for all that
   * were found dead by it.
   */
  async settle(): Promise<void> {
    for (;;) {
      await this.#pending.done()
      for (const outbox of this.#outboxes.values()) await outbox.settled()
      const departed = this.#departed.splice(0)
      if (departed.length === 0 && this.#pending.isDone) return
      for (const record of departed) {
        await this.disconnect(record, { code: 1006, reason: 'Connection Closed Abnormally' })
      }
    }
  }

  /** Everything that was sent is posted or in the queue when it resolves. Call it once, at the end. */
  async finish(): Promise<void> {
    await this.settle()
    for (const [connectionId, { outbox, connectedAt }] of this.#deferred) {
      this.#tasks.push(...deferredTasks({ connectionId, connectedAt, ...outbox.deferred }))
    }
    if (this.#tasks.length > 0) await this.enqueue(this.#tasks, { delaySeconds: this.#delaySeconds })
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

  #isHeld(connectionId: string, payload: GroupPayload): boolean {
    if (this.opening?.connectionId !== connectionId) return false
    this.opening.hold(payload)
    return true
  }

  async #toMember(member: GroupMember, payload: GroupPayload): Promise<Outcome> {
    if ('frame' in payload) return this.outbox(member.connectionId, member.connectedAt).send(payload.frame)
    try {
      const outcome = await this.handle(member.connectionId, payload.event)
      if (outcome !== undefined) return outcome
    } catch (error) {
      if (!(error instanceof StoreError)) throw error
      // Its record could not be read: the member waits in the queue instead of missing the event.
      this.runtime.logger.warn('an event waits in the delivery queue', {
        channelName: member.connectionId,
        error,
      })
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
      await this.#options.application(
        this.#scope(connection, context),
        message,
        this.#send(connection, outcomes),
      )
      await this.#outboxes.get(connectionId)?.settled()
    } catch (error) {
      if (error instanceof StopConsumer) {
        await this.end(connectionId, connectedAt, 1000)
        return 'delivered'
      }
      await reportFailure(runtime, error, { connectionId, context, message })
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
        throw new ProtocolError(
          'accept() outside connect(): the handshake is over once $connect has returned. Call accept() in connect()',
        )
      }
      for (const frame of step.frames) outcomes.push(await outbox.send(frame))
      if (step.kind === 'close') await outbox.close()
    }
  }

  /** A connection proved dead: its record and memberships go, and `disconnect()` runs once this invocation's work is done. */
  async #bury(connectionId: string): Promise<void> {
    this.count('goneConnection')
    const record = await removeConnection(this.runtime, connectionId)
    if (record) this.#departed.push(record)
  }

  #logDeliveryFailure(connectionId: string, error: unknown): void {
    this.runtime.logger.error('a frame could not be delivered', { channelName: connectionId, error })
    this.count('frameFailed')
  }
}

const SEVERITY: readonly Outcome[] = ['delivered', 'deferred', 'gone', 'failed']

function worst(outcomes: readonly Outcome[]): Outcome {
  return outcomes.reduce(
    (left, right) => (SEVERITY.indexOf(right) > SEVERITY.indexOf(left) ? right : left),
    'delivered',
  )
}
