import type { Clock } from '../../../shared/clock.ts'

interface Sleeper {
  readonly until: number
  readonly wake: () => void
  timer: NodeJS.Timeout
}

/**
 * The machine's clock, but faster, and a test can let it jump ahead: seconds of grace and of waiting in queues pass in
 * milliseconds, and nothing is out of proportion, because everybody in a world has the same one.
 */
export class HurriedClock implements Clock {
  readonly #speed: number
  readonly #startedAt = Date.now()
  readonly #origin = performance.now()
  readonly #sleepers = new Set<Sleeper>()
  #jumped = 0

  constructor(speed: number) {
    this.#speed = speed
  }

  now(): number {
    return Math.floor(this.#startedAt + this.#jumped + (performance.now() - this.#origin) * this.#speed)
  }

  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted()
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const abort = (): void => reject(signal?.reason)
    signal?.addEventListener('abort', abort, { once: true })
    const until = this.now() + ms
    const sleeper: Sleeper = { until, wake: resolve, timer: this.#timer(until, resolve) }
    this.#sleepers.add(sleeper)
    try {
      await promise
    } finally {
      clearTimeout(sleeper.timer)
      this.#sleepers.delete(sleeper)
      signal?.removeEventListener('abort', abort)
    }
  }

  /** Lets so many milliseconds pass at once. */
  jump(ms: number): void {
    this.#jumped += ms
    for (const sleeper of this.#sleepers) {
      clearTimeout(sleeper.timer)
      sleeper.timer = this.#timer(sleeper.until, sleeper.wake)
    }
  }

  #timer(until: number, wake: () => void): NodeJS.Timeout {
    // A sleeper's length of sleep may be two hours; it keeps no process alive.
    return setTimeout(wake, Math.max(0, until - this.now()) / this.#speed).unref()
  }
}
