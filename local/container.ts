import { randomUUID } from 'node:crypto'
import { Worker } from 'node:worker_threads'
import type { ContainerInvocation, ContainerReport, ContainerStart } from './container-protocol.ts'
import type { LambdaResult } from './lambda-function.ts'

/** Why a container could not be started. */
export type LoadFailure = Extract<LambdaResult, { readonly kind: 'error' }>

/** What a container needs besides its entry. */
export interface ContainerOptions extends Omit<ContainerStart, 'logStreamName'> {
  readonly env: Readonly<Record<string, string>>
  /** Heap limit in MB; `undefined` for Node's own. */
  readonly heapMB: number | undefined
}

// Beside this file: a .ts in the sources, a .js in the package.
const WORKER_URL = new URL(
  `./container-worker${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`,
  import.meta.url,
)

/** One execution environment: a worker thread with its own module state that serves one invocation at a time. */
export class Container {
  /** Resolves when the module is loaded, with the reason if it could not be. */
  readonly loaded: Promise<LoadFailure | undefined>
  readonly #worker: Worker
  #settle: ((result: LambdaResult) => void) | undefined
  #loadSettled: (failure: LoadFailure | undefined) => void
  #isDead = false

  constructor(options: ContainerOptions) {
    const { promise, resolve } = Promise.withResolvers<LoadFailure | undefined>()
    this.loaded = promise
    this.#loadSettled = resolve
    const logStreamName = `local/${randomUUID()}`
    const { entry, handler, functionName, memoryMB, env, heapMB } = options
    this.#worker = new Worker(WORKER_URL, {
      workerData: { entry, handler, functionName, memoryMB, logStreamName } satisfies ContainerStart,
      env: { ...env, AWS_LAMBDA_LOG_STREAM_NAME: logStreamName },
      ...(heapMB !== undefined && { resourceLimits: { maxOldGenerationSizeMb: heapMB } }),
    })
    this.#worker.on('message', (report: ContainerReport) => this.#hear(report))
    this.#worker.on('error', (error: unknown) => this.#die(crash(error)))
    this.#worker.on('exit', (code) => this.#die(exited(code)))
  }

  /** Whether the thread has ended: it can serve nothing any more. */
  get isDead(): boolean {
    return this.#isDead
  }

  /** Runs one invocation. Call only while no other is running. */
  run(invocation: ContainerInvocation): Promise<LambdaResult> {
    return new Promise((resolve) => {
      if (this.#isDead) return resolve(exited(0))
      this.#settle = resolve
      return this.#worker.postMessage(invocation)
    })
  }

  /** Ends the thread; an invocation still running gets `result`. */
  async terminate(result: LambdaResult = exited(1)): Promise<void> {
    this.#die(result)
    await this.#worker.terminate()
  }

  #hear(report: ContainerReport): void {
    if (report.kind === 'loaded') return this.#loadSettled(undefined)
    if (report.kind === 'not-loaded') return this.#die({ ...report, kind: 'error' })
    return this.#finish(
      report.kind === 'ok'
        ? { kind: 'ok', value: report.value === undefined ? null : JSON.parse(report.value) }
        : report,
    )
  }

  #die(result: LambdaResult): void {
    if (this.#isDead) return
    this.#isDead = true
    this.#loadSettled(result.kind === 'error' ? result : exited(1))
    this.#finish(result)
  }

  #finish(result: LambdaResult): void {
    const settle = this.#settle
    this.#settle = undefined
    settle?.(result)
  }
}

function exited(code: number): LoadFailure {
  return {
    kind: 'error',
    errorType: 'Runtime.ExitError',
    message: `the container exited with code ${code} before it answered: find the process.exit(), or the crash in its output`,
    trace: [],
  }
}

function crash(error: unknown): LoadFailure {
  const { name, message, stack } =
    error instanceof Error ? error : { name: typeof error, message: String(error), stack: '' }
  return {
    kind: 'error',
    errorType: 'Runtime.UncaughtException',
    message: `the container crashed with an uncaught ${name}: ${message}`,
    trace: (stack ?? '').split('\n'),
  }
}
