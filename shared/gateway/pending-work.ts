import { setImmediate as nextTurn } from 'node:timers/promises'

/** Work that was begun and must be done before the invocation ends, whether or not anybody awaits it. */
export class PendingWork {
  readonly #pending = new Set<Promise<unknown>>()

  /** Returns `work` as it is; what it rejects with is its caller's to handle. */
  track<T>(work: Promise<T>): Promise<T> {
    this.#pending.add(work)
    void Promise.allSettled([work]).then(() => this.#pending.delete(work))
    return work
  }

  get isDone(): boolean {
    return this.#pending.size === 0
  }

  /** Resolves when all that is tracked is done, and what was begun meanwhile. Never rejects. */
  async done(): Promise<void> {
    while (!this.isDone) {
      await Promise.allSettled(this.#pending)
      // Whoever waited for it may begin the next piece of work now.
      await nextTurn()
    }
  }
}
