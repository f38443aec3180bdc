/** What is told of an abort. */
export interface Abortable {
  abort(reason: unknown): void
}

/**
 * Tells many waiters of a few signals.
 *
 * Adding a listener to an `AbortSignal` walks the list of all its listeners, so 10 000 posts that share the
 * signal of one invocation would take 50 million steps. Here each signal gets one listener.
 */
export class AbortRegistry {
  readonly #watches = new Map<
    AbortSignal,
    { readonly waiters: Set<Abortable>; readonly listener: () => void }
  >()

  /** Calls `waiter.abort` once `signal` is aborted, unless `unwatch` comes first. */
  watch(signal: AbortSignal, waiter: Abortable): void {
    const watch = this.#watches.get(signal)
    if (watch) {
      watch.waiters.add(waiter)
      return
    }
    const waiters = new Set([waiter])
    const listener = (): void => {
      this.#watches.delete(signal)
      for (const each of waiters) each.abort(signal.reason)
    }
    signal.addEventListener('abort', listener, { once: true })
    this.#watches.set(signal, { waiters, listener })
  }

  /** Ends a watch; nothing happens if there is none. */
  unwatch(signal: AbortSignal, waiter: Abortable): void {
    const watch = this.#watches.get(signal)
    if (!watch?.waiters.delete(waiter) || watch.waiters.size > 0) return
    this.#watches.delete(signal)
    signal.removeEventListener('abort', watch.listener)
  }
}
