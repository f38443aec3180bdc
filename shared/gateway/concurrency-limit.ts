import { type Abortable, AbortRegistry } from '../http/abort-registry.ts'

/** Lets a limited number of tasks run at a time; the others wait their turn, first come, first served. */
export class ConcurrencyLimit {
  #limit: number
  readonly #waiting = new Map<Abortable, () => void>()
  readonly #aborts = new AbortRegistry()
  #running = 0

  constructor(limit: number) {
    this.#limit = limit
  }

  /** How many may run. A lower limit ends nothing that runs; of a fraction only whole tasks count. */
  get limit(): number {
    return this.#limit
  }

  set limit(limit: number) {
    this.#limit = limit
    this.#admit()
  }

  /** Runs `task` when there is room; rejects with the signal's reason if it is aborted while waiting. */
  async run<T>(signal: AbortSignal | undefined, task: () => Promise<T>): Promise<T> {
    const turn = this.enter(signal)
    if (turn) await turn
    try {
      return await task()
    } finally {
      this.leave()
    }
  }

  /**
   * Undefined if there is room: the caller is in. Otherwise resolves when it is; rejects with the signal's reason if
   * that is aborted first. Who is in has to {@link leave}.
   */
  enter(signal: AbortSignal | undefined): Promise<void> | undefined {
    if (!this.#hasRoom) return this.#turn(signal)
    this.#running += 1
    return undefined
  }

  leave(): void {
    this.#running -= 1
    this.#admit()
  }

  get #hasRoom(): boolean {
    return this.#running + 1 <= this.#limit
  }

  #admit(): void {
    if (this.#waiting.size === 0) return
    for (const [waiter, start] of this.#waiting) {
      if (!this.#hasRoom) return
      this.#running += 1
      this.#waiting.delete(waiter)
      start()
    }
  }

  #turn(signal: AbortSignal | undefined): Promise<void> {
    if (signal?.aborted) return Promise.reject(signal.reason as Error)
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
