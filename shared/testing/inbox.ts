/** Things that arrive, to be taken one by one, with a bound on the wait. */
export class Inbox<T> {
  readonly #waiting: T[] = []
  readonly #takers = new Set<() => void>()
  #end: Error | undefined

  put(item: T): void {
    this.#waiting.push(item)
    for (const wake of this.#takers) wake()
  }

  /** Ends the inbox: once it is empty, takers get `reason`. */
  end(reason: Error): void {
    this.#end = reason
    for (const wake of this.#takers) wake()
  }

  get isEmpty(): boolean {
    return this.#waiting.length === 0
  }

  /** The next thing, waiting for it `timeoutMs` milliseconds at most. A time-out changes nothing. */
  async take(timeoutMs: number, what: string): Promise<T> {
    if (this.isEmpty && this.#end === undefined) await this.#wait(timeoutMs)
    if (!this.isEmpty) return this.#waiting.shift() as T
    throw this.#end ?? new Error(`no ${what} arrived within ${timeoutMs} ms`)
  }

  /** Whether nothing arrives for `timeoutMs` milliseconds. */
  async staysEmpty(timeoutMs: number): Promise<boolean> {
    if (this.isEmpty && this.#end === undefined) await this.#wait(timeoutMs)
    return this.isEmpty
  }

  #wait(timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        clearTimeout(timer)
        this.#takers.delete(wake)
        resolve()
      }
      const timer = setTimeout(wake, timeoutMs)
      this.#takers.add(wake)
    })
  }
}
