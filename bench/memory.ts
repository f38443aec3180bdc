const SAMPLE_MS = 100

/** The most memory that was in use since it was made, above what it was then. */
export class Memory {
  readonly #start: number
  readonly #inUse: () => number
  #peak: number
  #sampledAt = 0

  /** @param isExact - whether garbage does not count, which takes `node --expose-gc` and much time */
  constructor(isExact: boolean) {
    this.#inUse = isExact ? liveHeap : process.memoryUsage.rss
    this.#start = this.#inUse()
    this.#peak = this.#start
  }

  /** Looks, unless it has looked a moment ago. */
  sample(): void {
    const now = performance.now()
    if (now - this.#sampledAt < SAMPLE_MS) return
    this.#peak = Math.max(this.#peak, this.#inUse())
    this.#sampledAt = performance.now()
  }

  get peakMiB(): number {
    return (this.#peak - this.#start) / 2 ** 20
  }
}

function liveHeap(): number {
  globalThis.gc?.()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}
