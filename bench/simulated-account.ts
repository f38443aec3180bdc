import type { Clock } from '../shared/clock.ts'
import { ConcurrencyLimit } from '../shared/gateway/concurrency-limit.ts'
import { failureOfStatus, type PostCall } from '../shared/gateway/post-failure.ts'
import { PostPace } from '../shared/gateway/post-pace.ts'
import { type RetryPolicy, retryPost } from '../shared/gateway/post-retry.ts'
import type { ConnectionInfo, Poster, PostOptions } from '../shared/gateway/poster.ts'

/** What a {@link SimulatedAccount} is made with. */
export interface SimulatedAccountOptions {
  readonly clock: Clock
  readonly perSecond: number
  readonly burst: number
  /** On average: a third more or less. */
  readonly latencyMs: number
  /** Called for each post that was accepted. */
  readonly onPost: (connectionId: string) => void
  /** Whether this client does not read: 429 is all that it answers, and takes its share of the rate. */
  readonly isSlow?: (connectionId: string) => boolean
}

/** `@connections` of all APIs of an account, behind its token bucket: what comes over the rate is answered with 429. */
export class SimulatedAccount {
  throttled = 0
  /** Tries that were answered with 429 because their client does not read. */
  slow = 0
  readonly #options: SimulatedAccountOptions
  #tokens: number
  #filledAt: number

  constructor(options: SimulatedAccountOptions) {
    this.#options = options
    this.#tokens = options.burst
    this.#filledAt = options.clock.now()
  }

  /** Answers one request. */
  async answer(call: PostCall): Promise<void> {
    const { clock, latencyMs, onPost, isSlow } = this.#options
    const isAccepted = this.#take()
    await clock.sleep(latencyMs * (2 / 3 + Math.random() * (2 / 3)))
    const isRead = !isSlow?.(call.connectionId)
    if (isAccepted && isRead) {
      onPost(call.connectionId)
      return
    }
    if (isAccepted) this.slow += 1
    else this.throttled += 1
    throw failureOfStatus(call, 429, '')
  }

  #take(): boolean {
    const { clock, perSecond, burst } = this.#options
    const now = clock.now()
    this.#tokens = Math.min(burst, this.#tokens + ((now - this.#filledAt) / 1000) * perSecond)
    this.#filledAt = now
    if (this.#tokens < 1) return false
    this.#tokens -= 1
    return true
  }
}

/** How FastPoster calls, but for the wire: its retries, its pace, its sockets. */
export class SimulatedPoster implements Poster {
  readonly #account: SimulatedAccount
  readonly #retry: RetryPolicy
  readonly #sockets: ConcurrencyLimit

  constructor(account: SimulatedAccount, clock: Clock, sockets: number) {
    this.#account = account
    this.#sockets = new ConcurrencyLimit(sockets)
    this.#retry = { maxTries: 4, clock, pace: new PostPace({ clock, mostAtOnce: sockets }) }
  }

  post(connectionId: string, _text: string, { signal }: PostOptions = {}): Promise<void> {
    const call: PostCall = { method: 'POST', connectionId, signal }
    return retryPost(this.#retry, call, () => this.#sockets.run(signal, () => this.#account.answer(call)))
  }

  close(): Promise<void> {
    throw new Error('nobody closes a connection here')
  }

  get(): Promise<ConnectionInfo> {
    throw new Error('nobody asks for a connection here')
  }

  destroy(): void {}
}
