import type { Duplex } from 'node:stream'
import type { WebSocket } from 'ws'
import { MAX_MESSAGE_BYTES } from '../shared/limits.ts'
import type { ConnectionFacts } from './events.ts'
import { FrameMeter, textMessage } from './frame.ts'

/** How a connection ended, as `$disconnect` tells it. What AWS gives as the reason of 1002, 1003, 1007 and 1009 is not known. */
export interface Ending {
  readonly code: number
  readonly reason: string
}

/** What a connection tells the gateway. */
export interface ConnectionListener {
  message(connection: Connection, text: string): void
  /** The socket is closed. Called once. */
  closed(connection: Connection, ending: Ending): void
}

const OPEN = 1

/** One client whose handshake is done. */
export class Connection {
  readonly facts: ConnectionFacts
  /** Milliseconds since the epoch; moves on traffic in either direction. */
  lastActiveAt: number
  readonly #socket: Duplex
  readonly #gone = new AbortController()
  readonly #meter = new FrameMeter()
  #ws: WebSocket | undefined
  #messages = 0
  #ending: Ending | undefined

  constructor(facts: ConnectionFacts, socket: Duplex, now: number) {
    this.facts = facts
    this.lastActiveAt = now
    this.#socket = socket
    // Before ws listens, so that the meter reads every chunk first.
    socket.on('data', this.#measure)
  }

  get id(): string {
    return this.facts.connectionId
  }

  /** Whether frames can be sent: neither side has begun to close. */
  get isOpen(): boolean {
    return this.#ws?.readyState === OPEN
  }

  /** Aborted when the socket is closed. */
  get gone(): AbortSignal {
    return this.#gone.signal
  }

  /** Bytes that wait for the client. */
  get bufferedBytes(): number {
    return this.#socket.writableLength
  }

  /** Takes the WebSocket over that speaks on the socket. */
  attach(ws: WebSocket): void {
    this.#ws = ws
  }

  /** Tells `listener` from now on what happens. */
  listen(listener: ConnectionListener): void {
    const ws = this.#ws
    if (ws === undefined)
      throw new Error(`connection ${this.id} has no WebSocket: attach one before listening`)
    ws.on('message', (data: Buffer) => this.#receive(data, listener))
    ws.on('error', (error: Error & { code?: string }) => {
      this.#ending ??= endingOfError(error)
    })
    ws.on('close', (code: number, reason: Buffer) => {
      this.#gone.abort()
      listener.closed(this, this.#ending ?? endingOfClient(code, reason.toString()))
    })
  }

  /** Calls `seen` on every ping or pong of the client. */
  onPing(seen: () => void): void {
    this.#ws?.on('ping', seen)
    this.#ws?.on('pong', seen)
  }

  /** Sends one text message. Call only while {@link isOpen}. */
  send(payload: Buffer): void {
    // Past ws: without compression its sender would only add a second write. Frames stay whole, both write synchronously.
    this.#socket.write(textMessage(payload))
  }

  /** Starts the closing handshake; `$disconnect` will tell `ending`. */
  end(ending: Ending): void {
    if (this.#ending !== undefined) return
    this.#ending = ending
    this.#ws?.close(ending.code, ending.reason)
  }

  /** Drops the socket without a closing handshake. */
  destroy(): void {
    this.#socket.destroy()
  }

  readonly #measure = (chunk: Buffer): void => {
    if (this.#meter.violation !== undefined) return
    const violation = this.#meter.read(chunk)
    // ws gets this chunk right after us; what it holds before the offending frame still counts.
    if (violation !== undefined) process.nextTick(() => this.end(violation))
  }

  #receive(data: Buffer, listener: ConnectionListener): void {
    const { violation } = this.#meter
    this.#messages += 1
    if (this.#ending !== undefined || (violation !== undefined && this.#messages > violation.messagesBefore))
      return
    listener.message(this, data.toString())
  }
}

/** The closes of API Gateway itself. */
export const endings = {
  deleted: { code: 1000, reason: 'Connection Closed Normally' },
  goingAway: { code: 1001, reason: 'Going away' },
} as const

function endingOfClient(code: number, reason: string): Ending {
  if (code === 1005) return { code, reason: 'Client-side close frame status not set' }
  if (code === 1006) return { code, reason: 'Connection Closed Abnormally' }
  return { code, reason }
}

// ws closes by itself with the code that belongs to the error.
function endingOfError(error: Error & { code?: string }): Ending | undefined {
  if (error.code === undefined || !error.code.startsWith('WS_ERR_')) return undefined
  if (error.code === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH')
    return { code: 1009, reason: `message of more than ${MAX_MESSAGE_BYTES} bytes` }
  if (error.code === 'WS_ERR_INVALID_UTF8') return { code: 1007, reason: error.message }
  return { code: 1002, reason: error.message }
}
