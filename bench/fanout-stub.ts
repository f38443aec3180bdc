// Run as a program: `@connections` over HTTP, which counts the posts of each connection.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { indexOf } from './large-group.ts'

/** What the stub is told to do. */
export interface StubOrder {
  readonly members: number
  readonly latencyMs: number
}

/** What it has counted since the last order. */
export interface StubReport {
  readonly port: number
  readonly posts: number
  readonly servedOnce: number
}

let order: StubOrder = { members: 0, latencyMs: 0 }
let postsOf = new Uint8Array(0)
let posts = 0

const server = createServer((request, response) => {
  request.resume()
  const id = decodeURIComponent(request.url?.split('/').at(-1) ?? '')
  const index = indexOf(id)
  posts += 1
  postsOf[index] = Math.min(255, (postsOf[index] ?? 0) + 1)
  setTimeout(() => response.writeHead(200, { 'content-length': 0 }).end(), order.latencyMs)
})
server.keepAliveTimeout = 60_000
server.listen(0, '127.0.0.1', () => {
  process.on('message', (next: StubOrder) => {
    const { port } = server.address() as AddressInfo
    const servedOnce = postsOf.filter((count) => count === 1).length
    process.send?.({ port, posts, servedOnce } satisfies StubReport)
    order = next
    postsOf = new Uint8Array(next.members)
    posts = 0
  })
})
process.on('disconnect', () => process.exit())
