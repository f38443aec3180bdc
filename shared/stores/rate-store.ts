/**
 * Counts what happens in windows of time. Windows are fixed: one of 10 seconds begins at each multiple of 10 seconds
 * since the epoch, for every key alike. So up to twice a limit can pass within one window's length, around its end.
 */
export interface RateStore {
  /**
   * Counts one more for `key` in the present window, and resolves to how many there were by then, this one included:
   * every call of a window gets another number. A key of a `windowSeconds` has nothing to do with the same key of another.
   * Where the answer of a write is lost, it may count twice.
   *
   * @param key - 1 to 200 ASCII letters, digits, `-`, `_` and `.`
   * @param windowSeconds - a whole number
   * @throws {@link StoreError}
   */
  hit(key: string, windowSeconds: number): Promise<number>
}

/** A window of time. */
export interface RateWindow {
  /** Which one it is, counted from the epoch. */
  readonly index: number
  /** When it ends, in seconds since the epoch. */
  readonly endsAt: number
}

/** The window of `windowSeconds` in which `nowMs` lies. */
export function rateWindow(nowMs: number, windowSeconds: number): RateWindow {
  const index = Math.floor(nowMs / 1000 / windowSeconds)
  return { index, endsAt: (index + 1) * windowSeconds }
}
