import type { Clock } from '../clock.ts'
import { systemClock } from '../clock.ts'
import { ConfigurationError } from '../errors.ts'
import type { FanOutLimits } from '../layers/delivery.ts'
import { fanOutLimits } from '../layers/fan-out-limits.ts'
import type { Logger } from '../logger.ts'
import { OPENING_GRACE_MS } from '../limits.ts'
import type { ChannelStore } from '../stores/channel-store.ts'
import type { DeliveryQueue } from '../stores/delivery-queue.ts'
import type { WorkerQueue } from '../stores/worker-queue.ts'
import { type MessageLimits, MessageRules } from '../layers/message-rules.ts'
import { WorkerQueues } from '../layers/worker-queues.ts'
import { requireWholeNumber } from '../whole-number.ts'
import type { LambdaContext } from './deadline.ts'
import { LayeredStore } from './layer-stores.ts'
import { completeMetrics, type Metrics } from './metrics.ts'
import type { Poster } from './poster.ts'
import { ScopeCache } from './scope-cache.ts'

/** Where a failed handler ran. */
export interface FailureContext {
  /** The connection's channel, or the worker's; an HTTP request has none. */
  readonly channelName?: string
  /** Method and path of an HTTP request: `GET /rooms/lobby/`. */
  readonly request?: string
  /** Of a worker's job: its id, and which message of the queue it was, handed out for which time. */
  readonly jobId?: string
  readonly messageId?: string
  readonly receiveCount?: number
  /** The consumer's class, if the event came that far. */
  readonly consumer: string | undefined
  /** The message's type, such as `websocket.receive`. */
  readonly type: string
}

/** The alias of the layer that a consumer has unless its `channelLayerAlias` names another. */
export const DEFAULT_LAYER = 'default'

/** What a runtime is made of. */
export interface RuntimeOptions {
  /** Where connections are kept, and the groups of the layer "default". */
  readonly store: ChannelStore
  /**
   * Other layers by alias, each with groups of its own. Every connection has a small record in each of their stores
   * too, so each costs one write more when it begins and when it ends.
   */
  readonly layers?: Readonly<Record<string, { readonly store: ChannelStore }>>
  readonly queue: DeliveryQueue
  /**
   * The queue of each worker channel that something here sends to, by the channel's name; under `*` the one for all
   * others that the application serves.
   */
  readonly workers?: Readonly<Record<string, WorkerQueue>>
  /** The poster for one `@connections` endpoint; called once per endpoint. */
  readonly createPoster: (endpoint: string) => Poster
  /** The `@connections` endpoint, where it cannot be told from an event: a custom domain without `execute-api`. */
  readonly endpoint?: string | undefined
  readonly region: string
  readonly logger: Logger
  /** By default what is counted and measured is a line at debug. */
  readonly metrics?: Metrics
  readonly clock?: Clock
  /** Called for each exception that a handler throws, after it was logged. What it throws is logged too. */
  readonly onError?: (error: unknown, context: FailureContext) => Promise<void> | void
  /** Called when an invocation begins, with Lambda's context. Nobody waits for it; what it throws is logged. */
  readonly onInvocation?: (context: LambdaContext | undefined) => Promise<void> | void
  /** Turns on the checks that cost time. */
  readonly isDevelopment?: boolean
  /** In development: where the names of fields are kept that events of a consumer set, by its name. */
  readonly lostFields?: Map<string, Set<string>>
  /** What an earlier runtime of this container has learnt of connections; a test makes a container warm with it. */
  readonly scopes?: ScopeCache
  /** How many messages wait in channels of `newChannel`, and for how long. */
  readonly messageLimits?: MessageLimits
  /** Age under which a 410 does not prove a connection dead, in milliseconds. */
  readonly openingGraceMs?: number
  /** From which size on, and how, a group is divided among delivery workers. */
  readonly fanOut?: Partial<FanOutLimits>
}

/**
 * What survives from one invocation to the next in a warm container: clients, connections to them, and the
 * scopes of connections served lately. Nothing else does.
 */
export class Runtime {
  /** Where connections begin and end: the store of the default layer, and with it those of all others. */
  readonly store: ChannelStore
  readonly queue: DeliveryQueue
  readonly workers: WorkerQueues
  readonly logger: Logger
  readonly metrics: Required<Metrics>
  readonly clock: Clock
  readonly region: string
  readonly endpoint: string | undefined
  readonly isDevelopment: boolean
  readonly openingGraceMs: number
  readonly messageRules: MessageRules
  readonly fanOut: FanOutLimits
  readonly onError: NonNullable<RuntimeOptions['onError']>
  readonly onInvocation: NonNullable<RuntimeOptions['onInvocation']>
  readonly scopes: ScopeCache
  /** In development: fields that events of a consumer set, by its name. */
  readonly lostFields: Map<string, Set<string>>
  readonly #layers: ReadonlyMap<string, ChannelStore>
  readonly #createPoster: (endpoint: string) => Poster
  readonly #posters = new Map<string, Poster>()

  /**
   * @throws {@link ConfigurationError} if one of the `layers` is called "default", or two layers share a store, or a
   * number is out of range
   */
  constructor(options: RuntimeOptions) {
    this.#layers = storesOf(options)
    this.store = storeOfConnections(this.#layers, options.store)
    this.queue = options.queue
    this.workers = new WorkerQueues(options.workers)
    this.logger = options.logger
    this.metrics = completeMetrics(options.metrics, options.logger)
    this.clock = options.clock ?? systemClock
    this.region = options.region
    this.endpoint = options.endpoint
    this.lostFields = options.lostFields ?? new Map()
    this.scopes = options.scopes ?? new ScopeCache()
    this.isDevelopment = options.isDevelopment ?? false
    this.openingGraceMs = requireWholeNumber(options.openingGraceMs ?? OPENING_GRACE_MS, 'openingGraceMs', {
      least: 0,
    })
    this.fanOut = fanOutLimits(options.fanOut)
    this.messageRules = new MessageRules(options.messageLimits)
    this.onError = options.onError ?? (() => {})
    this.onInvocation = options.onInvocation ?? (() => {})
    this.#createPoster = options.createPoster
  }

  /**
   * The store of the layer under `alias`.
   *
   * @throws {@link ConfigurationError} if there is none
   */
  storeOf(alias: string): ChannelStore {
    const store = alias === DEFAULT_LAYER ? this.store : this.#layers.get(alias)
    if (store) return store
    const known = [DEFAULT_LAYER, ...this.#layers.keys()].map((name) => `"${name}"`).join(', ')
    throw new ConfigurationError(
      `there is no channel layer "${alias}": this runtime has ${known}; name one of them, or add it to the layers of the Runtime`,
    )
  }

  /** The poster for `endpoint`, kept: another API or stage gets another one. */
  poster(endpoint: string): Poster {
    const known = this.#posters.get(endpoint)
    if (known) return known
    const poster = this.#createPoster(endpoint)
    this.#posters.set(endpoint, poster)
    return poster
  }

  /**
   * The `@connections` endpoint, for a handler whose events do not tell where the WebSocket API is.
   *
   * @throws {@link ConfigurationError} naming the handler and its events, if this runtime was not given one
   */
  requireEndpoint({ handler, event }: { readonly handler: string; readonly event: string }): string {
    if (this.endpoint !== undefined) return this.endpoint
    throw new ConfigurationError(
      `the runtime of ${handler} has no endpoint, and ${event} does not tell where the WebSocket API is: give the Runtime the endpoint of its @connections, which the functions of this repository read from CHANNELS_MANAGEMENT_ENDPOINT`,
    )
  }

  /** The `@connections` endpoint of the API and stage that an event came through. */
  endpointOf(event: { readonly apiId: string; readonly stage: string; readonly domainName: string }): string {
    if (this.endpoint !== undefined) return this.endpoint
    // A custom domain's mapping key is not in the event, so `domainName/stage` is only right for execute-api.
    const isExecuteApi = /\.execute-api\.[^.]+\.amazonaws\.com(?:\.cn)?$/.test(event.domainName)
    const suffix = this.region.startsWith('cn-') ? 'amazonaws.com.cn' : 'amazonaws.com'
    const host = isExecuteApi ? event.domainName : `${event.apiId}.execute-api.${this.region}.${suffix}`
    return `https://${host}/${event.stage}`
  }
}

function storesOf({ store: defaultStore, layers = {} }: RuntimeOptions): ReadonlyMap<string, ChannelStore> {
  const stores = new Map(Object.entries(layers).map(([alias, { store }]) => [alias, store]))
  if (stores.has(DEFAULT_LAYER)) {
    throw new ConfigurationError(
      `layers has "${DEFAULT_LAYER}": that is the layer of the option store, so give it there, or name it otherwise`,
    )
  }
  requireOwnPlaces([[DEFAULT_LAYER, defaultStore], ...stores])
  return stores
}

/** On one place, the bare record that a layer keeps of a connection would replace the record itself. */
function requireOwnPlaces(stores: readonly (readonly [alias: string, store: ChannelStore])[]): void {
  const aliases = new Map<unknown, string>()
  for (const [alias, store] of stores) {
    const place = store.identity ?? store
    const other = aliases.get(place)
    if (other !== undefined) {
      throw new ConfigurationError(
        `the layers "${other}" and "${alias}" keep connections in one place (${store.identity ?? 'the same store'}), so each would destroy what the other keeps: give every layer a table, or a prefix, of its own`,
      )
    }
    aliases.set(place, alias)
  }
}

function storeOfConnections(layers: ReadonlyMap<string, ChannelStore>, store: ChannelStore): ChannelStore {
  return layers.size === 0 ? store : new LayeredStore(store, [...layers.values()])
}
