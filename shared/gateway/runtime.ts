import type { Clock } from '../clock.ts'
import { systemClock } from '../clock.ts'
import { FAN_OUT_LIMITS, type FanOutLimits } from '../layers/delivery.ts'
import type { Logger } from '../logger.ts'
import { OPENING_GRACE_MS } from '../limits.ts'
import type { ChannelStore } from '../stores/channel-store.ts'
import type { DeliveryQueue } from '../stores/delivery-queue.ts'
import type { Poster } from './poster.ts'
import { ScopeCache } from './scope-cache.ts'

/** Where counts go: `delivered`, `deferred`, `gone`, `failed`, `handlerFailed`, `invalidJson` and the like. */
export interface Metrics {
  count(name: string, value: number): void
}

/** Where a failed handler ran. */
export interface FailureContext {
  readonly channelName: string
  /** The consumer's class, if the event came that far. */
  readonly consumer: string | undefined
  /** The message's type, such as `websocket.receive`. */
  readonly type: string
}

/** What a runtime is made of. */
export interface RuntimeOptions {
  readonly store: ChannelStore
  readonly queue: DeliveryQueue
  /** The poster for one `@connections` endpoint; called once per endpoint. */
  readonly createPoster: (endpoint: string) => Poster
  /** The `@connections` endpoint, where it cannot be told from an event: a custom domain without `execute-api`. */
  readonly endpoint?: string | undefined
  readonly region: string
  readonly logger: Logger
  readonly metrics?: Metrics
  readonly clock?: Clock
  /** Called for each exception that a handler throws, after it was logged. What it throws is logged too. */
  readonly onError?: (error: unknown, context: FailureContext) => Promise<void> | void
  /** Turns on the checks that cost time. */
  readonly isDevelopment?: boolean
  /** In development: where the names of fields are kept that events of a consumer set, by its name. */
  readonly lostFields?: Map<string, Set<string>>
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
  readonly store: ChannelStore
  readonly queue: DeliveryQueue
  readonly logger: Logger
  readonly metrics: Metrics
  readonly clock: Clock
  readonly region: string
  readonly endpoint: string | undefined
  readonly isDevelopment: boolean
  readonly openingGraceMs: number
  readonly fanOut: FanOutLimits
  readonly onError: NonNullable<RuntimeOptions['onError']>
  readonly scopes: ScopeCache = new ScopeCache()
  /** In development: fields that events of a consumer set, by its name. */
  readonly lostFields: Map<string, Set<string>>
  readonly #createPoster: (endpoint: string) => Poster
  readonly #posters = new Map<string, Poster>()

  constructor(options: RuntimeOptions) {
    this.store = options.store
    this.queue = options.queue
    this.logger = options.logger
    this.metrics = options.metrics ?? {
      count: (name, value) => options.logger.debug('count', { name, value }),
    }
    this.clock = options.clock ?? systemClock
    this.region = options.region
    this.endpoint = options.endpoint
    this.lostFields = options.lostFields ?? new Map()
    this.isDevelopment = options.isDevelopment ?? false
    this.openingGraceMs = options.openingGraceMs ?? OPENING_GRACE_MS
    this.fanOut = { ...FAN_OUT_LIMITS, ...options.fanOut }
    this.onError = options.onError ?? (() => {})
    this.#createPoster = options.createPoster
  }

  /** The poster for `endpoint`, kept: another API or stage gets another one. */
  poster(endpoint: string): Poster {
    const known = this.#posters.get(endpoint)
    if (known) return known
    const poster = this.#createPoster(endpoint)
    this.#posters.set(endpoint, poster)
    return poster
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
