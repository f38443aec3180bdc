import { type Abortable, AbortRegistry } from '../http/abort-registry.ts'

/** Lets a limited number of tasks run at a time; the others wait their turn, first come, first served. */
export class ConcurrencyLimit {
  readonly #limit: number
  readonly #waiting = new Map<Abortable, () => void>()
  readonly #aborts = new AbortRegistry()
  #running = 0

  constructor(limit: number) {
    this.#limit = limit
  }

  /** Runs `task` when there is room; rejects with the signal's reason if it is aborted while waiting. */
  async run<T>(signal: AbortSignal | undefined, task: () => Promise<T>): Promise<T> {
    if (this.#running < this.#limit) this.#running += 1
    else await this.#turn(signal)
    try {
      return await task()
    } finally {
      this.#next()
    }
  }

  // Whoever leaves hands its place on, so #running stays as it is while anybody waits.
  #next(): void {
    for (const [waiter, start] of this.#waiting) {
      this.#waiting.delete(waiter)
      start()
      return
    }
    this.#running -= 1
  }

  #turn(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const waiter: Abortable = {
        abort: (reason) => {
          this.#waiting.delete(waiter)
          reject(reason)
        },
      }
      if (signal) this.#aborts.watch(signal, waiter)
      this.#waiting.set(waiter, () => {
        if (signal) this.#aborts.unwatch(signal, waiter)
        resolve()
      })
    })
  }
}
