import type { Application, Connection, RequestScope, Scope } from '../application.ts'
import { type Clock, systemClock } from '../clock.ts'
import { ConfigurationError, InvalidMessageError, StoreError } from '../errors.ts'
import type { ResponseHead } from '../http-message.ts'
import type { Message } from '../message.ts'
import type { CookieScope } from '../middleware/cookie-middleware.ts'
import {
  cookiesNamed,
  type CookieOptions,
  deleteCookie,
  serializeCookie,
  setCookie,
} from '../middleware/cookies.ts'
import { defineMiddleware, type Middleware, wrapApplication } from '../middleware/define-middleware.ts'
import { DenyConnection } from '../signals.ts'
import type { SessionStore } from '../stores/session-store.ts'
import type { Session } from './session.ts'
import { SessionSigner } from './session-cookie.ts'
import { requireSeconds, StoredSession, type StoredSessionOptions } from './stored-session.ts'

const TWO_WEEKS = 1_209_600

/** What a connection remembers: the key of its session, a hash. */
const REMEMBERED = 'session'

const OVER_WEBSOCKET =
  'needs a new session cookie, which API Gateway cannot send over a WebSocket: begin the session in an HTTP request, and connect then'
const OF_ENDED_CONNECTION =
  'needs a session, and that of this connection has ended since its handshake, or has another id because its user has logged in: let the client connect again, with the cookie that it has now'
const RESPONSE_GONE = 'needs a new session cookie, and the response is gone: await it in the view'

/** Options of {@link sessionMiddleware}. */
export interface SessionOptions {
  readonly store: SessionStore
  /**
   * What signs the cookie: at least 32 bytes each. The first signs, all are taken: to rotate, put the new one in front, and
   * drop the old one when no session is left that was saved before.
   */
  readonly secrets: readonly string[]
  /** `sessionid` by default. */
  readonly cookieName?: string
  /** `Path=/; Secure; HttpOnly; SameSite=Lax`, for this host alone, by default. */
  readonly cookie?: Pick<CookieOptions, 'path' | 'domain' | 'secure' | 'httpOnly' | 'sameSite'>
  /** How long a session is kept from when it was saved last; 1209600 by default, two weeks. */
  readonly ageSeconds?: number
  /** Whether the cookie goes when the browser is closed; false by default. */
  readonly expireAtBrowserClose?: boolean
  /** Whether each request makes a session last longer, at the price of a read and a write; false by default. */
  readonly saveEveryRequest?: boolean
  readonly clock?: Clock
}

/** A scope with a session. */
export interface SessionScope extends RequestScope {
  readonly session: Session
}

/**
 * Returns a middleware that adds `scope.session`, for HTTP requests and WebSocket connections. It belongs inside
 * {@link cookieMiddleware}.
 *
 * A request's session is saved when the application is done and its response complete, before it goes out, and not if its
 * status is 5xx, it is too large, or the application throws. A session that was emptied is deleted with its cookie, unless
 * another request has put something into it. If a changed session was ended meanwhile by somebody else, nothing is saved
 * and the answer is 400, except to a `login()`.
 *
 * An event of a WebSocket connection saves what it has changed when its handler is done. A connection cannot begin a session
 * or change its id, because it cannot send a cookie: that is a {@link ProtocolError}.
 *
 * The store gets the SHA-256 of a session's id, and so does the connection's record: neither is of use to who reads it.
 * Cookies that none of the secrets has signed are refused, and counted as `sessionCookieForged`; those of sessions that have
 * ended as `sessionCookieStale`. Of several cookies of its name the first that is signed counts.
 *
 * @throws {@link ConfigurationError} without secrets, for a short one, and for a cookie that browsers would refuse
 * @example
 * ```ts
 * const sessions = sessionMiddleware({ store, secrets: [secret] })
 * const application = cookieMiddleware(sessions(UrlRouter(routes)))
 * ```
 */
export function sessionMiddleware(
  options: SessionOptions,
): Middleware<CookieScope, { readonly session: Session }> {
  const keeper = new SessionKeeper(options)
  const adding = defineMiddleware<CookieScope, { readonly session: StoredSession }>({
    name: 'session',
    connect: (scope) => ({ session: keeper.sessionOfClient(scope) }),
    resume: (scope) => ({ session: keeper.sessionOfConnection(scope) }),
    respond: (scope, head) => keeper.respond(scope, head),
  })
  const around = (inner: Application<never>): Application<KeptScope> =>
    wrapApplication(inner, async (scope, message, send) => {
      await inner(scope as never, message, send)
      // That of a request is saved by `respond`, when all is done and the response is known to be good.
      if (scope.type === 'websocket') await keeper.saveAfter(scope, message)
    })
  // What is put between the two neither asks for anything nor adds anything that `adding` does not.
  return (inner: Application<never>) => adding(around(inner))
}

type KeptScope = Scope & { readonly session: StoredSession }

class SessionKeeper {
  readonly #options: SessionOptions
  readonly #signer: SessionSigner
  readonly #cookieName: string
  readonly #cookie: CookieOptions

  constructor(options: SessionOptions) {
    this.#options = options
    this.#signer = new SessionSigner(options.secrets)
    this.#cookieName = options.cookieName ?? 'sessionid'
    this.#cookie = { secure: true, httpOnly: true, ...options.cookie }
    requireCookie(this.#cookieName, this.#cookie)
    if (options.ageSeconds !== undefined)
      requireSeconds('ageSeconds of sessionMiddleware', options.ageSeconds)
  }

  /** The session that the client's cookie names; an empty one if there is no cookie, or a wrong one. */
  sessionOfClient(scope: CookieScope): StoredSession {
    const { id, isForged } = this.#cookieIn(scope)
    const session = this.#session({
      id,
      isForged,
      refusal: scope.type === 'websocket' ? OVER_WEBSOCKET : undefined,
      onStale: () => scope.connection.count('sessionCookieStale'),
    })
    if (session.key !== undefined) connectionOf(scope)?.remember(REMEMBERED, session.key)
    return session
  }

  /** The session of a connection that was opened earlier. */
  sessionOfConnection(scope: Scope): StoredSession {
    const key = connectionOf(scope)?.recall(REMEMBERED)
    return this.#session({
      key: typeof key === 'string' ? key : undefined,
      refusal: OVER_WEBSOCKET,
      refusalIfEnded: OF_ENDED_CONNECTION,
      onStale: () => {},
    })
  }

  /** Saves the session, and tells the client of it. */
  async respond(scope: CookieScope & KeptScope, head: ResponseHead): Promise<ResponseHead> {
    const { session, connection } = scope
    if (head.status >= 500) {
      session.revert()
      return head
    }
    const isSaved = this.#options.saveEveryRequest === true ? await session.renew() : await session.save()
    if (!isSaved) {
      connection.count('sessionEndedMeanwhile')
      connection.logger.warn('request answered with 400: its session was ended while it ran', {
        path: scope.path,
      })
      throw new DenyConnection(400)
    }
    session.seal(RESPONSE_GONE)
    return this.#withCookie(scope, head)
  }

  /** Saves what an event of a connection has changed. */
  async saveAfter({ session, connection }: KeptScope, message: Message): Promise<void> {
    if (!session.isModified) return
    try {
      if (await session.save()) return
      connection.count('sessionEndedMeanwhile')
      connection.logger.warn(
        'what an event changed of its session is lost: the session was ended while it ran',
        {
          type: message.type,
        },
      )
    } catch (error) {
      // The handler has run and its frames are out, so a store that is down is no reason to close the connection.
      if (!(error instanceof StoreError) || message.type === 'websocket.connect') throw error
      connection.count('sessionNotSaved')
      connection.logger.error('what an event changed of its session could not be saved, and is lost', {
        type: message.type,
        error,
      })
    }
  }

  #cookieIn(scope: CookieScope): { readonly id: string | undefined; readonly isForged: boolean } {
    const { cookies, headers, connection, client } = scope
    if (typeof cookies !== 'object') {
      throw new ConfigurationError(
        'sessionMiddleware found no scope.cookies: put it inside cookieMiddleware, as cookieMiddleware(sessionMiddleware(options)(application))',
      )
    }
    if (cookies[this.#cookieName] === undefined) return { id: undefined, isForged: false }
    // Of that name there may be another, which a page of a sibling domain has set: what is signed is ours.
    for (const value of cookiesNamed(this.#cookieName, headers['cookie'] ?? [])) {
      const id = this.#signer.verify(value)
      if (id !== undefined) return { id, isForged: false }
    }
    connection.count('sessionCookieForged')
    // Not the cookie: it may be a good one in which a character is wrong.
    connection.logger.info('a session cookie was refused: none of the secrets has signed it', { client })
    return { id: undefined, isForged: true }
  }

  #withCookie(
    { session, cookies }: Pick<CookieScope, 'cookies'> & KeptScope,
    head: ResponseHead,
  ): ResponseHead {
    const { told } = session
    // Not one that is merely out of date: while this ran, a login may have given the browser another one.
    const isUseless = cookies[this.#cookieName] !== undefined && session.hasUselessCookie
    const personal = session.isAccessed || isUseless ? withVary(head) : head
    if (told) {
      const { maxAgeSeconds } = told
      const life = maxAgeSeconds === undefined ? {} : { maxAgeSeconds }
      return setCookie(personal, this.#cookieName, this.#signer.sign(told.id), { ...this.#cookie, ...life })
    }
    return isUseless ? deleteCookie(personal, this.#cookieName, this.#cookie) : personal
  }

  #session(
    client: Omit<StoredSessionOptions, 'store' | 'clock' | 'ageSeconds' | 'expireAtBrowserClose'>,
  ): StoredSession {
    const { store, clock = systemClock, ageSeconds = TWO_WEEKS, expireAtBrowserClose = false } = this.#options
    return new StoredSession({ store, clock, ageSeconds, expireAtBrowserClose, ...client })
  }
}

/** What keeps things between events; an HTTP request has nothing like it. */
function connectionOf(scope: Scope): Connection | undefined {
  return scope.type === 'websocket' ? (scope.connection as Connection) : undefined
}

/** No cache may give it to another client. */
function withVary(head: ResponseHead): ResponseHead {
  return { ...head, headers: [...head.headers, ['vary', 'Cookie']] }
}

function requireCookie(name: string, cookie: CookieOptions): void {
  try {
    serializeCookie(name, '', cookie)
  } catch (error) {
    if (!(error instanceof InvalidMessageError)) throw error
    throw new ConfigurationError(`sessionMiddleware cannot set its cookie: ${error.message}`, {
      cause: error,
    })
  }
}
