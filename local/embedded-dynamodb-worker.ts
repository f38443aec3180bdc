import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { parentPort, workerData } from 'node:worker_threads'
// @ts-expect-error dynalite has no types
import dynaliteModule from 'dynalite'

const dynalite = dynaliteModule as (options: { createTableMs: number; deleteTableMs: number }) => Server
const { port } = workerData as { readonly port: number }

const server = dynalite({ createTableMs: 0, deleteTableMs: 0 })
// Clients keep connections open between calls; the default of 5 s would race with a call that reuses one.
server.keepAliveTimeout = 60_000
server.on('error', (error) => {
  throw error
})
server.listen(port, '127.0.0.1', () => {
  parentPort?.postMessage({ port: (server.address() as AddressInfo).port })
})
