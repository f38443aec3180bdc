import type { Server } from 'node:http'
import { type Clock, systemClock } from '../shared/clock.ts'
import { ConfigurationError } from '../shared/errors.ts'
import { HEARTBEAT_SELECTION, HEARTBEAT_TYPE } from '../shared/heartbeat.ts'
import type { Logger } from '../shared/logger.ts'
import { ConnectionsApi } from './connections-api.ts'
import { Connections } from './connections.ts'
import { Faults } from './faults.ts'
import { Handshakes } from './handshake.ts'
import { heartbeatIntegration } from './heartbeat-integration.ts'
import { HttpApi } from './http-api.ts'
import { addressesOf, listenOn, type LocalAddresses, refuseRequest } from './http-server.ts'
import { Invoker } from './invoker.ts'
import type { LambdaFunction } from './lambda-function.ts'
import type { DeadLetter } from './local-queue.ts'
import { DELIVERY, LocalQueues } from './local-queues.ts'
import { defaultPolicies, type GatewayPolicies } from './policies.ts'
import { QueueApi } from './queue-api.ts'
import { type RouteOptions, Routes } from './routes.ts'
import { serialIntegration } from './serial-integration.ts'
import { stderrLogger } from './stderr-logger.ts'

const CLOSE_GRACE_MS = 500

/** The Lambda functions behind the gateway. */
export interface LocalFunctions {
  /** Serves `$connect`, `$default` and `$disconnect`. */
  readonly websocket: LambdaFunction
  /** Serves HTTP requests: all that are neither handshakes nor for `@connections` or SQS. */
  readonly http?: LambdaFunction
  /** Receives the delivery queue's batches. */
  readonly delivery?: LambdaFunction
  /**
   * Serves frames and `$disconnect` in the order of each connection, from batches of a FIFO queue: `ordering: 'serial'`. Then
   * `websocket` serves `$connect` alone.
   */
  readonly serial?: LambdaFunction
  /** The functions of workers, by the name of the queue whose batches they receive. */
  readonly workers?: Readonly<Record<string, LambdaFunction>>
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
  /**
   * Whether the gateway itself answers the frame `{"type":"websocket.heartbeat"}` with the same, and no function hears of it.
   * Default false.
   */
  readonly heartbeat?: boolean
  /** What the authorizer insists on, such as `route.request.querystring.token`. */
  readonly identitySources?: readonly string[]
  /** Paths below it become the `path` query parameter, as the CloudFront front does. Default `/ws/`. */
  readonly socketPathPrefix?: string
  readonly policies?: Partial<GatewayPolicies>
  readonly clock?: Clock
  /** Default: warnings and errors to standard error. */
  readonly logger?: Logger
}

/** Where a message goes, and when. */
export interface EnqueueOptions {
  /** `delivery` by default, else that of a worker, or `serial.fifo`. */
  readonly queue?: string
  readonly delaySeconds?: number
  /** Of a FIFO queue: what the message keeps its order within. */
  readonly groupId?: string
}

/** A running API Gateway WebSocket API on this machine. */
export interface LocalGateway extends LocalAddresses {
  /** The open connections. */
  readonly connections: { readonly count: number; ids(): string[] }
  /** What goes wrong on purpose. */
  readonly faults: Faults
  /** Messages of all queues that failed for good. */
  readonly deadLetters: readonly DeadLetter[]
  /** Puts a message into the delivery queue, or another one, as `SendMessage` does. */
  enqueue(body: string, options?: EnqueueOptions): void
  /** Resolves when no invocation is running and all queues are empty, delayed messages included. */
  idle(): Promise<void>
  /** Closes every socket with 1001, lets `$disconnect` run for a moment, and frees everything. */
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

/**
 * Starts an API Gateway WebSocket API on this machine, with the Lambda functions behind it, an HTTP API beside it, the
 * `@connections` API and SQS queues: one port, nothing to install.
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
  readonly queueUrlOf: (name: string) => string
  readonly port: number
  readonly faults: Faults = new Faults()
  readonly connections: Connections
  readonly #server: Server
  readonly #invoker: Invoker
  readonly #queues: LocalQueues
  readonly #queueApi: QueueApi
  readonly #handshakes: Handshakes
  readonly #functions: ReadonlySet<LambdaFunction>
  #closing: Promise<void> | undefined

  constructor(server: Server, addresses: LocalAddresses, options: LocalGatewayOptions) {
    this.url = addresses.url
    this.websocketUrl = addresses.websocketUrl
    this.managementEndpoint = addresses.managementEndpoint
    this.queueUrl = addresses.queueUrl
    this.queueUrlOf = addresses.queueUrlOf
    this.port = addresses.port
    this.#server = server

    const { clock = systemClock, logger = stderrLogger, stage = 'prod', socketPathPrefix = '/ws/' } = options
    const policies = { ...defaultPolicies, ...options.policies }
    const functions =
      typeof options.functions === 'function' ? options.functions(addresses) : options.functions
    const { faults } = this
    const invoker = new Invoker(clock, policies.integrationTimeoutMs)
    const { delivery, serial, workers = {} } = functions
    this.#queues = new LocalQueues({ delivery, serial, workers, invoker, policies, faults, clock, logger })
    const routes = new Routes(routesOf(options, functions, this.#queues))
    const connections = new Connections({ routes, invoker, policies, faults, clock, logger })
    this.#invoker = invoker
    this.connections = connections
    this.#functions = new Set([
      ...routes.functions(),
      ...Object.values(workers),
      ...[delivery, serial, functions.authorizer, functions.http].filter(isPresent),
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
    this.#queueApi = new QueueApi(this.#queues, this.queueUrlOf)
    const http = functions.http && new HttpApi({ target: functions.http, invoker, clock, logger })
    server.on('request', (request, response) => {
      if (api.serve(request, response) || this.#queueApi.serve(request, response)) return
      if (http) void http.serve(request, response)
      else refuseRequest(request, response, { stage, policies })
    })
  }

  get deadLetters(): readonly DeadLetter[] {
    return this.#queues.deadLetters
  }

  enqueue(body: string, { queue = DELIVERY, ...options }: EnqueueOptions = {}): void {
    this.#queues.require(queue).send({ body, ...options })
  }

  async idle(): Promise<void> {
    do {
      await this.#invoker.quiet()
      await this.#queues.drained()
    } while (this.#invoker.running > 0)
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** Resolves when the ends of connections are served, and nothing is running. */
  async #quiet(): Promise<void> {
    await this.#queues.serial?.drained()
    await this.#invoker.quiet()
  }

  async #close(): Promise<void> {
    this.#queues.close()
    this.#queueApi.close()
    this.#handshakes.close()
    this.connections.closeAll()
    await atMost(CLOSE_GRACE_MS, this.connections.empty())
    this.connections.destroy()
    await atMost(CLOSE_GRACE_MS, this.#quiet())
    this.#queues.serial?.close()
    this.#invoker.close()
    // Not before: what still runs may want to post, or to enqueue.
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()))
    this.#server.closeAllConnections()
    await Promise.all([...this.#functions].map(async (target) => target.close?.()))
    await closed
  }
}

/** The three routes of the function, as far as a queue does not take them, the heartbeat's, and further ones. */
function routesOf(
  options: LocalGatewayOptions,
  { websocket, routes }: LocalFunctions,
  { serial }: LocalQueues,
): RouteOptions {
  const { heartbeat = false, routeSelectionExpression = HEARTBEAT_SELECTION, twoWayRoutes = [] } = options
  if (heartbeat && routeSelectionExpression !== HEARTBEAT_SELECTION) {
    throw new ConfigurationError(
      `routeSelectionExpression is "${routeSelectionExpression}" and heartbeat is on, whose route is selected by "${HEARTBEAT_SELECTION}": leave one of them out`,
    )
  }
  const intoQueue = serial && serialIntegration(serial)
  return {
    ...options,
    ...(heartbeat && {
      routeSelectionExpression,
      twoWayRoutes: [...twoWayRoutes, HEARTBEAT_TYPE],
    }),
    websocket,
    routes: {
      ...(intoQueue && { $default: intoQueue, $disconnect: intoQueue }),
      ...(heartbeat && { [HEARTBEAT_TYPE]: heartbeatIntegration }),
      ...routes,
    },
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
