import type { EventContext } from '../application.ts'
import type { ChannelLayer } from '../channel-layer.ts'
import { BaseChannelLayer } from '../layers/base-channel-layer.ts'
import type { Delivery } from '../layers/delivery.ts'
import type { Logger } from '../logger.ts'
import type { Message } from '../message.ts'
import type { ChannelStore } from '../stores/channel-store.ts'
import type { PendingWork } from './pending-work.ts'
import type { Runtime } from './runtime.ts'

/** Where an event came from, as logs and `onError` name it. */
export interface EventPlace {
  /** The connection's channel, or the worker's. */
  readonly channelName?: string
  /** Method and path of an HTTP request. */
  readonly request?: string
  /** A worker's job, and which message of its queue it is, handed out for which time. */
  readonly jobId?: string
  readonly messageId?: string
  readonly receiveCount?: number
}

/** What a {@link ServerContext} is made of. */
export interface ServerContextOptions {
  readonly runtime: Runtime
  /** What the event is handled by. */
  readonly invocation: {
    readonly pending: PendingWork<ServerContext>
    deliveryOf(alias: string): Delivery
  }
  readonly message: Message
  readonly place: EventPlace
  /** The store of the layer under an alias, or a view of it. */
  readonly storeOf: (alias: string) => ChannelStore
}

/** What is lent to the application for one event. */
export class ServerContext implements EventContext {
  readonly logger: Logger
  readonly isDevelopment: boolean
  readonly place: EventPlace
  /** The consumer that serves the event, once it is known. */
  consumer: string | undefined
  /** The message that is being handled. */
  message: Message
  /** Whether work that its handler did not await has failed, and was reported. */
  hasFailedLate = false
  readonly #options: ServerContextOptions
  readonly #layers = new Map<string, ChannelLayer>()

  constructor(options: ServerContextOptions) {
    this.#options = options
    this.message = options.message
    this.place = options.place
    this.logger = options.runtime.logger
    this.isDevelopment = options.runtime.isDevelopment
  }

  channelLayer(alias: string): ChannelLayer {
    const known = this.#layers.get(alias)
    if (known) return known
    const { storeOf, invocation, runtime } = this.#options
    const layer = new BaseChannelLayer({
      store: storeOf(alias),
      delivery: invocation.deliveryOf(alias),
      track: (work) => this.track(work),
      surroundings: runtime,
    })
    this.#layers.set(alias, layer)
    return layer
  }

  track<T>(work: () => Promise<T>): Promise<T> {
    return this.#options.invocation.pending.track(work, this)
  }

  servedBy(consumer: string): void {
    this.consumer = consumer
  }

  count(name: string): void {
    this.#options.runtime.metrics.count(name, 1)
  }
}
