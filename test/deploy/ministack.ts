import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { openSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { bareEnvironment } from './environment.ts'
import { logTail } from './log-tail.ts'
import { installMiniStack } from './ministack-install.ts'

const START_MS = 60_000
const STOP_MS = 5_000

/** A MiniStack that listens on this machine only, with nothing in it. */
export class MiniStack implements AsyncDisposable {
  /** `http://localhost:{port}` */
  readonly endpoint: string
  /** Where its files are; removed with it. */
  readonly folder: string
  readonly #process: ChildProcess

  private constructor(process: ChildProcess, endpoint: string, folder: string) {
    this.#process = process
    this.endpoint = endpoint
    this.folder = folder
  }

  /** Where it writes its log. */
  get logPath(): string {
    return join(this.folder, 'ministack.log')
  }

  /** Installs it where that has not been done, starts it, and waits until it answers. */
  static async start(): Promise<MiniStack> {
    const command = await installMiniStack()
    const folder = await mkdtemp(join(tmpdir(), 'lambda-channels-deploy-'))
    const port = await freePort()
    const log = openSync(join(folder, 'ministack.log'), 'a')
    const child = spawn(command, {
      // Functions inherit this environment: nothing of the machine's own may help them.
      env: {
        ...bareEnvironment(folder),
        BIND_HOST: '127.0.0.1',
        GATEWAY_PORT: String(port),
        // Otherwise these listen on all interfaces.
        IOT_MTLS_ENABLED: '0',
        SFTP_ENABLED: '0',
        LAMBDA_EXECUTOR: 'local',
      },
      stdio: ['ignore', log, log],
      // A process group, so that functions it leaves behind can be ended too.
      detached: true,
    })
    const ministack = new MiniStack(child, `http://localhost:${port}`, folder)
    try {
      await ministack.#becomeReady()
      return ministack
    } catch (error) {
      await ministack[Symbol.asyncDispose]()
      throw error
    }
  }

  async #becomeReady(): Promise<void> {
    const deadline = Date.now() + START_MS
    while (!(await isAnswering(`${this.endpoint}/_ministack/health`))) {
      if (this.#hasExited || Date.now() > deadline) {
        throw new Error(`MiniStack did not start:\n${logTail(this.logPath)}`)
      }
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  }

  get #hasExited(): boolean {
    return this.#process.exitCode !== null || this.#process.signalCode !== null
  }

  /** Ends it with SIGTERM, or SIGKILL if that does not help, and what it has started. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#hasExited) {
      const exited = once(this.#process, 'exit')
      this.#process.kill('SIGTERM')
      // With a function that hangs it prints that it ends, and goes on.
      const timer = setTimeout(() => this.#process.kill('SIGKILL'), STOP_MS)
      await exited
      clearTimeout(timer)
    }
    this.#endGroup()
    await rm(this.folder, { recursive: true, force: true })
  }

  #endGroup(): void {
    const { pid } = this.#process
    if (pid === undefined) return
    try {
      process.kill(-pid, 'SIGKILL')
    } catch {
      // Nobody is left in it: the usual case.
    }
  }
}

async function isAnswering(url: string): Promise<boolean> {
  return await fetch(url).then(
    ({ ok }) => ok,
    () => false,
  )
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  if (address === null || typeof address === 'string') throw new Error('a listening server has no port')
  return address.port
}
