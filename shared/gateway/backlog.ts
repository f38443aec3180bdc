import type { DeliveryTask } from '../stores/delivery-queue.ts'
import { framesTask } from './deferred-tasks.ts'
import type { Outbox } from './outbox.ts'
import type { Runtime } from './runtime.ts'

/** What a {@link Backlog} is made of. */
export interface BacklogOptions {
  readonly runtime: Runtime
  /** Puts tasks into the delivery queue. */
  readonly enqueue: (tasks: readonly DeliveryTask[]) => Promise<void>
  /** Ends the time of the invocation. */
  readonly signal: AbortSignal | undefined
  /** Resolves when the posts under way have ended, or will not. */
  readonly posted: () => Promise<unknown>
}

/** What one invocation leaves for the delivery queue. */
export class Backlog {
  readonly #options: BacklogOptions
  readonly #tasks: DeliveryTask[] = []
  readonly #outboxes = new Map<string, { readonly outbox: Outbox; readonly connectedAt: number }>()
  #early: Promise<void> = Promise.resolve()
  #isFinished = false

  constructor(options: BacklogOptions) {
    this.#options = options
  }

  add(task: DeliveryTask): void {
    this.#tasks.push(task)
    if (this.#isFinished) void this.#handOverLate()
  }

  /** Adds what waits in an outbox, and what will. */
  addOutbox(outbox: Outbox, of: { readonly connectionId: string; readonly connectedAt: number }): void {
    this.#outboxes.set(of.connectionId, { outbox, connectedAt: of.connectedAt })
    if (this.#isFinished) void this.#handOverLate()
  }

  /**
   * From now on what waits goes into the queue when the time is up, while a handler, or a call of it, still runs: Lambda
   * may end the process before the handler ends.
   */
  watchDeadline(): void {
    this.#options.signal?.addEventListener('abort', this.#onDeadline, { once: true })
  }

  /**
   * Everything is in the queue when it resolves, once. What a handler that was left alone adds from then on goes there at
   * once, if the process lives on.
   */
  async finish(): Promise<void> {
    this.#options.signal?.removeEventListener('abort', this.#onDeadline)
    const [early] = await Promise.allSettled([this.#early])
    this.#isFinished = true
    await this.#handOver()
    if (early.status === 'rejected') throw early.reason
  }

  readonly #onDeadline = (): void => {
    this.#early = this.#options.posted().then(() => this.#handOver())
    this.#early.catch((error: unknown) => this.#report(error))
  }

  async #handOverLate(): Promise<void> {
    try {
      await this.#handOver()
    } catch (error) {
      this.#report(error)
    }
  }

  #report(error: unknown): void {
    this.#options.runtime.logger.error('what waits could not be put into the queue', { error })
  }

  async #handOver(): Promise<void> {
    const tasks = this.#tasks.splice(0)
    for (const [connectionId, { outbox, connectedAt }] of this.#outboxes)
      tasks.push(framesTask({ connectionId, connectedAt, ...outbox.takeDeferred() }))
    this.#outboxes.clear()
    if (tasks.length > 0) await this.#options.enqueue(tasks)
  }
}
