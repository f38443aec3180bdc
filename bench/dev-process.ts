import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

/** `npm run dev` as a process of its own. */
export class DevProcess implements AsyncDisposable {
  readonly url: string
  readonly #child: ChildProcess

  private constructor(url: string, child: ChildProcess) {
    this.url = url
    this.#child = child
  }

  /** Starts the dev server on a free port; resolves when it is ready. */
  static async start(...flags: readonly string[]): Promise<DevProcess> {
    const entry = fileURLToPath(new URL('../local/dev.ts', import.meta.url))
    const child = spawn(process.execPath, [entry, '--port', '0', '--quiet', ...flags], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    for await (const line of createInterface({ input: child.stdout })) {
      const url = /^ready (\S+)$/.exec(line)?.[1]
      if (url === undefined) continue
      child.stdout.resume()
      return new DevProcess(url, child)
    }
    throw new Error('the dev server ended before it was ready')
  }

  /** Memory of the process in KiB, shared pages in proportion; undefined where the system does not tell. */
  get memoryKiB(): number | undefined {
    try {
      const rollup = readFileSync(`/proc/${this.#child.pid}/smaps_rollup`, 'latin1')
      return Number(/^Pss:\s+(\d+)/m.exec(rollup)?.[1])
    } catch {
      return undefined
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = once(this.#child, 'exit')
    this.#child.kill('SIGTERM')
    await ended
  }
}
