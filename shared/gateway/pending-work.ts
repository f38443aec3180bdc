import { setImmediate as nextTurn } from 'node:timers/promises'

/** A piece of work that failed, and whose promise nobody has taken. */
export interface LostFailure<Owner> {
  readonly owner: Owner
  readonly error: unknown
}

/** Work that was begun and must be done before the invocation ends, whether or not anybody awaits it. */
export class PendingWork<Owner = undefined> {
  readonly #pending = new Set<Promise<unknown>>()
  #lost: (LostFailure<Owner> & { readonly promise: TrackedPromise<unknown> })[] = []

  /**
   * Begins `work` for `owner`. The promise may be left alone: what it rejects with then is neither lost nor an
   * unhandled rejection, which would end the process, but is told by {@link takeLost}.
   */
  track<T>(work: () => Promise<T>, owner: Owner): Promise<T> {
    const promise = TrackedPromise.of(work())
    this.#pending.add(promise)
    void promise.settled.then((failure) => {
      this.#pending.delete(promise)
      if (failure && !promise.isTaken) this.#lost.push({ owner, promise, error: failure.reason })
    })
    return promise
  }

  /** Whether nothing is under way, and no failure is left that {@link takeLost} has to tell. */
  get isDone(): boolean {
    return this.#pending.size === 0 && this.#lost.length === 0
  }

  /** Resolves when all that is tracked is done, and what was begun meanwhile. Never rejects. */
  async done(): Promise<void> {
    while (this.#pending.size > 0) {
      await Promise.all(Array.from(this.#pending, (work) => (work as TrackedPromise<unknown>).settled))
      // Whoever waited for it may begin the next piece of work now.
      await nextTurn()
    }
  }

  /** The failures that nobody has taken until now, each told once. */
  takeLost(): readonly LostFailure<Owner>[] {
    const lost = this.#lost.filter(({ promise }) => !promise.isTaken)
    this.#lost = []
    return lost
  }
}

/** A promise that knows whether anybody waits for it: `await`, `Promise.all` and the like call its `then`. */
class TrackedPromise<T> extends Promise<T> {
  isTaken = false
  /** Resolves, without taking it, when it is settled: to what it was rejected with, if it was. */
  declare readonly settled: Promise<{ readonly reason: unknown } | undefined>

  static of<T>(work: Promise<T>): TrackedPromise<T> {
    const promise = new TrackedPromise<T>((resolve, reject) => void work.then(resolve, reject))
    const settled = Promise.prototype.then.call(
      promise,
      () => undefined,
      (reason: unknown) => ({ reason }),
    )
    return Object.assign(promise, { settled })
  }

  // What is derived from it is an ordinary promise again, and its own caller's to take.
  static override get [Symbol.species](): PromiseConstructor {
    return Promise
  }

  // oxlint-disable-next-line unicorn/no-thenable
  override then<A = T, B = never>(
    onFulfilled?: ((value: T) => A | PromiseLike<A>) | null,
    onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    this.isTaken = true
    return super.then(onFulfilled, onRejected)
  }
}
