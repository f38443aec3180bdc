import type { Abortable, AbortRegistry } from './abort-registry.ts'
import type { HttpResponse } from './http-response.ts'

/** A request that is put into bytes when a socket is free for it: signatures carry the time. */
export interface HttpRequest {
  /** The whole request, head and body. */
  render(): string
  /** `latin1` for a request of ASCII alone, which is quicker to write. */
  readonly encoding: 'latin1' | 'utf8'
  readonly signal?: AbortSignal | undefined
}

/** One request and the promise of its response. Settles once; later outcomes are ignored. */
export class HttpExchange<Request = HttpRequest, Response = HttpResponse> implements Abortable {
  readonly request: Request
  /** Called after an abort has settled it, by whoever must act on that. */
  onAbort: (() => void) | undefined
  /** Called just before it settles. */
  onSettled: (() => void) | undefined
  #resolve: ((response: Response) => void) | undefined
  #reject: ((reason: unknown) => void) | undefined

  constructor(request: Request, resolve: (response: Response) => void, reject: (reason: unknown) => void) {
    this.request = request
    this.#resolve = resolve
    this.#reject = reject
  }

  get isSettled(): boolean {
    return this.#resolve === undefined
  }

  resolve(response: Response): void {
    const resolve = this.#resolve
    this.#settle()
    resolve?.(response)
  }

  reject(reason: unknown): void {
    const reject = this.#reject
    this.#settle()
    reject?.(reason)
  }

  /** Lets `signal` abort it, of which `aborts` is to tell. */
  abortBy(signal: AbortSignal, aborts: AbortRegistry): void {
    if (signal.aborted) {
      this.reject(signal.reason)
      return
    }
    this.onSettled = () => aborts.unwatch(signal, this)
    aborts.watch(signal, this)
  }

  abort(reason: unknown): void {
    if (this.isSettled) return
    this.reject(reason)
    this.onAbort?.()
  }

  #settle(): void {
    if (this.#resolve) this.onSettled?.()
    this.#resolve = undefined
    this.#reject = undefined
  }
}

/** Exchanges that wait, first come, first served; aborted ones drop out. */
export class ExchangeQueue<Request = HttpRequest, Response = HttpResponse> {
  #items: (HttpExchange<Request, Response> | undefined)[] = []
  #first = 0
  #size = 0

  /** How many wait. */
  get size(): number {
    return this.#size
  }

  push(exchange: HttpExchange<Request, Response>): void {
    exchange.onAbort = () => {
      this.#size -= 1
    }
    this.#items.push(exchange)
    this.#size += 1
  }

  shift(): HttpExchange<Request, Response> | undefined {
    while (this.#first < this.#items.length) {
      const exchange = this.#items[this.#first]
      this.#items[this.#first] = undefined
      this.#first += 1
      if (exchange && !exchange.isSettled) {
        exchange.onAbort = undefined
        this.#size -= 1
        this.#compact()
        return exchange
      }
    }
    this.#compact()
    return undefined
  }

  // Array.prototype.shift moves everything; this moves at most half, seldom.
  #compact(): void {
    if (this.#first < 1024 && this.#first < this.#items.length) return
    if (this.#first * 2 < this.#items.length) return
    this.#items = this.#items.slice(this.#first)
    this.#first = 0
  }
}
