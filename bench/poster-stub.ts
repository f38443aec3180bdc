// Run as a program: `@connections` over TLS, with no more work per request than counting it needs.
import type { AddressInfo } from 'node:net'
import { createServer, type TLSSocket } from 'node:tls'
import { connectionIds, PAYLOAD, STAGE, type StubCounts, type StubOrder } from './poster-protocol.ts'

const PATH_START = `POST /${STAGE}/@connections/`
const LENGTH = /\r\ncontent-length: ?(\d+)/i
const HEAD_END = Buffer.from('\r\n\r\n')
const ANSWER: Buffer = Buffer.from(
  'HTTP/1.1 200 OK\r\nDate: Sun, 22 Nov 2026 12:00:00 GMT\r\nContent-Type: application/json\r\n' +
    'Content-Length: 0\r\nConnection: keep-alive\r\nx-amzn-RequestId: 4b1c2a3d-5e6f-7081-92a3-b4c5d6e7f809\r\n' +
    'x-amz-apigw-id: ZxYwVuTsRqPoNmL=\r\n\r\n',
)

const payload = Buffer.from(PAYLOAD)
const indexOfId = new Map(connectionIds().map((id, index) => [encodeURIComponent(id), index]))
/** What is counted between two orders. */
class Tally {
  readonly latencyMs: number
  posts = 0
  waitedMs = 0
  mostSockets = 0
  readonly faults: string[] = []
  readonly #postsOf = new Uint8Array(indexOfId.size)
  readonly #cpu = process.cpuUsage()

  constructor(latencyMs: number) {
    this.latencyMs = latencyMs
  }

  count(id: string, body: Buffer): void {
    this.posts += 1
    const index = indexOfId.get(id)
    if (index === undefined) this.#fault(`a request that is no post to a connection: ${id.slice(0, 100)}`)
    else this.#postsOf[index] = Math.min(255, (this.#postsOf[index] ?? 0) + 1)
    if (!body.equals(payload)) this.#fault(`a body of ${body.length} bytes that is not the payload`)
  }

  report(port: number): StubCounts {
    const cpu = process.cpuUsage(this.#cpu)
    return {
      port,
      posts: this.posts,
      servedOnce: this.#postsOf.filter((posts) => posts === 1).length,
      faults: this.faults,
      meanLatencyMs: this.waitedMs / this.posts,
      mostSockets: this.mostSockets,
      cpuMs: (cpu.user + cpu.system) / 1000,
    }
  }

  #fault(what: string): void {
    if (this.faults.length < 5) this.faults.push(what)
  }
}

let tally = new Tally(0)
let sockets = 0

function serve(socket: TLSSocket): void {
  let rest: Buffer | undefined
  socket.setNoDelay(true)
  sockets += 1
  tally.mostSockets = Math.max(tally.mostSockets, sockets)
  socket.on('data', (piece) => {
    rest = readRequests(socket, rest ? Buffer.concat([rest, piece]) : piece)
  })
  socket.on('error', () => socket.destroy())
  socket.once('close', () => {
    sockets -= 1
  })
}

/** Answers the complete requests at the start of `data`; returns the rest. */
function readRequests(socket: TLSSocket, data: Buffer): Buffer | undefined {
  for (let from = 0; from < data.length;) {
    const headEnd = data.indexOf(HEAD_END, from)
    if (headEnd === -1) return data.subarray(from)
    const head = data.toString('latin1', from, headEnd)
    const bodyStart = headEnd + HEAD_END.length
    const end = bodyStart + Number(LENGTH.exec(head)?.[1] ?? 0)
    if (data.length < end) return data.subarray(from)
    const id = head.startsWith(PATH_START) ? head.slice(PATH_START.length, head.indexOf(' ', 5)) : head
    tally.count(id, data.subarray(bodyStart, end))
    answer(socket)
    from = end
  }
  return undefined
}

function answer(socket: TLSSocket): void {
  const { latencyMs } = tally
  if (latencyMs === 0) {
    socket.write(ANSWER)
    return
  }
  const since = performance.now()
  setTimeout(() => {
    tally.waitedMs += performance.now() - since
    if (socket.writable) socket.write(ANSWER)
  }, latencyMs)
}

const server = createServer(
  { key: process.env['BENCH_KEY'], cert: process.env['BENCH_CERT'], ALPNProtocols: ['http/1.1'] },
  serve,
)
server.listen(0, '127.0.0.1')
process.on('message', ({ latencyMs }: StubOrder) => {
  const send = (): void => {
    process.send?.(tally.report((server.address() as AddressInfo).port))
    tally = new Tally(latencyMs)
    tally.mostSockets = sockets
  }
  if (server.listening) send()
  else server.once('listening', send)
})
process.on('disconnect', () => process.exit())
