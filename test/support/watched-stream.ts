import { vi } from 'vitest'

/** What is written to a stream of the process from now on, line by line, and nowhere else, until it is disposed of. */
export class WatchedStream implements Disposable {
  readonly #written: string[] = []
  readonly #spy

  constructor(stream: 'stdout' | 'stderr' = 'stdout') {
    this.#spy = vi.spyOn(process[stream], 'write').mockImplementation((chunk) => {
      this.#written.push(String(chunk))
      return true
    })
  }

  get lines(): readonly string[] {
    return this.#written
      .join('')
      .split('\n')
      .filter((line) => line !== '')
  }

  /** Each line, as the JSON that it is. */
  get objects(): readonly Record<string, unknown>[] {
    return this.lines.map((line) => JSON.parse(line) as Record<string, unknown>)
  }

  [Symbol.dispose](): void {
    this.#spy.mockRestore()
  }
}
