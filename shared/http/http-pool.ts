import { performance } from 'node:perf_hooks'
import type { Clock } from '../clock.ts'
import { AbortRegistry } from './abort-registry.ts'
import { type ConnectionOwner, HttpConnection } from './http-connection.ts'
import { HttpDialer } from './http-dialer.ts'
import { ExchangeQueue, HttpExchange, type HttpRequest } from './http-exchange.ts'
import { HttpFailure } from './http-failure.ts'
import type { HttpResponse } from './http-response.ts'

/** Opened without hesitation. A TLS handshake costs 1.5 to 2 ms of CPU, so more must earn their keep. */
const INITIAL_SOCKETS = 64

/** How many times as many sockets are allowed, each time that growing pays. */
const GROWTH = 1.5

/** Growing pays if a tick finds more waiting than one for so many sockets. A fan-out of 256 at once is to get 256. */
const WORTH_GROWING = 8

/**
 * An idle socket is not used again after this long, in milliseconds of wall time, which goes on while Lambda
 * has frozen the container. API Gateway keeps idle sockets for about a minute, a NAT gateway for 350 s; a third
 * of the minute still spans the pauses of a chat. A socket that dies earlier costs one try, not the call.
 */
const IDLE_LIMIT_MS = 20_000

/** An idle socket is given up this long before the peer says that it closes it. */
const KEEP_ALIVE_MARGIN_MS = 1000

/** How often time-outs and growth are looked at while there is work. */
const TICK_MS = 20

/** Above this share of busy time the event loop is the bottleneck, and more sockets only add handshakes. */
const BUSY_LOOP = 0.85

export interface HttpPoolOptions {
  /** Only its scheme, host and port matter. */
  readonly url: URL
  readonly maxSockets: number
  /** For the connect, and again for the exchange. Waiting for a free socket does not count. */
  readonly timeoutMs: number
  /** A response with a longer body fails. */
  readonly maxBodyBytes: number
  readonly clock: Clock
  /** Certificates, in PEM, to trust instead of the well-known ones. */
  readonly ca?: string | undefined
}

/**
 * Kept-alive HTTP/1.1 sockets to one host, over TCP or TLS.
 *
 * Opens up to 64 sockets as needed, more only while the queue does not drain although the event loop has time
 * to spare. Idle sockets do not keep the process alive. Nothing is retried here.
 */
export class HttpPool implements ConnectionOwner {
  readonly #options: HttpPoolOptions
  readonly #dialer: HttpDialer
  readonly #connections = new Set<HttpConnection>()
  /** Most recently used last. */
  #idle: HttpConnection[] = []
  readonly #queue = new ExchangeQueue()
  readonly #aborts = new AbortRegistry()
  #connecting = 0
  #allowedSockets: number
  #ticker: NodeJS.Timeout | undefined
  #utilization = performance.eventLoopUtilization()

  constructor(options: HttpPoolOptions) {
    this.#options = options
    this.#dialer = new HttpDialer(options.url, options.ca)
    this.#allowedSockets = Math.min(INITIAL_SOCKETS, options.maxSockets)
  }

  /**
   * Resolves to the response, whatever its status.
   *
   * @throws {@link HttpFailure}
   * @throws the signal's reason, if it is aborted first
   */
  request(request: HttpRequest): Promise<HttpResponse> {
    return new Promise((resolve, reject) => this.send(new HttpExchange(request, resolve, reject)))
  }

  /** {@link request} for callers that have a promise of their own. */
  send(exchange: HttpExchange): void {
    const { signal } = exchange.request
    if (signal) exchange.abortBy(signal, this.#aborts)
    if (!exchange.isSettled) this.#enqueue(exchange)
  }

  /** How many requests wait for a socket. */
  get waiting(): number {
    return this.#queue.size
  }

  /** Closes idle sockets, and those that nobody waits for any more while they connect. */
  destroy(): void {
    this.#closeIdle()
    if (this.#queue.size > 0) return
    for (const connection of this.#connections) {
      if (!connection.isOpen) connection.fail(new HttpFailure('connect', 'the connection was not needed'))
    }
  }

  connectionOpened(connection: HttpConnection): void {
    this.#connecting -= 1
    this.connectionFree(connection)
  }

  connectionFree(connection: HttpConnection): void {
    const exchange = this.#queue.shift()
    if (exchange) {
      connection.send(exchange)
      return
    }
    connection.idleSince = this.#options.clock.now()
    connection.unref()
    this.#idle.push(connection)
  }

  connectionClosed(connection: HttpConnection, failure: HttpFailure): void {
    this.#connections.delete(connection)
    const wasIdle = this.#forgetIdle(connection)
    if (!connection.isOpen) {
      this.#connecting -= 1
      this.#connectFailed(failure)
      return
    }
    // The peer closed a socket that we took for alive: most likely all others of that age, too.
    if (failure.kind === 'stale' && !wasIdle) this.#closeIdle()
    this.#openSockets()
  }

  #enqueue(exchange: HttpExchange): void {
    this.#startTicking()
    const connection = this.#takeIdle()
    if (connection) {
      connection.ref()
      connection.send(exchange)
      return
    }
    this.#queue.push(exchange)
    this.#openSockets()
  }

  #takeIdle(): HttpConnection | undefined {
    for (;;) {
      const connection = this.#idle.pop()
      if (!connection || this.#isFresh(connection)) return connection
      connection.fail(new HttpFailure('reset', 'the socket was idle for too long'))
    }
  }

  #isFresh(connection: HttpConnection): boolean {
    const age = this.#options.clock.now() - connection.idleSince
    const limit = Math.min(IDLE_LIMIT_MS, (connection.keepAliveMs ?? Infinity) - KEEP_ALIVE_MARGIN_MS)
    // A wall clock that was set back says nothing about the age.
    return age >= 0 && age < limit
  }

  #closeIdle(): void {
    while (this.#idle.length > 0)
      this.#idle.pop()?.fail(new HttpFailure('reset', 'the socket was not needed'))
  }

  #forgetIdle(connection: HttpConnection): boolean {
    const index = this.#idle.indexOf(connection)
    if (index !== -1) this.#idle.splice(index, 1)
    return index !== -1
  }

  #openSockets(): void {
    while (this.#connecting < this.#queue.size && this.#connections.size < this.#allowedSockets) {
      this.#connections.add(new HttpConnection(this.#dialer, this, this.#options.maxBodyBytes))
      this.#connecting += 1
    }
  }

  // While another connection is open it serves the queue, and the next tick opens a replacement. Otherwise
  // nobody does: all that wait fail now, so that an unreachable host costs a try and not an endless wait.
  #connectFailed(failure: HttpFailure): void {
    if (this.#connections.size > this.#connecting) return
    for (let size = this.#queue.size; size > 0; size -= 1) this.#queue.shift()?.reject(failure)
  }

  // Unreferenced: the sockets of exchanges at work keep the process alive, a timer need not.
  #startTicking(): void {
    if (this.#ticker) return
    this.#utilization = performance.eventLoopUtilization()
    this.#ticker = setInterval(() => this.#tick(), TICK_MS).unref()
  }

  #tick(): void {
    if (this.#connections.size === this.#idle.length && this.#queue.size === 0) {
      clearInterval(this.#ticker)
      this.#ticker = undefined
      this.#allowedSockets = Math.min(INITIAL_SOCKETS, this.#options.maxSockets)
      return
    }
    this.#grow()
    this.#openSockets()
    // After a stall or a frozen container timers come first and sockets second: what has arrived in the
    // meantime is read before anything is declared overdue.
    setImmediate(() => this.#expire())
  }

  #grow(): void {
    const { utilization } = performance.eventLoopUtilization(this.#utilization)
    this.#utilization = performance.eventLoopUtilization()
    if (utilization > BUSY_LOOP || this.#queue.size * WORTH_GROWING <= this.#connections.size) return
    this.#allowedSockets = Math.min(this.#options.maxSockets, Math.ceil(this.#allowedSockets * GROWTH))
  }

  #expire(): void {
    const { timeoutMs } = this.#options
    const now = performance.now()
    for (const connection of this.#connections) {
      if (!connection.isOverdue(now, timeoutMs)) continue
      const kind = connection.isOpen ? 'time-out' : 'connect'
      connection.fail(
        new HttpFailure(kind, `${connection.isOpen ? 'no answer' : 'no connection'} in ${timeoutMs} ms`),
      )
    }
  }
}
