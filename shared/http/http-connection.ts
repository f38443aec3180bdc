import type { Socket } from 'node:net'
import type { HttpDialer } from './http-dialer.ts'
import type { HttpExchange } from './http-exchange.ts'
import { HttpFailure } from './http-failure.ts'
import { type HttpResponse, ResponseParser } from './http-response.ts'

/** Whoever opened a connection: it is told what becomes of it. */
export interface ConnectionOwner {
  /** The connection is open and can take an exchange. */
  connectionOpened(connection: HttpConnection): void
  /** The connection has finished an exchange and can take another. */
  connectionFree(connection: HttpConnection): void
  /** The connection is of no more use. Told once. */
  connectionClosed(connection: HttpConnection, failure: HttpFailure): void
}

/** One socket that carries one exchange at a time: a POST is not idempotent, so nothing is pipelined. */
export class HttpConnection {
  readonly #socket: Socket
  readonly #owner: ConnectionOwner
  readonly #parser: ResponseParser
  #exchange: HttpExchange | undefined
  #isOpen = false
  #isClosed = false
  #isReused = false
  /** When the connect or the exchange at hand began, on the clock of `performance.now()`. */
  #since: number
  /** When it became idle, in milliseconds since the epoch. */
  idleSince = 0
  /** How long the peer said, with its last response, that it keeps the idle socket. */
  keepAliveMs: number | undefined

  constructor(dialer: HttpDialer, owner: ConnectionOwner, maxBodyBytes: number) {
    const { socket, readyEvent } = dialer.dial((piece) => this.#received(piece))
    this.#socket = socket
    this.#owner = owner
    this.#parser = new ResponseParser(maxBodyBytes)
    this.#since = performance.now()
    socket.setNoDelay(true)
    socket.once(readyEvent, () => this.#opened())
    socket.on('end', () => this.#ended())
    socket.on('error', (error) => this.#close(this.#failure(error)))
    socket.on('close', () => this.#close(this.#failure()))
  }

  get isOpen(): boolean {
    return this.#isOpen
  }

  /** Whether the connect or the exchange at hand has lasted longer than `timeoutMs`. */
  isOverdue(now: number, timeoutMs: number): boolean {
    return (this.#exchange !== undefined || !this.#isOpen) && now - this.#since > timeoutMs
  }

  /** Sends the request of `exchange`, and settles it in the end. The connection must be free. */
  send(exchange: HttpExchange): void {
    let text: string
    try {
      text = exchange.request.render()
    } catch (error) {
      exchange.reject(error)
      this.#owner.connectionFree(this)
      return
    }
    this.#exchange = exchange
    this.#since = performance.now()
    // Nobody waits for an answer any more, and HTTP/1.1 knows no other way to say so.
    exchange.onAbort = () => this.#close(new HttpFailure('reset', 'the exchange was aborted'))
    this.#socket.write(text, exchange.request.encoding)
  }

  /** Lets the process end although the socket is open. */
  unref(): void {
    this.#socket.unref()
  }

  /** Keeps the process alive while the socket is open. */
  ref(): void {
    this.#socket.ref()
  }

  /** Closes the socket; the exchange at hand, if any, fails with `failure`. */
  fail(failure: HttpFailure): void {
    this.#close(failure)
  }

  #opened(): void {
    if (this.#isClosed) return
    this.#isOpen = true
    this.#owner.connectionOpened(this)
  }

  #received(piece: Buffer): void {
    if (!this.#exchange) {
      this.#close(new HttpFailure('garbage', 'the peer sent a response that nobody asked for'))
      return
    }
    this.#read(() => this.#parser.push(piece))
  }

  #ended(): void {
    if (this.#exchange) this.#read(() => this.#parser.end())
    this.#close(this.#failure())
  }

  #read(parse: () => HttpResponse | undefined): void {
    try {
      const response = parse()
      if (response) this.#finish(response)
    } catch (error) {
      this.#close(
        error instanceof HttpFailure ? error : new HttpFailure('garbage', 'response unreadable', error),
      )
    }
  }

  #finish(response: HttpResponse): void {
    const exchange = this.#exchange
    this.#exchange = undefined
    this.#isReused = true
    this.keepAliveMs = response.keepAliveMs
    exchange?.resolve(response)
    // Bytes beyond the response answer nothing that was asked, so what follows could not be trusted.
    if (response.keepAlive && !this.#parser.hasStarted) this.#owner.connectionFree(this)
    else this.#close(new HttpFailure('reset', 'the peer does not keep the socket'))
  }

  #failure(cause?: Error): HttpFailure {
    const why = cause ? `: ${cause.message || cause.name}` : ''
    if (!this.#isOpen) return new HttpFailure('connect', `no connection could be made${why}`, cause)
    if (this.#isReused && !this.#parser.hasStarted) {
      return new HttpFailure('stale', `the kept-alive socket had been closed by the peer${why}`, cause)
    }
    return new HttpFailure('reset', `the socket was closed before the response was complete${why}`, cause)
  }

  #close(failure: HttpFailure): void {
    if (this.#isClosed) return
    this.#isClosed = true
    const exchange = this.#exchange
    this.#exchange = undefined
    this.#socket.destroy()
    this.#owner.connectionClosed(this, failure)
    exchange?.reject(failure)
  }
}
