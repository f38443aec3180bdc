import { ConfigurationError } from '../shared/errors.ts'
import type { LambdaFunction } from './lambda-function.ts'
import { type DeadLetter, LocalQueue, type LocalQueueOptions } from './local-queue.ts'

/** Name of the delivery queue. */
export const DELIVERY = 'delivery'

/** Name of the queue of `ordering: 'serial'`. */
const SERIAL = 'serial.fifo'

/** What the queues need. */
export interface LocalQueuesOptions extends Omit<LocalQueueOptions, 'name' | 'target'> {
  /** Receives the delivery queue's batches. */
  readonly delivery: LambdaFunction | undefined
  /** Receives the batches of the serial queue, if there is to be one. */
  readonly serial: LambdaFunction | undefined
  /** The functions of workers, by the name of the queue whose batches they receive. */
  readonly workers: Readonly<Record<string, LambdaFunction>>
}

/** All queues of a gateway: the delivery queue, the serial queue, and those of workers. */
export class LocalQueues {
  readonly delivery: LocalQueue
  /** What API Gateway puts frames into, if it is to keep their order. */
  readonly serial: LocalQueue | undefined
  readonly #byName: ReadonlyMap<string, LocalQueue>

  /** @throws {@link ConfigurationError} if a worker's queue is called "delivery", or a name is none of SQS */
  constructor({ delivery, serial, workers, ...rest }: LocalQueuesOptions) {
    this.delivery = new LocalQueue({ ...rest, name: DELIVERY, target: delivery })
    this.serial = serial && new LocalQueue({ ...rest, name: SERIAL, target: serial })
    const queues = Object.entries(workers).map(
      ([name, target]) => [name, new LocalQueue({ ...rest, name: requireQueueName(name), target })] as const,
    )
    const own = [this.delivery, this.serial].filter((queue) => queue !== undefined)
    this.#byName = new Map([...own.map((queue) => [queue.name, queue] as const), ...queues])
  }

  get names(): readonly string[] {
    return [...this.#byName.keys()]
  }

  /** Messages of all queues that failed for good. */
  get deadLetters(): readonly DeadLetter[] {
    return this.#all().flatMap((queue) => queue.deadLetters)
  }

  find(name: string): LocalQueue | undefined {
    return this.#byName.get(name)
  }

  /** @throws {@link ConfigurationError} if there is no such queue */
  require(name: string): LocalQueue {
    const queue = this.find(name)
    if (queue) return queue
    throw new ConfigurationError(
      `there is no queue "${name}": this gateway has ${this.names.map((known) => `"${known}"`).join(', ')}; add it to functions.workers`,
    )
  }

  /** Resolves when all are empty and nothing of them is being worked on, as {@link LocalQueue.drained} says. */
  async drained(): Promise<void> {
    await Promise.all(this.#all().map((queue) => queue.drained()))
  }

  /** Stops all but the serial queue, into which connections that are still open put their ends. */
  close(): void {
    for (const queue of this.#all()) if (queue !== this.serial) queue.close()
  }

  #all(): readonly LocalQueue[] {
    return [...this.#byName.values()]
  }
}

function requireQueueName(name: string): string {
  if (name !== DELIVERY && /^[\w-]{1,80}$/.test(name)) return name
  const problem = name === DELIVERY ? 'which is the delivery queue' : 'which SQS does not take as a name'
  throw new ConfigurationError(
    `a queue of functions.workers is called ${JSON.stringify(name)}, ${problem}: use 1 to 80 letters, digits, "-" and "_", other than "${DELIVERY}"`,
  )
}
