import { randomUUID } from 'node:crypto'
import { availableParallelism } from 'node:os'
import { basename, extname, isAbsolute, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { systemClock } from '../shared/clock.ts'
import { Container, type ContainerOptions } from './container.ts'
import { Deadlines } from './deadlines.ts'
import {
  closedResult,
  type InvokeOptions,
  killedResult,
  type LambdaFunction,
  type LambdaResult,
} from './lambda-function.ts'
import { ProcessorIdle } from './processor-idle.ts'

// Lambda's own limit for the init phase.
const INIT_TIMEOUT_MS = 10_000

/** Options of {@link containerPool}. */
export interface ContainerPoolOptions {
  /** The module: a file URL or a path. TypeScript is run as Node.js runs it, by stripping the types. */
  readonly entry: string | URL
  /** Name of the exported handler. Default `handler`. */
  readonly handler?: string
  /** The function's environment. Nothing is inherited; what Lambda itself sets is added. */
  readonly env?: Readonly<Record<string, string>>
  /** Default: the file's name. */
  readonly functionName?: string
  /** Containers that are started ahead. Default 0. */
  readonly minContainers?: number
  /**
   * Containers at most; further invocations wait in line. Default 32. One more than there are processors start as
   * soon as they are needed, more only while the machine has time to spare: on a busy one more would not help.
   */
  readonly maxContainers?: number
  /** When Lambda gives up on an invocation, in milliseconds. Default 29 000. */
  readonly timeoutMs?: number
  /** Memory size of the function, and the heap limit of a container. Default: reported as 1024, not enforced. */
  readonly memoryMB?: number
}

/** A Lambda function in containers of its own. */
export interface ContainerPool extends LambdaFunction {
  /** Containers there are, and those of them that are working. */
  readonly size: number
  readonly busy: number
  /**
   * Resolves when one container has loaded the module.
   *
   * @throws Error with the file and the cause if it cannot be loaded
   */
  ready(): Promise<void>
  /**
   * Replaces all containers by fresh ones, which load the module anew; running invocations finish on the old code.
   *
   * @throws Error as {@link ContainerPool.ready}
   */
  reload(): Promise<void>
  close(): Promise<void>
}

/**
 * A Lambda function whose execution environments are worker threads.
 *
 * As in Lambda: each container loads the module afresh and shares no state with the others, serves one invocation at a
 * time, and stays warm for the next; the one used last is preferred; a busy pool starts another, up to the maximum.
 * A container that times out, crashes or calls `process.exit` fails its invocation and is replaced.
 * Unlike Lambda, a container is not frozen between invocations.
 */
export function containerPool(options: ContainerPoolOptions): ContainerPool {
  return new WorkerPool(options)
}

/** Containers that start as soon as an invocation needs them. */
const EAGER_CONTAINERS = availableParallelism() + 1

/** How often a line of waiting invocations is looked at, in milliseconds, and how much of the machine must be idle for more. */
const GROWTH_MS = 50
const SPARE = 0.3

interface Waiting {
  readonly event: string
  readonly signal: AbortSignal | undefined
  readonly settle: (result: LambdaResult) => void
}

class WorkerPool implements ContainerPool {
  readonly #options: ContainerOptions
  readonly #minContainers: number
  readonly #maxContainers: number
  readonly #timeout: LambdaResult
  readonly #deadlines: Deadlines
  readonly #initDeadlines = new Deadlines(systemClock, INIT_TIMEOUT_MS)
  readonly #waiting: Waiting[] = []
  /** Of the present code. */
  #containers = new Set<Container>()
  /** Loaded and free; the last one was used last. */
  #warm: Container[] = []
  readonly #retired = new Set<Container>()
  #starting = 0
  #growth: NodeJS.Timeout | undefined
  #isClosed = false

  constructor(options: ContainerPoolOptions) {
    const { minContainers = 0, maxContainers = 32, timeoutMs = 29_000 } = options
    this.#options = containerOptions(options)
    this.#minContainers = minContainers
    this.#maxContainers = Math.max(1, maxContainers)
    this.#timeout = { kind: 'timeout', timeoutMs }
    this.#deadlines = new Deadlines(systemClock, timeoutMs)
    this.#startAhead(minContainers)
  }

  get size(): number {
    return this.#containers.size
  }

  get busy(): number {
    return this.#containers.size - this.#warm.length
  }

  invoke(event: object, { signal }: InvokeOptions = {}): Promise<LambdaResult> {
    return new Promise((settle) => {
      this.#waiting.push({ event: JSON.stringify(event), signal, settle })
      this.#dispatch()
    })
  }

  async ready(): Promise<void> {
    this.#startAhead(1)
    const [container] = this.#containers
    const failure = await container?.loaded
    if (failure !== undefined)
      throw new Error(failure.message, { cause: new Error(failure.trace.join('\n')) })
  }

  async reload(): Promise<void> {
    const idle = this.#warm
    for (const container of this.#containers) this.#retired.add(container)
    this.#warm = []
    this.#containers = new Set()
    await Promise.all(idle.map((container) => this.#discard(container)))
    this.#startAhead(this.#minContainers)
    this.#dispatch()
    await this.ready()
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#deadlines.close()
    clearTimeout(this.#growth)
    this.#initDeadlines.close()
    for (const { settle } of this.#waiting.splice(0)) settle(closedResult)
    const all = [...this.#containers, ...this.#retired]
    this.#containers.clear()
    this.#retired.clear()
    this.#warm = []
    await Promise.all(all.map((container) => container.terminate(closedResult)))
  }

  /** Starts containers until there are `count`. */
  #startAhead(count: number): void {
    while (!this.#isClosed && this.#containers.size < Math.min(count, this.#maxContainers)) void this.#start()
  }

  async #start(): Promise<void> {
    const container = new Container(this.#options)
    this.#containers.add(container)
    this.#starting += 1
    const deadline = this.#initDeadlines.set(() => void container.terminate(initTimeout))
    const failure = await container.loaded
    this.#initDeadlines.clear(deadline)
    this.#starting -= 1
    if (failure === undefined) return this.#release(container)
    await this.#discard(container)
    // The failed start belongs to the invocation that was waiting for it, as in Lambda.
    this.#waiting.shift()?.settle(failure)
    return this.#dispatch()
  }

  #dispatch(): void {
    if (this.#isClosed) {
      for (const { settle } of this.#waiting.splice(0)) settle(closedResult)
    }
    while (this.#waiting.length > 0) {
      const container = this.#warm.pop()
      if (container === undefined) break
      const next = this.#waiting.shift()
      if (next !== undefined) void this.#run(container, next)
    }
    this.#grow(Math.min(this.#containers.size + this.#waiting.length - this.#starting, EAGER_CONTAINERS))
    if (this.#waiting.length > this.#starting && this.#growth === undefined) this.#considerGrowth()
  }

  #grow(size: number): void {
    while (this.#containers.size < Math.min(size, this.#maxContainers)) void this.#start()
  }

  /** Invocations wait in line. More containers help if the ones there wait too, for a store or a timer. */
  #considerGrowth(): void {
    const idle = new ProcessorIdle()
    this.#growth = setTimeout(() => {
      this.#growth = undefined
      if (idle.share() > SPARE) this.#grow(this.#containers.size + 1)
      this.#dispatch()
    }, GROWTH_MS).unref()
  }

  async #run(container: Container, next: Waiting): Promise<void> {
    const deadline = this.#deadlines.set(() => void container.terminate(this.#timeout))
    const kill = (): void => void container.terminate(killedResult)
    if (next.signal?.aborted) kill()
    next.signal?.addEventListener('abort', kill, { once: true })
    const result = await container.run({
      event: next.event,
      awsRequestId: randomUUID(),
      deadline: deadline.at,
    })
    this.#deadlines.clear(deadline)
    // It serves others from here on.
    next.signal?.removeEventListener('abort', kill)
    next.settle(result)
    this.#release(container)
  }

  /** A container is free: the next invocation gets it, unless it is dead or outdated. */
  #release(container: Container): void {
    if (container.isDead || !this.#containers.has(container)) void this.#discard(container)
    else this.#warm.push(container)
    this.#dispatch()
  }

  async #discard(container: Container): Promise<void> {
    this.#containers.delete(container)
    this.#retired.delete(container)
    await container.terminate()
  }
}

const initTimeout: LambdaResult = {
  kind: 'error',
  errorType: 'Runtime.InitTimeout',
  message: `the module did not load within ${INIT_TIMEOUT_MS} ms: look for a top-level await that never ends`,
  trace: [],
}

function containerOptions(options: ContainerPoolOptions): ContainerOptions {
  const { handler = 'handler', env = {}, memoryMB } = options
  const url = entryUrl(options.entry)
  const file = fileURLToPath(url)
  const functionName = options.functionName ?? basename(file, extname(file))
  const size = memoryMB ?? 1024
  return {
    entry: url.href,
    handler,
    functionName,
    memoryMB: size,
    heapMB: memoryMB,
    env: {
      ...lambdaEnvironment({
        functionName,
        memoryMB: size,
        handler: `${basename(file, extname(file))}.${handler}`,
      }),
      ...env,
    },
  }
}

function entryUrl(entry: string | URL): URL {
  if (entry instanceof URL) return entry
  if (entry.startsWith('file:')) return new URL(entry)
  return pathToFileURL(isAbsolute(entry) ? entry : resolve(entry))
}

// What Lambda defines for every function, with credentials that work nowhere.
function lambdaEnvironment(about: {
  functionName: string
  memoryMB: number
  handler: string
}): Record<string, string> {
  return {
    AWS_LAMBDA_FUNCTION_NAME: about.functionName,
    AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(about.memoryMB),
    AWS_LAMBDA_LOG_GROUP_NAME: `/aws/lambda/${about.functionName}`,
    AWS_REGION: 'us-east-1',
    AWS_DEFAULT_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'local',
    AWS_SECRET_ACCESS_KEY: 'local',
    AWS_SESSION_TOKEN: 'local',
    TZ: ':UTC',
    _HANDLER: about.handler,
  }
}
