import { relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ConfigurationError } from '../shared/errors.ts'
import { tableDefinition } from '../shared/backends/dynamodb/table.ts'
import { announceDevServer } from '../cli/dev-servers.ts'
import { type OpenPaths, withAccessLog, withRequestLog, withSerialAccessLog } from './dev-access-log.ts'
import { requireCompilable } from './dev-compile.ts'
import {
  DEV_TABLE,
  DEV_WORKER_QUEUE,
  type DevEntries,
  type DevFunctionName,
  type DevFunctions,
  functionEnvironment,
  loadInProcess,
  redisPrefix,
  startContainers,
  whenStarted,
} from './dev-functions.ts'
import { pageHosts } from './dev-network.ts'
import type { DevOptions } from './dev-options.ts'
import type { DevOutput } from './dev-output.ts'
import { type SourceWatch, watchSources } from './dev-watch.ts'
import { type EmbeddedDynamoDB, startEmbeddedDynamoDB } from './embedded-dynamodb.ts'
import type { LocalAddresses } from './http-server.ts'
import { CLOSED, type LambdaFunction } from './lambda-function.ts'
import { type LocalFunctions, type LocalGateway, startLocalGateway } from './local-gateway.ts'
import { stderrLogger } from './stderr-logger.ts'

const ROOT = new URL('../', import.meta.url)
const WATCHED = ['functions', 'shared', 'examples']

function entriesOf({ ordering }: DevOptions): DevEntries {
  return {
    websocket: new URL('functions/websocket.ts', ROOT),
    http: new URL('functions/http.ts', ROOT),
    delivery: new URL('functions/delivery.ts', ROOT),
    worker: new URL('functions/worker.ts', ROOT),
    ...(ordering === 'serial' && { serial: new URL('functions/serial.ts', ROOT) }),
  }
}

/** A running dev server. */
export interface DevServer {
  readonly addresses: LocalAddresses
  /** Closes every socket, and ends all that was started. */
  close(): Promise<void>
}

/**
 * Starts what `npm run dev` serves: an API Gateway, the functions behind it, a store for them, and a watch on the
 * sources. What was started is ended again if something does not start.
 *
 * @throws Error in one sentence: the port is in use, a source does not compile or load, no Redis answers
 */
export async function startDevServer(options: DevOptions, output: DevOutput): Promise<DevServer> {
  const server = new RunningDevServer(options, output)
  try {
    return await server.start()
  } catch (error) {
    await server.close()
    throw error
  }
}

class RunningDevServer {
  readonly #options: DevOptions
  readonly #entries: DevEntries
  readonly #output: DevOutput
  readonly #functions = Promise.withResolvers<DevFunctions>()
  #gateway: LocalGateway | undefined
  #database: EmbeddedDynamoDB | undefined
  #watch: SourceWatch | undefined
  /** Takes away what the command line finds this server by. */
  #withdraw: (() => Promise<void>) | undefined
  #reloading: Promise<void> = Promise.resolve()

  constructor(options: DevOptions, output: DevOutput) {
    this.#options = options
    this.#entries = entriesOf(options)
    this.#output = output
    // Invocations tell of a failed start; a start that fails before the first one is told by start().
    this.#functions.promise.catch(() => undefined)
  }

  async start(): Promise<DevServer> {
    // The gateway comes first: a port that is in use is told at once, and the functions need its addresses.
    const gateway = await this.#startGateway()
    await requireCompilable(Object.values(this.#entries), ROOT)
    try {
      this.#functions.resolve(await this.#startFunctions(gateway))
    } catch (error) {
      this.#functions.reject(error)
      throw error
    }
    this.#watch = watchSources({
      folders: WATCHED.map((folder) => fileURLToPath(new URL(folder, ROOT))),
      onChange: (files) => this.#sourcesChanged(files),
      onError: (error) => this.#output.problem(`sources are no longer watched: ${error.message}`),
    })
    return { addresses: gateway, close: () => this.close() }
  }

  async close(): Promise<void> {
    this.#watch?.close()
    await this.#withdraw?.()
    // First the gateway, so that the functions still serve the disconnects of its sockets.
    await this.#gateway?.close()
    this.#functions.reject(new StartCut())
    await this.#functions.promise.then((functions) => functions.close(), ignoreNeverStarted)
    await this.#database?.close()
  }

  async #startGateway(): Promise<LocalGateway> {
    const { host, port } = this.#options
    try {
      this.#gateway = await startLocalGateway({
        host,
        port,
        functions: this.#gatewayFunctions(),
        heartbeat: true,
        logger: { ...stderrLogger, info: (message) => this.#output.access(message) },
      })
      return this.#gateway
    } catch (error) {
      throw explainListenFailure(error, this.#options)
    }
  }

  #gatewayFunctions(): LocalFunctions {
    const { access } = this.#output
    const started = (name: DevFunctionName): LambdaFunction => whenStarted(this.#functions.promise, name)
    const paths: OpenPaths = new Map()
    return {
      websocket: withAccessLog(started('websocket'), access, paths),
      http: withRequestLog(started('http'), access),
      delivery: started('delivery'),
      workers: { [DEV_WORKER_QUEUE]: started('worker') },
      ...(this.#options.ordering === 'serial' && {
        serial: withSerialAccessLog(started('serial'), access, paths),
      }),
    }
  }

  async #startFunctions(addresses: LocalAddresses): Promise<DevFunctions> {
    const { layer, redisUrl, host } = this.#options
    const allowedHosts = pageHosts(host)
    const store = await this.#startStore(addresses)
    const env = functionEnvironment({ layer, addresses, redisUrl, allowedHosts, ...store })
    const functions =
      layer === 'memory'
        ? await this.#output.step('functions in this process', () => loadInProcess(this.#entries, env))
        : await this.#output.step('functions in containers', () => startContainers(this.#entries, env))
    await this.#announce(addresses, env)
    return functions
  }

  /** A server that the command line cannot find is still one. */
  async #announce({ url, port }: LocalAddresses, env: Readonly<Record<string, string>>): Promise<void> {
    try {
      this.#withdraw = await announceDevServer({ pid: process.pid, url, port, env })
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      this.#output.problem(`npx lambda-channels will not find this server: ${reason}`)
    }
  }

  async #startStore(addresses: LocalAddresses): Promise<{ readonly databaseEndpoint?: string }> {
    const { layer, redisUrl } = this.#options
    if (layer === 'redis') {
      // It loads ioredis, which nobody else needs.
      const { requireRedis, withoutPassword } = await import('./dev-redis.ts')
      await this.#output.step(`Redis at ${withoutPassword(redisUrl)}`, () =>
        requireRedis(redisUrl, redisPrefix(addresses)),
      )
    }
    if (layer !== 'dynamodb') return {}
    this.#database = await this.#output.step('embedded DynamoDB', () =>
      startEmbeddedDynamoDB({ tables: [tableDefinition(DEV_TABLE)] }),
    )
    return { databaseEndpoint: this.#database.endpoint }
  }

  /** One reload at a time: what changes during one is in the next. */
  #sourcesChanged(files: readonly string[]): void {
    this.#reloading = this.#reloading.then(() => this.#reload(files))
  }

  async #reload(files: readonly string[]): Promise<void> {
    const changed = files.map((file) => relative(fileURLToPath(ROOT), file)).join(', ')
    const functions = await this.#functions.promise
    if (!functions.reload) return this.#output.line(`${changed} changed: restart to load it`)
    const startedAt = performance.now()
    try {
      await requireCompilable(Object.values(this.#entries), ROOT)
      await functions.reload()
      this.#output.line(`reloaded (${changed}) in ${Math.round(performance.now() - startedAt)} ms`)
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      this.#output.problem(`not reloaded, the code of before goes on: ${reason}`)
    }
  }
}

/** What invocations are told that waited for functions which will not start any more. */
class StartCut extends Error {
  override readonly name = CLOSED

  constructor() {
    super('the dev server is closed')
  }
}

function ignoreNeverStarted(): void {
  // There is nothing to end, and start() has thrown the reason.
}

function explainListenFailure(error: unknown, { host, port }: DevOptions): unknown {
  const { syscall, code } = error as NodeJS.ErrnoException
  if (syscall === undefined) return error
  return new ConfigurationError(
    `cannot listen on ${host}, port ${port} (${code}): choose another --host or --port`,
    {
      cause: error,
    },
  )
}
