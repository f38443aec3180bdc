import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'

/** How a process ended. */
export interface Exit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/** Options of {@link Spawned}. */
export interface SpawnOptions {
  readonly cwd?: string
  /** Set on top of this process's own; `undefined` takes one away. */
  readonly env?: Readonly<Record<string, string | undefined>>
}

const PATIENCE_MS = 45_000

/** A process of a test, with all it has written so far. */
export class Spawned implements AsyncDisposable {
  readonly exit: Promise<Exit>
  #child: ChildProcessWithoutNullStreams
  #stdout = ''
  #stderr = ''
  #hasExited = false

  constructor(file: string, args: readonly string[], options: SpawnOptions = {}) {
    const env = { ...process.env, ...options.env }
    this.#child = spawn(file, args, { ...(options.cwd === undefined ? {} : { cwd: options.cwd }), env })
    this.#child.stdout.setEncoding('utf8').on('data', (text: string) => (this.#stdout += text))
    this.#child.stderr.setEncoding('utf8').on('data', (text: string) => (this.#stderr += text))
    // 'close' comes after the last output, 'exit' may not.
    this.exit = once(this.#child, 'close').then(([code, signal]: unknown[]) => {
      this.#hasExited = true
      return { code, signal } as Exit
    })
  }

  get stdout(): string {
    return this.#stdout
  }

  get stderr(): string {
    return this.#stderr
  }

  /** Types a line. */
  type(line: string): void {
    this.#child.stdin.write(`${line}\n`)
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  /** Resolves when what was written to both streams matches `pattern`, with the match. */
  async waitFor(pattern: RegExp): Promise<RegExpExecArray> {
    const deadline = Date.now() + PATIENCE_MS
    for (;;) {
      const isLast = this.#hasExited || Date.now() > deadline
      const match = pattern.exec(`${this.#stdout}\n${this.#stderr}`)
      if (match) return match
      if (isLast) throw new Error(`no ${pattern} in the output:\n${this.#stdout}\n${this.#stderr}`)
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }

  /** Ends it with SIGTERM, or SIGKILL if that does not help. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#hasExited) return
    this.#child.kill('SIGTERM')
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), 10_000)
    await this.exit
    clearTimeout(timer)
  }
}
