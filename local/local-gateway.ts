import type { Server } from 'node:http'
import { type Clock, systemClock } from '../shared/clock.ts'
import type { Logger } from '../shared/logger.ts'
import { ConnectionsApi } from './connections-api.ts'
import { Connections } from './connections.ts'
import { Faults } from './faults.ts'
import { Handshakes } from './handshake.ts'
import {
  addressesOf,
  listenOn,
  type LocalAddresses,
  type PageHandler,
  refusePage,
  servePage,
} from './http-server.ts'
import { Invoker } from './invoker.ts'
import type { LambdaFunction } from './lambda-function.ts'
import { type DeadLetter, LocalQueue } from './local-queue.ts'
import { defaultPolicies, type GatewayPolicies } from './policies.ts'
import { QueueApi } from './queue-api.ts'
import { Routes } from './routes.ts'
import { stderrLogger } from './stderr-logger.ts'

const CLOSE_GRACE_MS = 500

/** The Lambda functions behind the gateway. */
export interface LocalFunctions {
  /** Serves `$connect`, `$default` and `$disconnect`. */
  readonly websocket: LambdaFunction
  /** Receives the delivery queue's batches. */
  readonly delivery?: LambdaFunction
  /** A Lambda REQUEST authorizer of `$connect`. */
  readonly authorizer?: LambdaFunction
  /** Further routes by key; `false` takes `$connect`, `$default` or `$disconnect` away. */
  readonly routes?: Readonly<Record<string, LambdaFunction | false>>
}

/** Options of {@link startLocalGateway}. */
export interface LocalGatewayOptions {
  /** The functions, or a function that makes them once the addresses are known. */
  readonly functions: LocalFunctions | ((addresses: LocalAddresses) => LocalFunctions)
  /** Default `127.0.0.1`. */
  readonly host?: string
  /** Default 0: any free port. */
  readonly port?: number
  /** Default `prod`. */
  readonly stage?: string
  /** Default `$request.body.action`. */
  readonly routeSelectionExpression?: string
  /** Keys of routes whose function's `body` is sent back to the client. */
  readonly twoWayRoutes?: readonly string[]
  /** What the authorizer insists on, such as `route.request.querystring.token`. */
  readonly identitySources?: readonly string[]
  /** Serves every HTTP request that is not for `@connections` or SQS: the pages. */
  readonly http?: PageHandler
  /** Paths below it become the `path` query parameter, as the CloudFront front does. Default `/ws/`. */
  readonly socketPathPrefix?: string
  readonly policies?: Partial<GatewayPolicies>
  readonly clock?: Clock
  /** Default: warnings and errors to standard error. */
  readonly logger?: Logger
}

/** A running API Gateway WebSocket API on this machine. */
export interface LocalGateway extends LocalAddresses {
  /** The open connections. */
  readonly connections: { readonly count: number; ids(): string[] }
  /** What goes wrong on purpose. */
  readonly faults: Faults
  /** Queue messages that failed for good. */
  readonly deadLetters: readonly DeadLetter[]
  /** Puts a message into the delivery queue, as `SendMessage` does. */
  enqueue(body: string, options?: { readonly delaySeconds?: number }): void
  /** Resolves when no invocation is running and the queue is empty, delayed messages included. */
  idle(): Promise<void>
  /** Closes every socket with 1001, lets `$disconnect` run for a moment, and frees everything. */
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

/**
 * Starts an API Gateway WebSocket API on this machine, with the Lambda functions behind it, the `@connections` API
 * and an SQS queue: one port, nothing to install.
 *
 * It behaves as docs/reference/gateway-conformance.md says, which also tells how sure each fact is.
 *
 * @example
 * ```ts
 * await using gateway = await startLocalGateway({ functions: { websocket: inProcessFunction(handler) } })
 * const socket = new WebSocket(`${gateway.websocketUrl}?path=/ws/chat/lobby/`)
 * ```
 *
 * @throws Error if the port is in use; the message says what to do
 */
export async function startLocalGateway(options: LocalGatewayOptions): Promise<LocalGateway> {
  const { host = '127.0.0.1', port = 0, stage = 'prod' } = options
  const server = await listenOn(host, port)
  try {
    return new RunningGateway(server, addressesOf(server, host, stage), options)
  } catch (error) {
    server.close()
    throw error
  }
}

class RunningGateway implements LocalGateway {
  readonly url: string
  readonly websocketUrl: string
  readonly managementEndpoint: string
  readonly queueUrl: string
  readonly port: number
  readonly faults: Faults = new Faults()
  readonly connections: Connections
  readonly #server: Server
  readonly #invoker: Invoker
  readonly #queue: LocalQueue
  readonly #queueApi: QueueApi
  readonly #handshakes: Handshakes
  readonly #functions: ReadonlySet<LambdaFunction>
  #closing: Promise<void> | undefined

  constructor(server: Server, addresses: LocalAddresses, options: LocalGatewayOptions) {
    this.url = addresses.url
    this.websocketUrl = addresses.websocketUrl
    this.managementEndpoint = addresses.managementEndpoint
    this.queueUrl = addresses.queueUrl
    this.port = addresses.port
    this.#server = server

    const { clock = systemClock, logger = stderrLogger, stage = 'prod', socketPathPrefix = '/ws/' } = options
    const policies = { ...defaultPolicies, ...options.policies }
    const functions =
      typeof options.functions === 'function' ? options.functions(addresses) : options.functions
    const routes = new Routes({ ...options, ...functions })
    const { faults } = this
    const invoker = new Invoker(clock, policies.integrationTimeoutMs)
    const connections = new Connections({ routes, invoker, policies, faults, clock, logger })
    this.#invoker = invoker
    this.connections = connections
    this.#queue = new LocalQueue({ target: functions.delivery, invoker, policies, clock, logger })
    this.#functions = new Set([
      ...routes.functions(),
      ...[functions.delivery, functions.authorizer].filter(isPresent),
    ])

    this.#handshakes = new Handshakes({
      rules: { stage, socketPathPrefix },
      routes,
      authorizer: functions.authorizer,
      identitySources: options.identitySources ?? [],
      invoker,
      policies,
      faults,
      clock,
      logger,
      opened: (connection) => connections.add(connection),
      vanished: (facts, ending) => {
        if (policies.disconnectAfterVanishing) connections.disconnect(facts, ending)
      },
    })
    server.on('upgrade', (request, socket, head) => void this.#handshakes.upgrade(request, socket, head))
    const api = new ConnectionsApi({ stage, connections, policies, faults, clock, logger })
    this.#queueApi = new QueueApi(this.#queue, () => this.queueUrl)
    const pages: PageHandler =
      options.http ?? ((request, response) => refusePage(request, response, { stage, policies }))
    server.on('request', (request, response) => {
      if (api.serve(request, response) || this.#queueApi.serve(request, response)) return
      servePage(pages, { request, response, logger })
    })
  }

  get deadLetters(): readonly DeadLetter[] {
    return this.#queue.deadLetters
  }

  enqueue(body: string, options: { readonly delaySeconds?: number } = {}): void {
    this.#queue.send({ body, ...options })
  }

  async idle(): Promise<void> {
    do {
      await this.#invoker.quiet()
      await this.#queue.drained()
    } while (this.#invoker.running > 0)
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #close(): Promise<void> {
    this.#queue.close()
    this.#queueApi.close()
    this.#handshakes.close()
    this.connections.closeAll()
    await atMost(CLOSE_GRACE_MS, this.connections.empty())
    this.connections.destroy()
    await atMost(CLOSE_GRACE_MS, this.#invoker.quiet())
    this.#invoker.close()
    // Not before: what still runs may want to post, or to enqueue.
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()))
    this.#server.closeAllConnections()
    await Promise.all([...this.#functions].map(async (target) => target.close?.()))
    await closed
  }
}

async function atMost(ms: number, done: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const limit = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms)
  })
  await Promise.race([done, limit])
  clearTimeout(timer)
}

function isPresent<Value>(value: Value | undefined): value is Value {
  return value !== undefined
}
