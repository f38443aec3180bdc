import { type Clock, systemClock } from '../../clock.ts'
import { type RateStore, rateWindow } from '../../stores/rate-store.ts'
import { rateKey, requirePrefix } from './keys.ts'
import { RedisCalls } from './redis-calls.ts'
import type { RedisChannelStoreOptions } from './redis-channel-store.ts'
import { countHit } from './scripts.ts'

const DEFAULT_PREFIX = 'channels'
const DEFAULT_TIMEOUT_MS = 2_000
/** Longer than clocks of containers differ: who is late must find the count that others began. */
const MARGIN_SECONDS = 60

/** Options of {@link RedisRateStore}: it may share client and prefix of a {@link RedisChannelStore}. */
export type RedisRateStoreOptions = Pick<
  RedisChannelStoreOptions,
  'client' | 'prefix' | 'clock' | 'timeoutMs'
>

/** Counts in Redis or Valkey: one script each, on one key. */
export class RedisRateStore implements RateStore {
  readonly #calls: RedisCalls
  readonly #prefix: string
  readonly #clock: Clock

  /** @throws {@link ConfigurationError} if the prefix is no good */
  constructor({ client, prefix = DEFAULT_PREFIX, clock = systemClock, timeoutMs }: RedisRateStoreOptions) {
    this.#calls = new RedisCalls(client, timeoutMs ?? DEFAULT_TIMEOUT_MS)
    this.#prefix = requirePrefix(prefix)
    this.#clock = clock
  }

  async hit(key: string, windowSeconds: number): Promise<number> {
    const { index } = rateWindow(this.#clock.now(), windowSeconds)
    const counted = rateKey(this.#prefix, `${key}:${windowSeconds}:${index}`)
    const hits = await this.#calls.run(`count a hit of "${key}"`, () =>
      this.#calls.script(countHit, counted, [windowSeconds + MARGIN_SECONDS]),
    )
    return Number(hits)
  }
}
