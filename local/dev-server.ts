import { relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ConfigurationError } from '../shared/errors.ts'
import { tableDefinition } from '../shared/backends/dynamodb/table.ts'
import { withAccessLog } from './dev-access-log.ts'
import { requireCompilable } from './dev-compile.ts'
import {
  DEV_TABLE,
  type DevFunctions,
  functionEnvironment,
  loadInProcess,
  startContainers,
  whenStarted,
} from './dev-functions.ts'
import type { DevOptions } from './dev-options.ts'
import type { DevOutput } from './dev-output.ts'
import { DevPages } from './dev-pages.ts'
import { type SourceWatch, watchSources } from './dev-watch.ts'
import { type EmbeddedDynamoDB, startEmbeddedDynamoDB } from './embedded-dynamodb.ts'
import type { LocalAddresses } from './http-server.ts'
import { CLOSED } from './lambda-function.ts'
import { type LocalGateway, startLocalGateway } from './local-gateway.ts'
import { stderrLogger } from './stderr-logger.ts'

const ROOT = new URL('../', import.meta.url)
const WATCHED = ['functions', 'shared', 'examples']
const VIEWS = new URL('examples/chat/views.ts', ROOT)
const ENTRIES = {
  websocket: new URL('functions/websocket.ts', ROOT),
  delivery: new URL('functions/delivery.ts', ROOT),
}

/** A running dev server. */
export interface DevServer {
  readonly addresses: LocalAddresses
  /** Closes every socket, and ends all that was started. */
  close(): Promise<void>
}

/**
 * Starts what `npm run dev` serves: an API Gateway, the functions behind it, a store for them, the pages, and a
 * watch on the sources. What was started is ended again if something does not start.
 *
 * @throws Error in one sentence: the port is in use, a source does not compile or load
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
  readonly #output: DevOutput
  readonly #pages = new DevPages(VIEWS)
  readonly #functions = Promise.withResolvers<DevFunctions>()
  #gateway: LocalGateway | undefined
  #database: EmbeddedDynamoDB | undefined
  #watch: SourceWatch | undefined
  #reloading: Promise<void> = Promise.resolve()

  constructor(options: DevOptions, output: DevOutput) {
    this.#options = options
    this.#output = output
    // Invocations tell of a failed start; a start that fails before the first one is told by start().
    this.#functions.promise.catch(() => undefined)
  }

  async start(): Promise<DevServer> {
    // The gateway comes first: a port that is in use is told at once, and the functions need its addresses.
    const gateway = await this.#startGateway()
    await requireCompilable([ENTRIES.websocket, ENTRIES.delivery, VIEWS], ROOT)
    await this.#pages.load()
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
    // First the gateway, so that the functions still serve the disconnects of its sockets.
    await this.#gateway?.close()
    this.#functions.reject(new StartCut())
    await this.#functions.promise.then((functions) => functions.close(), ignoreNeverStarted)
    await this.#database?.close()
  }

  async #startGateway(): Promise<LocalGateway> {
    const { host, port } = this.#options
    const functions = {
      websocket: withAccessLog(whenStarted(this.#functions.promise, 'websocket'), this.#output.access),
      delivery: whenStarted(this.#functions.promise, 'delivery'),
    }
    try {
      this.#gateway = await startLocalGateway({
        host,
        port,
        functions,
        http: (request, response) => this.#pages.serve(request, response),
        logger: { ...stderrLogger, info: (message) => this.#output.access(message) },
      })
      return this.#gateway
    } catch (error) {
      throw explainListenFailure(error, this.#options)
    }
  }

  async #startFunctions(addresses: LocalAddresses): Promise<DevFunctions> {
    const { layer } = this.#options
    if (layer === 'memory') {
      const env = functionEnvironment({ layer, addresses })
      return await this.#output.step('functions in this process', () => loadInProcess(ENTRIES, env))
    }
    const database = await this.#output.step('embedded DynamoDB', () =>
      startEmbeddedDynamoDB({ tables: [tableDefinition(DEV_TABLE)] }),
    )
    this.#database = database
    const env = functionEnvironment({ layer, addresses, databaseEndpoint: database.endpoint })
    return await this.#output.step('functions in containers', () => startContainers(ENTRIES, env))
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
      await requireCompilable([ENTRIES.websocket, ENTRIES.delivery, VIEWS], ROOT)
      await functions.reload()
      await this.#pages.load()
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
