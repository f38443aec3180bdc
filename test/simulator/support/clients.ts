import { once } from 'node:events'
import { request, type IncomingHttpHeaders } from 'node:http'
import { connect, type Socket } from 'node:net'
import { type ClientOptions, WebSocket } from 'ws'

/** What a client asks for in its handshake. */
export interface OpenOptions extends ClientOptions {
  readonly protocols?: string[]
}

/** A WebSocket client that keeps what it receives until the test asks for it. */
export class TestClient {
  readonly socket: WebSocket
  /** How the connection ended, as the client sees it. */
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>
  readonly #received: string[] = []
  readonly #waiters: ((text: string) => void)[] = []

  constructor(socket: WebSocket) {
    this.socket = socket
    socket.on('message', (data: Buffer) => {
      const waiter = this.#waiters.shift()
      if (waiter) waiter(data.toString())
      else this.#received.push(data.toString())
    })
    socket.on('error', () => undefined)
    this.closed = new Promise((resolve) => {
      socket.once('close', (code, reason) => resolve({ code, reason: reason.toString() }))
    })
  }

  /** Opens a connection; rejects if the handshake fails. */
  static async open(url: string, options: OpenOptions = {}): Promise<TestClient> {
    const client = new TestClient(new WebSocket(url, options.protocols ?? [], options))
    await Promise.race([
      once(client.socket, 'open'),
      client.closed.then(() => Promise.reject(new Error(`the handshake of ${url} failed`))),
    ])
    return client
  }

  send(data: string | Buffer): void {
    this.socket.send(data)
  }

  /** The next message, as text. */
  next(): Promise<string> {
    const text = this.#received.shift()
    if (text !== undefined) return Promise.resolve(text)
    return new Promise((resolve) => this.#waiters.push(resolve))
  }

  /** What has arrived and was not asked for. */
  get received(): readonly string[] {
    return this.#received
  }

  async close(code?: number, reason?: string): Promise<void> {
    this.socket.close(code, reason)
    await this.closed
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.socket.terminate()
    await this.closed
  }
}

/** An HTTP answer. */
export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

/** The HTTP answer to a handshake: 101, or the refusal. */
export async function handshake(url: string, headers: Record<string, string> = {}): Promise<Answer> {
  const call = request(url.replace(/^ws/, 'http'), {
    agent: false,
    headers: {
      Connection: 'Upgrade',
      Upgrade: 'websocket',
      'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
      'Sec-WebSocket-Version': '13',
      ...headers,
    },
  })
  call.end()
  return new Promise((resolve, reject) => {
    call.on('error', reject)
    call.on('upgrade', (response, socket) => {
      socket.destroy()
      resolve({ status: response.statusCode ?? 0, headers: response.headers, body: '' })
    })
    call.on('response', (response) => {
      let body = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => {
        body += chunk
      })
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }))
    })
  })
}

/** Calls `path` of the management endpoint, exactly as spelt. */
export async function call(
  method: string,
  url: string,
  body?: string | Buffer,
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  const { origin } = new URL(url)
  const outgoing = request(origin, { method, path: url.slice(origin.length), headers, agent: false })
  outgoing.end(body)
  return new Promise((resolve, reject) => {
    outgoing.on('error', reject)
    outgoing.on('response', (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => {
        text += chunk
      })
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text }),
      )
    })
  })
}

/** A TCP connection with a handshake in it, whose bytes the test writes itself. */
export class RawClient {
  readonly socket: Socket
  #received: Buffer = Buffer.alloc(0)
  #changed: () => void = () => undefined
  #isEnded = false

  constructor(port: number) {
    this.socket = connect(port, '127.0.0.1')
    this.socket.on('data', (chunk) => {
      this.#received = Buffer.concat([this.#received, chunk])
      this.#changed()
    })
    this.socket.on('error', () => undefined)
    this.socket.on('close', () => {
      this.#isEnded = true
      this.#changed()
    })
  }

  /** Sends the handshake, with `more` right behind it in the same packet. */
  sendHandshake(path: string, more: Buffer = Buffer.alloc(0)): void {
    const lines = [
      `GET ${path} HTTP/1.1`,
      'Host: localhost',
      'Connection: Upgrade',
      'Upgrade: websocket',
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
      'Sec-WebSocket-Version: 13',
    ]
    this.socket.write(Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`), more]))
  }

  /** Waits for the end of the response's headers, and returns them; what follows stays to be read. */
  async readHead(): Promise<string> {
    const end = await this.#until(() => {
      const at = this.#received.indexOf('\r\n\r\n')
      return at === -1 ? undefined : at + 4
    })
    return this.#take(end).toString()
  }

  /** Waits for one short or medium frame; returns its first byte and its payload. */
  async readFrame(): Promise<{ readonly firstByte: number; readonly payload: Buffer }> {
    const header = await this.#until(() => {
      if (this.#received.length < 4)
        return this.#received.length >= 2 && (this.#received[1] ?? 0) < 126 ? 2 : undefined
      return this.#received[1] === 126 ? 4 : 2
    })
    const length = header === 4 ? this.#received.readUInt16BE(2) : (this.#received[1] ?? 0)
    await this.#until(() => (this.#received.length >= header + length ? 1 : undefined))
    const frame = this.#take(header + length)
    return { firstByte: frame[0] ?? 0, payload: frame.subarray(header) }
  }

  /** Waits until the server has ended the TCP connection; returns what was not read. */
  async ended(): Promise<Buffer> {
    while (!this.#isEnded) await this.#change()
    return this.#received
  }

  async #until<Value>(probe: () => Value | undefined): Promise<Value> {
    for (;;) {
      const value = probe()
      if (value !== undefined) return value
      if (this.#isEnded)
        throw new Error(`the server ended the connection after ${this.#received.toString('latin1')}`)
      await this.#change()
    }
  }

  #change(): Promise<void> {
    return new Promise((resolve) => {
      this.#changed = resolve
    })
  }

  #take(count: number): Buffer {
    const taken = this.#received.subarray(0, count)
    this.#received = this.#received.subarray(count)
    return taken
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.socket.destroy()
    await this.ended()
  }
}

/** A client's frame: masked, with the given first byte (0x81 is a final text frame). */
export function clientFrame(firstByte: number, payload: string | Buffer): Buffer {
  const bytes = Buffer.from(payload)
  const { length } = bytes
  const header =
    length < 126
      ? Buffer.from([firstByte, 0x80 | length])
      : Buffer.from([firstByte, 0x80 | 126, length >> 8, length & 0xff])
  if (length < 65_536) return Buffer.concat([header, Buffer.alloc(4), bytes])
  const long = Buffer.alloc(10)
  long[0] = firstByte
  long[1] = 0x80 | 127
  long.writeUInt32BE(length, 6)
  return Buffer.concat([long, Buffer.alloc(4), bytes])
}
