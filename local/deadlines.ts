import { type Clock, systemClock } from '../shared/clock.ts'

/** A deadline that has been set. */
export interface Deadline {
  readonly at: number
  readonly expired: () => void
}

/**
 * Many deadlines of one length on one sleep of the clock: setting and clearing one costs a `Set` entry, where a timer
 * each would show in a gateway that invokes thousands of times a second.
 */
export class Deadlines {
  readonly #clock: Clock
  readonly #ms: number
  // All have the same length, so insertion order is the order of expiry.
  readonly #pending = new Set<Deadline>()
  readonly #stop = new AbortController()
  #isWatching = false

  constructor(clock: Clock, ms: number) {
    this.#clock = clock
    this.#ms = ms
  }

  /** Calls `expired` after the length of time, unless it is cleared before. */
  set(expired: () => void): Deadline {
    const deadline = { at: this.#clock.now() + this.#ms, expired }
    this.#pending.add(deadline)
    if (!this.#isWatching) void this.#watch()
    return deadline
  }

  clear(deadline: Deadline): void {
    this.#pending.delete(deadline)
  }

  /** Forgets all deadlines. */
  close(): void {
    this.#pending.clear()
    this.#stop.abort()
  }

  async #watch(): Promise<void> {
    this.#isWatching = true
    while (this.#pending.size > 0 && !this.#stop.signal.aborted) {
      const [first] = this.#pending
      const waitMs = (first?.at ?? 0) - this.#clock.now()
      if (waitMs > 0) await sleepQuietly(this.#clock, waitMs, this.#stop.signal)
      this.#expire()
    }
    this.#isWatching = false
  }

  #expire(): void {
    const now = this.#clock.now()
    for (const deadline of this.#pending) {
      if (deadline.at > now) return
      this.#pending.delete(deadline)
      deadline.expired()
    }
  }
}

/** Calls `expired` after `ms`, unless the function it returns is called before. */
export function after(clock: Clock, ms: number, expired: () => void): () => void {
  if (clock === systemClock) {
    // A plain timer: an aborted sleep costs an error with a stack.
    const timer = setTimeout(expired, ms)
    return () => clearTimeout(timer)
  }
  const stop = new AbortController()
  void sleepQuietly(clock, ms, stop.signal).then(() => {
    if (!stop.signal.aborted) expired()
  })
  return () => stop.abort()
}

/** Sleeps until the time is over or `signal` is aborted, whichever is first. */
export async function sleepQuietly(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  try {
    await clock.sleep(ms, signal)
  } catch (error) {
    if (!signal.aborted) throw error
  }
}
