import { randomUUID } from 'node:crypto'
import { ConfigurationError, NotSupportedError, UnknownChannelError } from '../errors.ts'
import { MAX_DELAY_SECONDS } from '../limits.ts'
import type { Message } from '../message.ts'
import { canBeWorkerChannel } from '../names.ts'
import type { WorkerQueue } from '../stores/worker-queue.ts'
import { EVERY_OTHER_CHANNEL, type WorkerChannels } from '../worker-channels.ts'

/** The queues of worker channels: by channel, and under `*` the one for all that are not named. */
export class WorkerQueues {
  readonly #queues: ReadonlyMap<string, WorkerQueue>

  constructor(queues: Readonly<Record<string, WorkerQueue>> = {}) {
    // A Map, since a channel called "constructor" must not find anything.
    this.#queues = new Map(Object.entries(queues))
  }

  /** The channels that have a queue of their own. */
  get names(): readonly string[] {
    return [...this.#queues.keys()].filter((name) => name !== EVERY_OTHER_CHANNEL)
  }

  /**
   * The queue of the worker channel `name`; `undefined` if it is none.
   *
   * @param routed - the worker channels of the application, where it is known: these need a queue
   * @throws {@link ConfigurationError} if the application serves `name`, and there is no queue for it
   */
  find(name: string, routed?: WorkerChannels): WorkerQueue | undefined {
    const own = this.#queues.get(name)
    const isWorker = routed?.has(name) ?? canBeWorkerChannel(name)
    if (own !== undefined || !isWorker) return own
    const queue = this.#queues.get(EVERY_OTHER_CHANNEL)
    if (queue !== undefined || routed === undefined) return queue
    throw new ConfigurationError(
      `worker channel "${name}" has no queue: this runtime has ${this.#known()}; add "${name}" to the workers of the Runtime, which functions/ reads from CHANNELS_WORKER_QUEUES, or "*" for all channels`,
    )
  }

  #known(): string {
    if (this.#queues.size === 0) return 'none at all'
    return `queues for ${[...this.#queues.keys()].map((name) => `"${name}"`).join(', ')}`
  }
}

/** One message for a worker channel, and when. */
export interface JobToPut {
  readonly channel: string
  readonly message: Message
  readonly delaySeconds: number
}

/**
 * Puts one job into `queue`.
 *
 * @throws {@link NotSupportedError} if a queue cannot keep it back for so long
 */
export async function enqueueJob(
  queue: WorkerQueue,
  { channel, message, delaySeconds }: JobToPut,
): Promise<void> {
  if (!Number.isInteger(delaySeconds) || delaySeconds < 0 || delaySeconds > MAX_DELAY_SECONDS) {
    throw new NotSupportedError(
      `cannot send to worker channel "${channel}" with delaySeconds ${String(delaySeconds)}: a queue keeps a message back for 0 to ${MAX_DELAY_SECONDS} whole seconds; for later, let the job send itself on, or use a scheduler`,
    )
  }
  await queue.enqueue([{ id: randomUUID(), channel, message }], { delaySeconds })
}

/** The failure of a delay for what is no worker channel. */
export function noDelay(channelName: string): NotSupportedError {
  return new NotSupportedError(
    `cannot send to "${channelName}" with delaySeconds: it is no worker channel here, and only their queues keep messages back; send to a worker, which sends on`,
  )
}

/** The failure of a send to what is neither a worker channel nor, by its name, a connection. */
export function noSuchChannel(channelName: string, workers: readonly string[]): UnknownChannelError {
  const names = workers.map((name) => `"${name}"`).join(', ')
  return new UnknownChannelError(
    `there is no channel "${channelName}": it is no connection, and ${names === '' ? 'no worker channels are known here' : `the worker channels are ${names}`}; correct the name, or add it to ChannelNameRouter`,
  )
}
