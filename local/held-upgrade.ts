import { STATUS_CODES, type IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'

const KEY = /^[+/0-9A-Za-z]{22}==$/
const MAX_EARLY_BYTES = 262_144

/** An upgrade request that waits for its `$connect`, and notices when the client gives up. */
export class HeldUpgrade {
  readonly request: IncomingMessage
  readonly socket: Duplex
  #early: Buffer[]
  #earlyBytes = 0
  #hasVanished = false

  constructor(request: IncomingMessage, socket: Duplex, head: Buffer) {
    this.request = request
    this.socket = socket
    this.#early = [head]
    socket.on('error', ignoreError)
    socket.on('end', this.#vanish)
    socket.on('close', this.#vanish)
    // Reading is the only way to see that the client has gone. Frames that come early are kept for later.
    socket.on('data', this.#keep)
  }

  get hasVanished(): boolean {
    return this.#hasVanished
  }

  /** Stops holding and reading; returns the bytes that the client sent early. */
  release(): Buffer {
    // Paused, or bytes put back into the stream would go to whoever listens first, and only to them.
    this.socket.pause()
    this.socket.off('data', this.#keep)
    this.socket.off('end', this.#vanish)
    this.socket.off('close', this.#vanish)
    return Buffer.concat(this.#early)
  }

  /** Answers with an HTTP status instead of 101 and ends the TCP connection. */
  reject(status: number, body?: object, headers: readonly string[] = []): void {
    this.release()
    if (this.socket.destroyed) return
    const text = body === undefined ? '' : JSON.stringify(body)
    const lines = [
      `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Unknown'}`,
      `Date: ${new Date().toUTCString()}`,
      'Connection: close',
      ...(body === undefined ? [] : ['Content-Type: application/json']),
      ...headers,
      `Content-Length: ${Buffer.byteLength(text)}`,
    ]
    this.socket.resume()
    this.socket.once('finish', () => this.socket.destroy())
    this.socket.end(`${lines.join('\r\n')}\r\n\r\n${text}`)
  }

  readonly #keep = (chunk: Buffer): void => {
    this.#early.push(chunk)
    this.#earlyBytes += chunk.length
    if (this.#earlyBytes > MAX_EARLY_BYTES) this.socket.pause()
  }

  readonly #vanish = (): void => {
    this.#hasVanished = true
  }
}

/** What is wrong with an upgrade request by RFC 6455, section 4.2.1; `undefined` if nothing. */
export function upgradeMistake(request: IncomingMessage): string | undefined {
  const { headers } = request
  if (request.method !== 'GET') return 'the method is not GET'
  if (headers.upgrade?.toLowerCase() !== 'websocket') return 'the Upgrade header is not websocket'
  if (!KEY.test(headers['sec-websocket-key'] ?? ''))
    return 'the Sec-WebSocket-Key header is missing or malformed'
  if (headers['sec-websocket-version'] !== '13') return 'the Sec-WebSocket-Version header is not 13'
  return undefined
}

// An error is followed by "close", which is what counts.
function ignoreError(): void {}
