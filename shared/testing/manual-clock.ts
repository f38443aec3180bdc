import type { Clock } from '../clock.ts'

/** A {@link Clock} that stands still until a test turns it. */
export class ManualClock implements Clock {
  #now: number
  #sleepers: { readonly at: number; readonly wake: () => void }[] = []

  /** @param startMs - the first time it tells, in milliseconds since the epoch */
  constructor(startMs: number = Date.UTC(2026, 0, 1)) {
    this.#now = startMs
  }

  now(): number {
    return this.#now
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.reject(signal.reason as Error)
    return new Promise((resolve, reject) => {
      const onAbort = (): void => {
        this.#sleepers = this.#sleepers.filter((other) => other !== sleeper)
        reject(signal?.reason as Error)
      }
      const sleeper = {
        at: this.#now + Math.max(0, ms),
        wake: (): void => {
          signal?.removeEventListener('abort', onAbort)
          resolve()
        },
      }
      signal?.addEventListener('abort', onAbort, { once: true })
      this.#sleepers.push(sleeper)
    })
  }

  /** How many sleeps are under way. */
  get sleeping(): number {
    return this.#sleepers.length
  }

  /** Turns the clock on by `ms`, waking every sleeper at its time, in order, and letting each run on. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms
    await settle()
    for (;;) {
      const next = this.#sleepers.filter(({ at }) => at <= end).toSorted((a, b) => a.at - b.at)[0]
      if (next === undefined) break
      this.#now = Math.max(this.#now, next.at)
      this.#sleepers = this.#sleepers.filter((other) => other !== next)
      next.wake()
      await settle()
    }
    this.#now = end
  }
}

/** Lets everything run that waits for a promise or an immediate. */
function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
