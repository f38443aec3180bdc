import { type Clock, systemClock } from '../../clock.ts'
import { type RateStore, rateWindow } from '../../stores/rate-store.ts'

interface Count {
  hits: number
  readonly endsAt: number
}

/** Options of {@link MemoryRateStore}. */
export interface MemoryRateStoreOptions {
  readonly clock?: Clock
}

/** Counts in the memory of this process. In Lambda each container counts for itself, so its limits are per container. */
export class MemoryRateStore implements RateStore {
  readonly #clock: Clock
  readonly #counts = new Map<string, Count>()
  #sweepAt = 0

  constructor({ clock = systemClock }: MemoryRateStoreOptions = {}) {
    this.#clock = clock
  }

  async hit(key: string, windowSeconds: number): Promise<number> {
    const now = this.#clock.now()
    const { index, endsAt } = rateWindow(now, windowSeconds)
    const counted = `${key} ${windowSeconds} ${index}`
    if (now / 1000 >= this.#sweepAt) this.#sweep(now / 1000, endsAt)
    const count = this.#counts.get(counted) ?? { hits: 0, endsAt }
    count.hits += 1
    this.#counts.set(counted, count)
    return count.hits
  }

  /** How many counts are kept. */
  get size(): number {
    return this.#counts.size
  }

  /** Forgets windows that are over, and looks again when the present one is. */
  #sweep(now: number, sweepAt: number): void {
    for (const [counted, { endsAt }] of this.#counts) if (endsAt <= now) this.#counts.delete(counted)
    this.#sweepAt = sweepAt
  }
}
