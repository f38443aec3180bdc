import type { ChannelLayer } from '../channel-layer.ts'
import { type Clock, systemClock } from '../clock.ts'
import { ConfigurationError } from '../errors.ts'
import type { Logger } from '../logger.ts'
import type { EventMap } from '../message.ts'
import type { ChannelStore } from '../stores/channel-store.ts'
import type { DeliveryQueue } from '../stores/delivery-queue.ts'
import type { WorkerQueue } from '../stores/worker-queue.ts'
import { BaseChannelLayer, type LayerSurroundings } from './base-channel-layer.ts'
import type { Delivery, FanOutLimits } from './delivery.ts'
import { fanOutLimits } from './fan-out-limits.ts'
import { type MessageLimits, MessageRules } from './message-rules.ts'
import { NoDelivery, QueuedDelivery } from './queued-delivery.ts'
import { WorkerQueues } from './worker-queues.ts'

/** Options of {@link createChannelLayer}. */
export interface ChannelLayerOptions extends MessageLimits {
  readonly store: ChannelStore
  /** The application's delivery queue. Without one no connection can be reached. */
  readonly queue?: DeliveryQueue
  /** Where the connections' `@connections` are: `https://{api}.execute-api.{region}.amazonaws.com/{stage}`. */
  readonly endpoint?: string
  /**
   * The queue of each worker channel that is sent to, by the channel's name; under `*` the one for all others: for every
   * name, since no application is known here, that is not like a connection id.
   */
  readonly workers?: Readonly<Record<string, WorkerQueue>>
  /** The alias under which the delivery function knows this layer, if it is not its default one. */
  readonly alias?: string
  /** Hears of what could not be delivered; nobody does by default. */
  readonly logger?: Logger
  /** Counts what became of messages. */
  readonly metrics?: LayerSurroundings['metrics']
  readonly clock?: Clock
  /** From which size on, and how, a group is divided among delivery workers. */
  readonly fanOut?: Partial<FanOutLimits>
}

const quiet: Logger = { debug() {}, info() {}, warn() {}, error() {} }

/**
 * A channel layer for code that is no consumer: a script, a test, another function. It has no application, so the
 * delivery function handles what is for connections: `send` and `groupSend` put a task into its queue. Of a group send's
 * members those are counted, as deferred, that are on the first page; without a queue, connections count as failed.
 *
 * @throws {@link ConfigurationError} if there is a queue and no endpoint, or a limit is out of range
 *
 * @example
 * ```ts
 * const layer = createChannelLayer({ store: new MemoryChannelStore() })
 * const replies = await layer.newChannel()
 * await layer.send(replies, { type: 'job.done', id: 7 })
 * console.log(await layer.receive(replies))
 * ```
 */
export function createChannelLayer<Events = EventMap>(options: ChannelLayerOptions): ChannelLayer<Events> {
  const { store, logger = quiet, metrics = { count() {} }, clock = systemClock } = options
  return new BaseChannelLayer<Events>({
    store,
    delivery: createDelivery(options, logger),
    surroundings: { logger, metrics, clock, messageRules: new MessageRules(options) },
  })
}

function createDelivery(options: ChannelLayerOptions, logger: Logger): Delivery {
  const { store, queue, alias } = options
  const limits = fanOutLimits(options.fanOut)
  const workers = new WorkerQueues(options.workers)
  if (queue === undefined) return new NoDelivery({ limits, workers, logger })
  const endpoint = requireEndpoint(options.endpoint)
  return new QueuedDelivery({ store, queue, endpoint, alias, workers, limits, logger })
}

function requireEndpoint(endpoint: string | undefined): string {
  if (endpoint !== undefined && /^https?:\/\/[^/?#\s]+/.test(endpoint)) return endpoint
  throw new ConfigurationError(
    `endpoint is ${JSON.stringify(endpoint)}: with a queue, give the URL of the API's stage, such as https://abc.execute-api.eu-west-1.amazonaws.com/prod`,
  )
}
