import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { availableParallelism } from 'node:os'

const STDERR_CHARACTERS = 2000

/** A process that does not answer for so long never will. */
const PATIENCE_MS = 180_000

/** How a {@link PinnedProcess} is started. */
export interface PinnedOptions {
  readonly args?: readonly string[]
  /** Flags for Node. */
  readonly flags?: readonly string[]
  readonly env?: NodeJS.ProcessEnv
  /** The core that it runs on, and nowhere else. */
  readonly core: number
}

/** Whether processes can be kept on a core of their own here. */
export const canPin: boolean =
  availableParallelism() > 1 && spawnSync('taskset', ['-c', '0,1', 'true']).status === 0

/** A Node process on one core, that answers one question after the other. */
export class PinnedProcess implements AsyncDisposable {
  readonly #child: ChildProcess
  readonly #exited: Promise<unknown>
  #stderr = ''

  constructor(file: string, { args = [], flags = [], env = {}, core }: PinnedOptions) {
    const command = [process.execPath, ...flags, file, ...args]
    const [program = '', ...rest] = canPin ? ['taskset', '-c', `${core}`, ...command] : command
    this.#child = spawn(program, rest, {
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      env: { ...process.env, ...env },
    })
    this.#exited = once(this.#child, 'exit')
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-STDERR_CHARACTERS)
    })
  }

  /** Sends `question`; resolves to the next message, and rejects if the process ends before it or takes minutes. */
  async ask<Answer>(question: object): Promise<Answer> {
    const settled = new AbortController()
    const answer = once(this.#child, 'message', settled).then(([message]) => message as Answer)
    const end = once(this.#child, 'exit', settled).then(([code, signal]) => {
      throw new Error(`the process ended (${code ?? signal}) before it answered: ${this.#stderr}`)
    })
    const patience = setTimeout(() => this.#child.kill('SIGKILL'), PATIENCE_MS)
    try {
      this.#child.send(question)
      return await Promise.race([answer, end])
    } finally {
      clearTimeout(patience)
      settled.abort()
      await Promise.allSettled([answer, end])
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.#exited
  }
}
