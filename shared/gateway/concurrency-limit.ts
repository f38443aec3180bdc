/** Lets a limited number of tasks run at a time; the others wait their turn, first come, first served. */
export class ConcurrencyLimit {
  readonly #limit: number
  readonly #waiting = new Set<() => void>()
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
    for (const start of this.#waiting) {
      this.#waiting.delete(start)
      start()
      return
    }
    this.#running -= 1
  }

  #turn(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const start = (): void => {
        signal?.removeEventListener('abort', abort)
        resolve()
      }
      const abort = (): void => {
        this.#waiting.delete(start)
        reject(signal?.reason)
      }
      signal?.addEventListener('abort', abort, { once: true })
      this.#waiting.add(start)
    })
  }
}
