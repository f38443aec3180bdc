import { ConfigurationError, StoreError } from '../errors.ts'
import type { Logger } from '../logger.ts'
import type { Message } from '../message.ts'
import { canBeWorkerChannel } from '../names.ts'
import type { ChannelStore, GroupMember } from '../stores/channel-store.ts'
import type { DeliveryQueue, DeliveryTask } from '../stores/delivery-queue.ts'
import type { WorkerQueue } from '../stores/worker-queue.ts'
import {
  type DeferReason,
  type Delivery,
  type FanOutLimits,
  type Outcome,
  RECORD_WAIT_SECONDS,
  refusedParts,
  type Remainder,
} from './delivery.ts'
import { noSuchChannel, type WorkerQueues } from './worker-queues.ts'

/** The delivery queue, and which API's connections its tasks are for. */
export interface QueuedDeliveryOptions {
  readonly store: ChannelStore
  readonly queue: DeliveryQueue
  readonly endpoint: string
  /** The layer whose groups these are, as the delivery function knows it; the default one if there is none. */
  readonly alias: string | undefined
  readonly workers: WorkerQueues
  readonly limits: FanOutLimits
  readonly logger: Logger
}

/**
 * Reaches connections from where no application runs: the delivery function, which has it, does everything. Its own time
 * is always over, so a group send hands on the whole group.
 */
export class QueuedDelivery implements Delivery {
  readonly limits: FanOutLimits
  readonly #options: QueuedDeliveryOptions

  constructor(options: QueuedDeliveryOptions) {
    this.#options = options
    this.limits = options.limits
  }

  workerQueueOf(channelName: string): WorkerQueue | undefined {
    return this.#options.workers.find(channelName)
  }

  async event(connectionId: string, event: Message): Promise<Outcome> {
    const record = await this.#options.store.load(connectionId)
    if (record === undefined && canBeWorkerChannel(connectionId))
      throw noSuchChannel(connectionId, this.#options.workers.names)
    const connectedAt = record?.connectedAt ?? 0
    await this.#enqueue(
      [{ kind: 'event', connectionId, connectedAt, event }],
      record ? 0 : RECORD_WAIT_SECONDS,
    )
    return 'deferred'
  }

  toMember(_group: string, member: GroupMember): Promise<Outcome> {
    return Promise.reject(new Error(`member ${member.connectionId} is not served here, for there is no time`))
  }

  async prepare(): Promise<void> {}

  inTime<T>(read: Promise<T>): Promise<T> {
    return read
  }

  async giveAway(parts: readonly Remainder[]): Promise<readonly Remainder[]> {
    try {
      await this.#enqueue(parts.map((part) => this.#task(part)))
      return []
    } catch (error) {
      if (!(error instanceof StoreError)) throw error
      const refused = refusedParts(parts, error)
      this.#options.logger.warn('ranges of a large group are put into the delivery queue once more', {
        group: parts[0]?.group,
        ranges: parts.length,
        refused: refused.length,
        error,
      })
      return refused
    }
  }

  isOutOfTime(): boolean {
    return true
  }

  async defer(remainders: readonly Remainder[], { failure }: DeferReason): Promise<void> {
    if (failure)
      this.#options.logger.warn('a group send goes to the delivery queue unread', {
        group: remainders[0]?.group,
        error: failure,
      })
    await this.#enqueue(remainders.map((remainder) => this.#task(remainder)))
  }

  #task({ payload, ...rest }: Remainder): DeliveryTask {
    const { alias } = this.#options
    return { kind: 'group', ...(alias === undefined ? {} : { layer: alias }), ...rest, ...payload }
  }

  async #enqueue(tasks: readonly DeliveryTask[], delaySeconds = 0): Promise<void> {
    const { queue, endpoint } = this.#options
    await queue.enqueue(
      tasks.map((task) => ({ task, endpoint, attempt: 0 })),
      { delaySeconds },
    )
  }
}

/** Reaches no connection, for there is no queue: only channels that `newChannel` made, and workers, are served. */
export class NoDelivery implements Delivery {
  readonly limits: FanOutLimits
  readonly #workers: WorkerQueues
  readonly #logger: Logger

  constructor({ limits, workers, logger }: Pick<QueuedDeliveryOptions, 'limits' | 'workers' | 'logger'>) {
    this.limits = limits
    this.#workers = workers
    this.#logger = logger
  }

  workerQueueOf(channelName: string): WorkerQueue | undefined {
    return this.#workers.find(channelName)
  }

  event(connectionId: string): Promise<Outcome> {
    return Promise.reject(
      new ConfigurationError(
        `cannot send to connection "${connectionId}": no application runs here, and this channel layer has no delivery queue; give createChannelLayer a queue and an endpoint, and the delivery function runs the connection's consumer`,
      ),
    )
  }

  async toMember(group: string, { connectionId }: GroupMember): Promise<Outcome> {
    this.#logger.error(
      'a connection cannot be reached from here: give createChannelLayer a queue and an endpoint',
      {
        channelName: connectionId,
        group,
      },
    )
    return 'failed'
  }

  async prepare(): Promise<void> {}

  inTime<T>(read: Promise<T>): Promise<T> {
    return read
  }

  async giveAway(parts: readonly Remainder[]): Promise<readonly Remainder[]> {
    return parts
  }

  isOutOfTime(): boolean {
    return false
  }

  defer(_remainders: readonly Remainder[], { failure }: DeferReason): Promise<void> {
    return Promise.reject(failure ?? new Error('a walk that has time hands nothing on'))
  }
}
