import type { Clock } from '../clock.ts'
import { ConcurrencyLimit } from './concurrency-limit.ts'

/** What is looked at together: one answer for each try under way, at least so many answers, … */
const WINDOW_ANSWERS = 20
/** … and the answers of at least so many milliseconds. */
const WINDOW_MS = 50

/** The share of 429 that is borne. */
const BORNE_SHARE = 0.1

/** How much of what was accepted is asked for after a window with more than that. */
const MARGIN = 0.95
/** One window is not believed to tell more: the rate may have gone to other posters while it lasted. */
const LEAST_ACCEPTED = 0.1

/** Tries that a window with no more than that adds; the same for all posters, so that they end up with a like share. */
const FIRST_GROWTH = 0.5
/** How much more the next such window adds. */
const GROWTH_FACTOR = 1.5

/** A poster with fewer answers than a window needs is let go after so many milliseconds without slowing down. */
const RECOVERY_MS = 5_000

/** What is known of one poster. */
export interface PostPaceOptions {
  readonly clock: Clock
  /** Tries that the poster has under way at most, when nothing is throttled. */
  readonly mostAtOnce: number
  /** Called for each answer 429, whoever is to blame. */
  readonly onThrottled?: (() => void) | undefined
}

/**
 * How many tries a poster has under way at a time: as many as it likes, until API Gateway answers a share of them
 * with 429; then as many as were accepted, and step by step more. A 429 that turns out to tell of its client only is
 * given back: in its stead a later one is not counted. docs/decisions/0015
 *
 * Nothing is counted while nothing is throttled.
 */
export class PostPace {
  readonly #clock: Clock
  readonly #mostAtOnce: number
  readonly #onThrottled: () => void
  readonly #tries = new ConcurrencyLimit(Infinity)
  #isWatching = false
  #round = 0
  #windowEnd = 0
  #answers = 0
  /** By connection: one client that is slow counts once, however often it is tried. */
  readonly #throttled = new Set<string>()
  /** How many 429s that were counted should not have been; as many are left out. */
  #givenBack = 0
  #wasThrottled = false
  #slowedAt = 0
  #growth = FIRST_GROWTH

  constructor({ clock, mostAtOnce, onThrottled = () => {} }: PostPaceOptions) {
    this.#clock = clock
    this.#mostAtOnce = mostAtOnce
    this.#onThrottled = onThrottled
  }

  /** Whether so many connections are throttled that a 429 says nothing about its own. */
  get isThrottled(): boolean {
    return this.#wasThrottled || this.#throttled.size > BORNE_SHARE * Math.max(this.#answers, WINDOW_ANSWERS)
  }

  /** To be told to {@link leave} by the first try of a call, which begins now. */
  get round(): number {
    return this.#round
  }

  /** Begins a try, as {@link ConcurrencyLimit.enter}. */
  enter(signal: AbortSignal | undefined): Promise<void> | undefined {
    if (this.#isSlowed && this.#clock.now() - this.#slowedAt >= RECOVERY_MS) this.#recover()
    return this.#tries.enter(signal)
  }

  /**
   * Ends a try that began in `round`. Further tries of a call have none: most of them go to clients that do not read,
   * and would tell of those only.
   *
   * @param throttledId - the connection, if the answer was 429
   * @returns whether that 429 was counted, so that it can be given back
   */
  leave(round: number | undefined, throttledId?: string): boolean {
    this.#tries.leave()
    if (throttledId !== undefined) this.#onThrottled()
    if (!this.#isWatching && throttledId !== undefined) this.#watch()
    // What was begun at another pace tells nothing about this one.
    return this.#isWatching && round === this.#round && this.#count(throttledId)
  }

  /** To be called once for a 429 that was counted, when its connection alone is to blame. */
  giveBack(): void {
    this.#givenBack += 1
  }

  get #isSlowed(): boolean {
    return this.#tries.limit < Infinity
  }

  /** What the tries are limited to, or would be. */
  get #limit(): number {
    return Math.min(this.#tries.limit, this.#mostAtOnce)
  }

  #watch(): void {
    this.#isWatching = true
    this.#answers = 0
    this.#throttled.clear()
    this.#windowEnd = this.#clock.now() + WINDOW_MS
  }

  #count(throttledId: string | undefined): boolean {
    if (throttledId !== undefined && this.#givenBack > 0) {
      this.#givenBack -= 1
      // Most likely this one tells of its client as well, and will be given back in its turn.
      return true
    }
    const isNew = throttledId !== undefined && !this.#throttled.has(throttledId)
    if (isNew) this.#throttled.add(throttledId)
    this.#answers += 1
    const isFull = this.#answers >= Math.max(WINDOW_ANSWERS, this.#limit)
    if (isFull && this.#clock.now() >= this.#windowEnd) this.#adapt()
    return isNew
  }

  #adapt(): void {
    const share = this.#throttled.size / this.#answers
    this.#wasThrottled = share > BORNE_SHARE
    if (this.#wasThrottled) this.#slowDown(1 - share)
    else this.#speedUp()
    if (share > 0 || this.#isSlowed) this.#watch()
    else this.#isWatching = false
  }

  #slowDown(accepted: number): void {
    this.#growth = FIRST_GROWTH
    this.#slowedAt = this.#clock.now()
    this.#setLimit(Math.max(1, this.#limit * Math.max(LEAST_ACCEPTED, accepted) * MARGIN))
  }

  #speedUp(): void {
    const limit = this.#tries.limit + this.#growth
    this.#growth *= GROWTH_FACTOR
    this.#setLimit(limit < this.#mostAtOnce ? limit : Infinity)
  }

  #recover(): void {
    this.#wasThrottled = false
    this.#setLimit(Infinity)
    this.#watch()
  }

  #setLimit(limit: number): void {
    this.#tries.limit = limit
    this.#round += 1
  }
}
