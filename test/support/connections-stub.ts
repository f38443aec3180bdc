import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import type { TestCertificate } from './test-certificate.ts'

/** One request, as it was on the wire. */
export interface StubRequest {
  readonly method: string
  readonly path: string
  /** By lower-case name. */
  readonly headers: ReadonlyMap<string, string>
  readonly body: Buffer
  /** 1 for the first socket that was opened, and so on. */
  readonly socket: number
}

/** What the stub does about a request. */
export type StubReply =
  | 'hang'
  | 'reset'
  | { readonly status: number; readonly headers?: Readonly<Record<string, string>>; readonly body?: string }
  | { readonly raw: string | readonly string[]; readonly then?: 'keep' | 'close' | 'reset' }

/** Chooses the reply to the `index`th request, counted from 0. */
export type StubScript = (request: StubRequest, index: number) => StubReply

const ACCEPTED: StubReply = { status: 200 }

/** A server on loopback that answers `@connections` calls as a script says, byte by byte if need be. */
export class ConnectionsStub implements AsyncDisposable {
  readonly requests: StubRequest[] = []
  /** Answers 200 unless told otherwise. */
  script: StubScript = () => ACCEPTED
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  readonly #scheme: string
  #socketsOpened = 0
  #resumed = 0

  constructor(certificate?: TestCertificate) {
    this.#scheme = certificate ? 'https' : 'http'
    const accept = (socket: Socket): void => this.#accept(socket)
    this.#server = certificate ? createTlsServer({ ...certificate }, accept) : createTcpServer(accept)
    // For https these are the raw sockets, those in a handshake included.
    this.#server.on('connection', (socket) => {
      this.#sockets.add(socket)
      socket.on('close', () => this.#sockets.delete(socket))
    })
    this.#server.on('tlsClientError', () => {})
  }

  static async start(certificate?: TestCertificate): Promise<ConnectionsStub> {
    const stub = new ConnectionsStub(certificate)
    await new Promise<void>((resolve) => stub.#server.listen(0, '127.0.0.1', resolve))
    return stub
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  get endpoint(): string {
    return `${this.#scheme}://127.0.0.1:${this.port}/prod`
  }

  /** Sockets that were opened so far. */
  get socketsOpened(): number {
    return this.#socketsOpened
  }

  /** Sockets that are open now. */
  get socketsOpen(): number {
    return this.#sockets.size
  }

  /** Sockets whose TLS session was resumed. */
  get socketsResumed(): number {
    return this.#resumed
  }

  /** The bodies that arrived, as text. */
  get bodies(): readonly string[] {
    return this.requests.map((request) => request.body.toString())
  }

  /** Closes all sockets at once, as a server does with idle ones. */
  closeSockets(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.closeSockets()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  #accept(socket: Socket): void {
    this.#socketsOpened += 1
    if ('isSessionReused' in socket && (socket.isSessionReused as () => boolean)()) this.#resumed += 1
    const number = this.#socketsOpened
    let rest: Buffer = Buffer.alloc(0)
    // Resets are part of the game.
    socket.on('error', () => socket.destroy())
    socket.on('data', (piece) => {
      rest = Buffer.concat([rest, piece])
      for (let read = readRequest(rest, number); read; read = readRequest(rest, number)) {
        rest = rest.subarray(read.bytes)
        this.#answer(socket, read.request)
      }
    })
  }

  #answer(socket: Socket, request: StubRequest): void {
    this.requests.push(request)
    const reply = this.script(request, this.requests.length - 1)
    if (reply === 'hang') return
    if (reply === 'reset') {
      socket.destroy()
      return
    }
    const { raw, then = 'keep' } =
      'raw' in reply ? reply : { raw: responseText(reply), then: 'keep' as const }
    void writePieces(socket, typeof raw === 'string' ? [raw] : raw).then(() => {
      if (then === 'close') socket.end()
      if (then === 'reset') socket.destroy()
    })
  }
}

/** A complete response with a `content-length`. */
export function responseText(reply: {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}): string {
  const { status, headers = {}, body = '' } = reply
  const length = status === 204 ? {} : { 'Content-Length': String(Buffer.byteLength(body)) }
  const lines = Object.entries({ Date: 'Sun, 22 Nov 2026 08:00:00 GMT', ...length, ...headers })
  return `HTTP/1.1 ${status} Whatever\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n${body}`
}

// A pause between pieces, so that they arrive one by one.
async function writePieces(socket: Socket, pieces: readonly string[]): Promise<void> {
  for (const piece of pieces) {
    await new Promise((resolve) => socket.write(piece, resolve))
    if (pieces.length > 1) await new Promise((resolve) => setTimeout(resolve, 2))
  }
}

function readRequest(
  data: Buffer,
  socket: number,
): { readonly request: StubRequest; readonly bytes: number } | undefined {
  const headEnd = data.indexOf('\r\n\r\n')
  if (headEnd === -1) return undefined
  const [requestLine = '', ...lines] = data.toString('latin1', 0, headEnd).split('\r\n')
  const [method = '', path = ''] = requestLine.split(' ')
  const headers = new Map(
    lines.map((line): [string, string] => {
      const colon = line.indexOf(':')
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()]
    }),
  )
  const bytes = headEnd + 4 + Number(headers.get('content-length') ?? 0)
  if (data.length < bytes) return undefined
  return {
    request: { method, path, headers, body: Buffer.from(data.subarray(headEnd + 4, bytes)), socket },
    bytes,
  }
}
