import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { DELIVERY } from './local-queues.ts'
import type { GatewayPolicies } from './policies.ts'

// Longer than any client keeps a connection, so that none is closed under a request.
const KEEP_ALIVE_MS = 65_000

/** Where a gateway is reached. */
export interface LocalAddresses {
  /** `http://127.0.0.1:PORT`: the HTTP API, and the endpoint of an SQS client. */
  readonly url: string
  /** `ws://127.0.0.1:PORT/prod` */
  readonly websocketUrl: string
  /** `http://127.0.0.1:PORT/prod`: the endpoint of an ApiGatewayManagementApi client. */
  readonly managementEndpoint: string
  /** `http://127.0.0.1:PORT/000000000000/delivery` */
  readonly queueUrl: string
  /** `http://127.0.0.1:PORT/000000000000/{name}`, for the queue of a worker. */
  readonly queueUrlOf: (name: string) => string
  readonly port: number
}

/**
 * Starts the HTTP server that everything arrives at.
 *
 * @throws Error if the port is in use; the message says what to do
 */
export async function listenOn(host: string, port: number): Promise<Server> {
  const server = createServer({
    keepAliveTimeout: KEEP_ALIVE_MS,
    noDelay: true,
    shouldUpgradeCallback: isWebsocketUpgrade,
  })
  await listen(server, host, port)
  return server
}

const EVERY_ADDRESS: ReadonlySet<string> = new Set(['0.0.0.0', '::'])

/** The addresses of the listening `server`: those of this machine where it listens on all. */
export function addressesOf(server: Server, host: string, stage: string): LocalAddresses {
  const { port } = server.address() as AddressInfo
  const name = EVERY_ADDRESS.has(host) ? '127.0.0.1' : host
  const authority = `${name.includes(':') ? `[${name}]` : name}:${port}`
  const queueUrlOf = (queue: string): string => `http://${authority}/000000000000/${queue}`
  return {
    url: `http://${authority}`,
    websocketUrl: `ws://${authority}/${stage}`,
    managementEndpoint: `http://${authority}/${stage}`,
    queueUrl: queueUrlOf(DELIVERY),
    queueUrlOf,
    port,
  }
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EADDRINUSE') return reject(error)
      const remedy = 'stop the other process or choose another port with --port'
      return reject(new Error(`port ${port} on ${host} is in use: ${remedy}`, { cause: error }))
    })
    server.listen({ port, host, backlog: 1024 }, resolve)
  })
}

function isWebsocketUpgrade(request: IncomingMessage): boolean {
  return request.headers.upgrade?.toLowerCase() === 'websocket'
}

/** Answers as API Gateway does to a request that is none of its own. */
export function refuseRequest(
  request: IncomingMessage,
  response: ServerResponse,
  rules: { stage: string; policies: GatewayPolicies },
): void {
  const path = request.url?.split('?', 1)[0]
  const isStage = path === `/${rules.stage}` || path === `/${rules.stage}/`
  request.resume()
  response.writeHead(isStage ? rules.policies.plainGetStatus : 403, {
    'Content-Type': 'application/json',
    'x-amzn-ErrorType': 'ForbiddenException',
  })
  response.end('{"message":"Forbidden"}')
}
