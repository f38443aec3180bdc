import type { Application, WebsocketScope } from '../../shared/application.ts'
import { MemoryChannelStore } from '../../shared/backends/memory/memory-channel-store.ts'
import { MemoryDeliveryQueue } from '../../shared/backends/memory/memory-delivery-queue.ts'
import { MemoryWorkerQueue } from '../../shared/backends/memory/memory-worker-queue.ts'
import type { Clock } from '../../shared/clock.ts'
import type { LambdaContext } from '../../shared/gateway/deadline.ts'
import { createDeliveryHandler } from '../../shared/gateway/delivery-handler.ts'
import type { ProxyResult } from '../../shared/gateway/open-connection.ts'
import type { BatchResult } from '../../shared/gateway/queue-event.ts'
import { type FailureContext, Runtime, type RuntimeOptions } from '../../shared/gateway/runtime.ts'
import { createWebsocketHandler } from '../../shared/gateway/websocket-handler.ts'
import { ManualClock } from '../../shared/testing/manual-clock.ts'
import { FakeLogger, type LogLine } from './fake-connection.ts'
import { observeStore, type ObservedStore } from './observed-store.ts'
import { ScriptedPoster } from './scripted-poster.ts'
import { connectEvent, disconnectEvent, type EventFields, messageEvent } from './websocket-events.ts'

/** What a {@link GatewayWorld} is made with. */
export interface GatewayWorldOptions {
  readonly application: Application<WebsocketScope>
  readonly pageSize?: number
  readonly runtime?: Partial<RuntimeOptions>
}

/** What one invocation is given. */
export interface InvokeOptions extends EventFields {
  readonly context?: LambdaContext
}

/** Longer than a 410 needs to be a proof. */
const GRACE_MS = 31_000

/**
 * The real Lambda handlers over a store and a queue in memory, a poster whose answers are scripted, and a clock that a
 * test turns. One warm container serves until {@link coldStart}.
 */
export class GatewayWorld {
  readonly clock: ManualClock = new ManualClock()
  readonly store: ObservedStore
  readonly queue: MemoryDeliveryQueue = new MemoryDeliveryQueue({ clock: this.clock })
  /** Jobs for all worker channels of the application. */
  readonly jobs: MemoryWorkerQueue = new MemoryWorkerQueue({ clock: this.clock })
  readonly poster: ScriptedPoster = new ScriptedPoster()
  readonly logger: FakeLogger = new FakeLogger()
  readonly counts: Map<string, number> = new Map()
  readonly failures: { readonly error: unknown; readonly context: FailureContext }[] = []
  runtime: Runtime
  readonly #application: Application<WebsocketScope>
  readonly #options: Partial<RuntimeOptions>
  readonly #connectedAt = new Map<string, number>()

  constructor({ application, pageSize, runtime = {} }: GatewayWorldOptions) {
    this.#application = application
    this.#options = runtime
    const clock: Clock = this.clock
    this.store = observeStore(
      new MemoryChannelStore({ clock, ...(pageSize === undefined ? {} : { pageSize }) }),
    )
    this.runtime = this.#makeRuntime()
  }

  /** From now on another container serves. */
  coldStart(): void {
    this.runtime = this.#makeRuntime()
  }

  /** Runs `$connect` and nothing behind it. Until it is over, API Gateway answers 410. */
  async connect(connectionId: string, options: InvokeOptions = {}): Promise<ProxyResult> {
    this.#connectedAt.set(connectionId, this.clock.now())
    this.poster.answer(connectionId, 'gone')
    const result = await this.#invoke(
      connectEvent(connectionId, this.#fields(connectionId, options)),
      options,
    )
    if (result.statusCode === 200) this.poster.answer(connectionId, 'ok')
    return result
  }

  /** Connects, delivers what was held, and lets the grace period pass: a 410 is a proof from then on. */
  async open(...connectionIds: readonly string[]): Promise<void> {
    for (const connectionId of connectionIds) {
      const { statusCode } = await this.connect(connectionId)
      if (statusCode !== 200)
        throw new Error(`the handshake of ${connectionId} was answered with ${statusCode}`)
    }
    await this.deliverAll()
    await this.clock.advance(GRACE_MS)
  }

  receive(connectionId: string, text: string, options: InvokeOptions = {}): Promise<ProxyResult> {
    return this.#invoke(messageEvent(connectionId, text, this.#fields(connectionId, options)), options)
  }

  disconnect(connectionId: string, code: number | null = 1001): Promise<ProxyResult> {
    this.poster.answer(connectionId, 'gone')
    return this.#invoke(disconnectEvent(connectionId, code, this.#fields(connectionId, {})), {})
  }

  /** The client is gone, and API Gateway loses its `$disconnect`. */
  vanish(connectionId: string): void {
    this.poster.answer(connectionId, 'gone')
  }

  /** Runs the delivery handler once, on all that waits. */
  deliver(context?: LambdaContext): Promise<BatchResult> {
    return createDeliveryHandler(this.#application, this.runtime)(this.queue.take(), context)
  }

  /** Runs the delivery handler on these messages. */
  deliverBodies(...bodies: readonly string[]): Promise<BatchResult> {
    const records = bodies.map((body, index) => ({ messageId: `m${index}`, body }))
    return createDeliveryHandler(this.#application, this.runtime)({ Records: records })
  }

  /** Runs the delivery handler until nothing waits. */
  async deliverAll(makeContext: () => LambdaContext | undefined = () => undefined): Promise<void> {
    for (let round = 0; this.queue.size > 0; round++) {
      if (round > 50) throw new Error('the delivery queue does not become empty')
      await this.deliver(makeContext())
    }
  }

  /** Turns the clock until `work` is done. */
  async turnUntil<T>(work: Promise<T>): Promise<T> {
    const pending = Symbol('pending')
    for (let turns = 0; turns < 1_000; turns++) {
      const state = await Promise.race([work, Promise.resolve(pending)])
      if (state !== pending) return work
      await this.clock.advance(100)
    }
    throw new Error('the clock does not help: the work does not end')
  }

  frames(connectionId: string): readonly string[] {
    return this.poster.frames(connectionId)
  }

  count(name: string): number {
    return this.counts.get(name) ?? 0
  }

  /** Lines of `level` that were logged. */
  logged(level: LogLine['level']): readonly LogLine[] {
    return this.logger.lines.filter((line) => line.level === level)
  }

  /** Connection ids in `group`. */
  async members(group: string): Promise<readonly string[]> {
    const ids: string[] = []
    let after: string | undefined
    do {
      const page = await this.store.members(group, after === undefined ? {} : { after })
      ids.push(...page.members.map(({ connectionId }) => connectionId))
      after = page.next
    } while (after !== undefined)
    return ids.toSorted()
  }

  #invoke(event: object, { context }: InvokeOptions): Promise<ProxyResult> {
    return createWebsocketHandler(this.#application, this.runtime)(event, context)
  }

  #fields(connectionId: string, options: InvokeOptions): EventFields {
    return { connectedAt: this.#connectedAt.get(connectionId) ?? this.clock.now(), ...options }
  }

  #makeRuntime(): Runtime {
    return new Runtime({
      store: this.store,
      queue: this.queue,
      workers: { '*': this.jobs },
      createPoster: () => this.poster,
      region: 'eu-west-1',
      logger: this.logger,
      clock: this.clock,
      isDevelopment: true,
      metrics: { count: (name, value) => void this.counts.set(name, this.count(name) + value) },
      onError: (error, context) => void this.failures.push({ error, context }),
      ...this.#options,
    })
  }
}
