import type { Clock } from '../shared/clock.ts'
import { queueJson } from '../shared/codec.ts'
import type { LambdaContext } from '../shared/gateway/deadline.ts'
import type { DeliveryHandler } from '../shared/gateway/delivery-handler.ts'
import type {
  DeliveryQueue,
  DeliveryTask,
  EnqueueOptions,
  QueuedDelivery,
} from '../shared/stores/delivery-queue.ts'

const MAX_BATCH = 10
const VISIBILITY_MS = 60_000
const MAX_RECEIVES = 3

interface QueuedMessage {
  readonly messageId: string
  readonly body: string
  receives: number
}

/** What a {@link WorkerQueue} is made with. */
export interface WorkerQueueOptions {
  readonly clock: Clock
  /** From a call to the queue until it is done, and from a message in the queue to an invocation, in milliseconds. */
  readonly latencyMs: number
  /** The time-out of the function, in milliseconds. */
  readonly timeoutMs: number
}

/**
 * SQS and its event source mapping: batches of at most ten for as many workers as there are handlers, each of which
 * takes the next batch when it has answered; delays, and redelivery of what failed.
 */
export class WorkerQueue implements DeliveryQueue {
  /** Messages that failed each time they were handed out. */
  deadLetters = 0
  /** How often a range was cut out of a range, at most. */
  deepest = 0
  readonly #options: WorkerQueueOptions
  readonly #tasks = new Map<DeliveryTask['kind'], number>()
  readonly #idle: DeliveryHandler[] = []
  readonly #ranges: { readonly after: string; readonly upTo: string; readonly depth: number }[] = []
  #visible: QueuedMessage[] = []
  #messages = 0
  #unfinished = 0
  #drained: () => void = () => {}

  constructor(options: WorkerQueueOptions) {
    this.#options = options
  }

  /** How many tasks of this kind were put into it. */
  tasks(kind: DeliveryTask['kind']): number {
    return this.#tasks.get(kind) ?? 0
  }

  /** Adds a worker. */
  connect(handler: DeliveryHandler): void {
    this.#idle.push(handler)
  }

  async enqueue(deliveries: readonly QueuedDelivery[], options: EnqueueOptions = {}): Promise<void> {
    const { clock, latencyMs } = this.#options
    await clock.sleep(latencyMs * Math.ceil(deliveries.length / MAX_BATCH))
    for (const delivery of deliveries) {
      this.#note(delivery)
      this.#unfinished += 1
      const message = { messageId: `m${this.#messages++}`, body: queueJson(delivery), receives: 0 }
      void this.#show(message, latencyMs + (options.delaySeconds ?? 0) * 1000)
    }
  }

  /** Resolves when the queue is empty, and nothing of it is being worked on. */
  async drained(): Promise<void> {
    if (this.#unfinished === 0) return
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#drained = resolve
    await promise
  }

  #note({ task }: QueuedDelivery): void {
    this.#tasks.set(task.kind, this.tasks(task.kind) + 1)
    if (task.kind !== 'group') return
    const { after = '', upTo = 'g' } = task
    const outer = this.#ranges.filter((range) => range.after <= after && range.upTo >= upTo)
    const depth = 1 + Math.max(0, ...outer.map((range) => range.depth))
    this.#ranges.push({ after, upTo, depth })
    this.deepest = Math.max(this.deepest, depth)
  }

  async #show(message: QueuedMessage, ms: number): Promise<void> {
    await this.#options.clock.sleep(ms)
    this.#visible.push(message)
    this.#startWorkers()
  }

  #startWorkers(): void {
    while (this.#visible.length > 0) {
      const handler = this.#idle.shift()
      if (handler === undefined) return
      void this.#work(handler, this.#visible.splice(0, MAX_BATCH))
    }
  }

  async #work(handler: DeliveryHandler, batch: readonly QueuedMessage[]): Promise<void> {
    const { clock, timeoutMs } = this.#options
    const end = clock.now() + timeoutMs
    const context: LambdaContext = { getRemainingTimeInMillis: () => end - clock.now() }
    const { batchItemFailures } = await handler({ Records: batch }, context)
    const failed = new Set(batchItemFailures.map(({ itemIdentifier }) => itemIdentifier))
    for (const message of batch) {
      if (!failed.has(message.messageId)) this.#unfinished -= 1
      else this.#fail(message)
    }
    this.#idle.push(handler)
    this.#startWorkers()
    if (this.#unfinished === 0) this.#drained()
  }

  #fail(message: QueuedMessage): void {
    message.receives += 1
    if (message.receives < MAX_RECEIVES) {
      void this.#show(message, VISIBILITY_MS)
      return
    }
    this.#unfinished -= 1
    this.deadLetters += 1
  }
}
