import { createHash } from 'node:crypto'
import type { Application, Send, WebsocketScope } from '../application.ts'
import { ConfigurationError, StoreError } from '../errors.ts'
import type { Message } from '../message.ts'
import { wrapApplication } from '../middleware/define-middleware.ts'
import type { RateStore } from '../stores/rate-store.ts'
import { requireWholeNumber } from '../whole-number.ts'

const LONGEST_WINDOW_SECONDS = 86_400
const NAME = /^[a-zA-Z0-9_-]{1,40}$/
const POLICY_VIOLATION = 1008

/** Whose frames count together; nothing for frames that are not limited. */
export type RateLimitKey<S> = (scope: S) => string | undefined | Promise<string | undefined>

/** Options of {@link rateLimit}. */
export interface RateLimitOptions<S extends WebsocketScope = WebsocketScope> {
  /** How many frames pass in one window; a whole number from 1. */
  readonly messages: number
  /** The window's length; a whole number from 1 to 86400. */
  readonly perSeconds: number
  /** Where it is counted. */
  readonly store: RateStore
  /**
   * Whose frames count together: those of one connection, which is the default, those of all connections of `scope.user`, or
   * of all that give the same key. Who is not logged in counts by connection.
   */
  readonly by?: 'connection' | 'user' | RateLimitKey<S>
  /** What becomes of a frame over the limit: nothing but a count, which is the default, or the end of its connection. */
  readonly onLimit?: 'drop' | 'close'
  /** What becomes of a frame that cannot be counted, as the store is down: it passes, by default, or is dropped. */
  readonly onStoreFailure?: 'allow' | 'drop'
  /** Limits of one name, key and window count together; `messages` by default. */
  readonly name?: string
}

/** Limits the frames of `inner`, and asks for `Needs` in the scope. */
export type RateLimit<Needs extends WebsocketScope> = <S extends WebsocketScope>(
  inner: Application<S>,
) => Application<S & Needs>

/**
 * Returns a middleware that lets no more than so many client frames through in each window of time. Windows are fixed, see
 * {@link RateStore}. What comes through a channel layer, the handshake and `disconnect()` are not limited.
 *
 * Each frame costs one call of the store, a dropped one too. A frame over the limit runs no consumer. It is counted as
 * `rateLimited`, and the first of a window is told in one line at warn. With `onLimit: 'close'` its connection is closed with
 * code 1008, as far as API Gateway can: see {@link WebsocketConsumer.close}.
 *
 * @throws {@link ConfigurationError} for numbers and names that cannot be; at the first frame, `by: 'user'` without a
 * `scope.user`
 * @example
 * ```ts
 * const limited = rateLimit({ messages: 20, perSeconds: 10, store: new MemoryRateStore() })
 * const application = limited(UrlRouter(routes))
 * ```
 */
export function rateLimit(
  options: RateLimitOptions & { readonly by: 'user' },
): RateLimit<WebsocketScope & { readonly user: unknown }>
export function rateLimit<S extends WebsocketScope = WebsocketScope>(
  options: RateLimitOptions<S> & { readonly by?: 'connection' | RateLimitKey<S> },
): RateLimit<S>
export function rateLimit<Needs extends WebsocketScope>(options: RateLimitOptions<Needs>): RateLimit<Needs> {
  const limiter = new RateLimiter(options)
  return <S extends WebsocketScope>(inner: Application<S>): Application<S & Needs> =>
    wrapApplication<S & Needs>(inner, async (scope, message, send) => {
      const isThrough = message.type !== 'websocket.receive' || (await limiter.admits(scope, send))
      if (isThrough) await inner(scope, message, send)
    })
}

class RateLimiter<S extends WebsocketScope> {
  readonly #options: RateLimitOptions<S>
  readonly #keyOf: RateLimitKey<S>
  readonly #prefix: string

  constructor(options: RateLimitOptions<S>) {
    const { by = 'connection', name = 'messages' } = options
    requireWholeNumber(options.messages, 'rateLimit.messages')
    requireWholeNumber(options.perSeconds, 'rateLimit.perSeconds', { most: LONGEST_WINDOW_SECONDS })
    if (!NAME.test(name)) {
      throw new ConfigurationError(
        `rateLimit has the name ${JSON.stringify(name)}: use 1 to 40 letters, digits, "_" and "-"`,
      )
    }
    this.#options = options
    this.#keyOf = keyFunction(by)
    this.#prefix = name
  }

  /** Whether one more frame may pass. If not, all that is to be done about it has been. */
  async admits(scope: S, send: Send): Promise<boolean> {
    const key = await this.#keyOf(scope)
    if (key === undefined) return true
    const hits = await this.#count(key, scope)
    if (hits === undefined) return this.#options.onStoreFailure !== 'drop'
    const { messages, onLimit } = this.#options
    if (hits <= messages) return true
    this.#report(hits, scope)
    if (onLimit === 'close') await send(CLOSE)
    return false
  }

  /** How many there were by now in this window; `undefined` if the store is down. */
  async #count(key: string, { connection, channelName }: S): Promise<number | undefined> {
    const { store, perSeconds, onStoreFailure = 'allow' } = this.#options
    // Of a hash every key is short, and the store learns no user's name.
    const digest = createHash('sha256').update(key).digest('base64url').slice(0, 22)
    try {
      return await store.hit(`${this.#prefix}.${digest}`, perSeconds)
    } catch (error) {
      if (!(error instanceof StoreError)) throw error
      connection.count('rateNotCounted')
      const what = onStoreFailure === 'drop' ? 'is dropped' : 'passes unlimited'
      connection.logger.warn(`a frame could not be counted and ${what}`, { channelName, error })
      return undefined
    }
  }

  #report(hits: number, { connection, channelName }: S): void {
    const { messages, perSeconds, onLimit = 'drop' } = this.#options
    connection.count('rateLimited')
    // The store gives each number of a window once, so this is one line, whatever containers the frames are in.
    if (hits !== messages + 1) return
    connection.logger.warn(`over ${messages} messages in ${perSeconds} seconds: further ones are refused`, {
      channelName,
      limit: this.#prefix,
      onLimit,
    })
  }
}

const CLOSE: Message = { type: 'websocket.close', code: POLICY_VIOLATION, reason: 'too many messages' }

function keyFunction<S extends WebsocketScope>(by: 'connection' | 'user' | RateLimitKey<S>): RateLimitKey<S> {
  if (by === 'connection') return byConnection
  if (by === 'user') {
    return async (scope) => {
      const id = await userId(scope)
      return id === undefined ? byConnection(scope) : `user ${id}`
    }
  }
  return async (scope) => {
    const key = await by(scope)
    return key === undefined ? undefined : `key ${key}`
  }
}

function byConnection({ channelName }: WebsocketScope): string {
  return `connection ${channelName}`
}

/** The user's id; `undefined` for a user who has none, as one who is not logged in. */
async function userId(scope: WebsocketScope): Promise<string | undefined> {
  const user: unknown = await Reflect.get(scope, 'user')
  if (user === undefined) {
    throw new ConfigurationError(
      `rateLimit by user found no scope.user: wrap it in the middleware that adds one, or limit by connection`,
    )
  }
  const id: unknown = typeof user === 'object' && user !== null ? Reflect.get(user, 'id') : undefined
  const isId = (typeof id === 'string' && id !== '') || typeof id === 'number'
  return isId ? String(id) : undefined
}
