import { setTimeout as delay } from 'node:timers/promises'

/** Time, as the library sees it, so that a test can turn it by hand. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number
  /** Resolves after `ms` milliseconds; rejects with the signal's reason if it is aborted first. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
}

/** The machine's clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  sleep: async (ms, signal) => {
    try {
      await delay(ms, undefined, signal ? { signal } : undefined)
    } catch (error) {
      // Node rejects with an error of its own, whatever the signal's reason is.
      throw signal?.aborted ? signal.reason : error
    }
  },
}
