import { once } from 'node:events'
import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { parentPort, workerData } from 'node:worker_threads'
// @ts-expect-error dynalite has no types
import dynaliteModule from 'dynalite'
import { LOST_ANSWERS, THROTTLED_CALLS } from './embedded-dynamodb.ts'
import { isFromPage } from './from-a-page.ts'

const dynalite = dynaliteModule as (options: { createTableMs: number; deleteTableMs: number }) => Server
const { port, faults } = workerData as { readonly port: number; readonly faults: Int32Array }

const server = dynalite({ createTableMs: 0, deleteTableMs: 0 })
const [serve] = server.listeners('request') as [RequestListener]
server.removeAllListeners('request')
server.on('request', (request: IncomingMessage, response: ServerResponse) => {
  // Before dynalite, which would let every origin in.
  if (isFromPage(request)) return void refusePage(request, response)
  if (takes(THROTTLED_CALLS)) return void throttle(request, response)
  if (takes(LOST_ANSWERS)) loseAnswer(response)
  return serve(request, response)
})
// Clients keep connections open between calls; the default of 5 s would race with a call that reuses one.
server.keepAliveTimeout = 60_000
server.on('error', (error) => {
  throw error
})
server.listen(port, '127.0.0.1', () => {
  parentPort?.postMessage({ port: (server.address() as AddressInfo).port })
})

/** Takes one of the faults at `index`, if one is left: the other thread only adds, or clears. */
function takes(index: number): boolean {
  const left = Atomics.load(faults, index)
  return left > 0 && Atomics.compareExchange(faults, index, left, left - 1) === left
}

function throttle(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const type = 'ProvisionedThroughputExceededException'
  const message = 'The level of configured provisioned throughput for the table was exceeded'
  return refuse(request, response, { status: 400, type, message })
}

function refusePage(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const message = 'this embedded DynamoDB serves programs of this machine, and no page in a browser'
  return refuse(request, response, { status: 403, type: 'AccessDeniedException', message })
}

async function refuse(
  request: IncomingMessage,
  response: ServerResponse,
  { status, type, message }: { readonly status: number; readonly type: string; readonly message: string },
): Promise<void> {
  request.resume()
  await once(request, 'end')
  response.writeHead(status, { 'content-type': 'application/x-amz-json-1.0' })
  response.end(JSON.stringify({ __type: `com.amazonaws.dynamodb.v20120810#${type}`, message }))
}

// By then the call is made: dynalite answers in one piece.
function loseAnswer(response: ServerResponse): void {
  response.end = () => {
    response.socket?.resetAndDestroy()
    return response
  }
}
