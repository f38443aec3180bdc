import type { Application, ChannelScope, HttpScope, WebsocketScope } from '../shared/application.ts'
import { MemoryChannelStore } from '../shared/backends/memory/memory-channel-store.ts'
import { queueJson } from '../shared/codec.ts'
import { createDeliveryHandler } from '../shared/gateway/delivery-handler.ts'
import { FastPoster } from '../shared/gateway/fast-poster.ts'
import { createHttpHandler } from '../shared/gateway/http-handler.ts'
import { Runtime } from '../shared/gateway/runtime.ts'
import { createSerialHandler } from '../shared/gateway/serial-handler.ts'
import { createWebsocketHandler } from '../shared/gateway/websocket-handler.ts'
import { createWorkerHandler } from '../shared/gateway/worker-handler.ts'
import type { Logger } from '../shared/logger.ts'
import type { ChannelStore } from '../shared/stores/channel-store.ts'
import { EVERY_OTHER_CHANNEL } from '../shared/worker-channels.ts'
import type { LocalAddresses } from './http-server.ts'
import { inProcessFunction } from './in-process-function.ts'
import { type LocalFunctions, type LocalGateway, startLocalGateway } from './local-gateway.ts'
import { stderrLogger } from './stderr-logger.ts'

/** The queue of all worker channels. */
const JOBS = 'jobs'

const REGION = 'us-east-1'
const credentials = async (): Promise<{ accessKeyId: string; secretAccessKey: string }> => ({
  accessKeyId: 'local',
  secretAccessKey: 'local',
})

/** Options of {@link startLiveServer}. */
export interface LiveServerOptions {
  /** All of it: what `ProtocolTypeRouter` returns. */
  readonly application: Application<WebsocketScope>
  /** Default 0: any free port. */
  readonly port?: number
  /** Where connections and groups are kept; in memory by default. */
  readonly store?: ChannelStore
  /** `serial` handles the frames of one connection one after the other, through a FIFO queue; `parallel` is the default. */
  readonly ordering?: 'parallel' | 'serial'
  /** Default: warnings and errors to standard error. */
  readonly logger?: Logger
}

/**
 * Serves an application on this machine, over real sockets and HTTP, for tests and for development: on a free port,
 * behind the {@link startLocalGateway | local gateway}, until it is disposed of. Its functions are in this process; every
 * event meets a cold container.
 *
 * @example
 * ```ts
 * await using server = await startLiveServer({ application })
 * const socket = new WebSocket(`${server.url}/ws/chat/lobby/`)
 * ```
 *
 * @throws Error if the port is in use; the message says what to do
 */
export async function startLiveServer(options: LiveServerOptions): Promise<LocalGateway> {
  const { port = 0, logger = stderrLogger } = options
  const started = Promise.withResolvers<LocalGateway>()
  const put: Put = async (bodies, where) => {
    const gateway = await started.promise
    for (const body of bodies) gateway.enqueue(queueJson(body), where)
  }
  const functions = (addresses: LocalAddresses): LocalFunctions => functionsOf(options, addresses, put)
  started.resolve(await startLocalGateway({ port, logger, functions, heartbeat: true }))
  return started.promise
}

/** Puts messages into one of the gateway's queues. */
type Put = (bodies: readonly object[], where: Parameters<LocalGateway['enqueue']>[1]) => Promise<void>

function functionsOf(
  { application, ordering, store = new MemoryChannelStore(), logger = stderrLogger }: LiveServerOptions,
  { managementEndpoint }: LocalAddresses,
  put: Put,
): LocalFunctions {
  const poster = new FastPoster({ endpoint: managementEndpoint, region: REGION, credentials })
  const lostFields = new Map<string, Set<string>>()
  const coldRuntime = (): Runtime =>
    new Runtime({
      store,
      queue: { enqueue: (deliveries, options) => put(deliveries, { ...options }) },
      workers: {
        [EVERY_OTHER_CHANNEL]: { enqueue: (jobs, options) => put(jobs, { ...options, queue: JOBS }) },
      },
      createPoster: () => poster,
      endpoint: managementEndpoint,
      region: REGION,
      logger,
      lostFields,
      isDevelopment: true,
    })
  // What it does not serve, it refuses when it is asked.
  const whole = application as Application<ChannelScope | HttpScope | WebsocketScope>
  return {
    websocket: inProcessFunction((event, context) =>
      createWebsocketHandler(whole, coldRuntime())(event, context),
    ),
    http: inProcessFunction((event, context) => createHttpHandler(whole, coldRuntime())(event, context)),
    delivery: inProcessFunction((event, context) =>
      createDeliveryHandler(whole, coldRuntime())(event, context),
    ),
    ...(ordering === 'serial' && {
      serial: inProcessFunction((event, context) =>
        createSerialHandler(whole, coldRuntime())(event, context),
      ),
    }),
    workers: {
      [JOBS]: inProcessFunction((event, context) =>
        createWorkerHandler(whole, coldRuntime())(event, context),
      ),
    },
  }
}
