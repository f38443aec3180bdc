import type { Application, Connection, Scope } from '../application.ts'
import { type Clock, systemClock } from '../clock.ts'
import { ConfigurationError } from '../errors.ts'
import { isPlainObject } from '../message.ts'
import { defineMiddleware, type Middleware, wrapApplication } from '../middleware/define-middleware.ts'
import type { SessionScope } from '../sessions/session-middleware.ts'
import { AUTHENTICATION, Authentication, authenticationIn, type UserSource } from './authentication.ts'
import { RecentUsers } from './recent-users.ts'
import { requireStorableUser, type StoredUser } from './storable-user.ts'
import { type AnonymousUser, anonymousUser, type User } from './user.ts'

/** What a connection remembers: its user, as JSON. */
const REMEMBERED = 'auth.user'

/** Of a connection whose user has logged out: HTTP's 401, in the range that applications may use. */
const LOGGED_OUT = 4401

const STORED: StoredUser = {
  name: 'scope.user',
  where: 'with its connection',
  remedy:
    'give authMiddleware a scopeUser that returns what consumers need, such as ({ id, name }) => ({ id, name })',
}

/** Options of {@link authMiddleware}. */
export interface AuthOptions<Account extends User, U extends User = Account> extends UserSource<Account, U> {
  /**
   * Whether later events of a WebSocket connection ask again who is logged in.
   *
   * `connect`, the default: no. `scope.user` is kept with the connection as it was at the handshake, and no event costs a
   * read. `event`: each does, at the price of reading session and account. A number: it is asked again if this container
   * has last asked so many seconds ago.
   */
  readonly revalidate?: 'connect' | 'event' | number
  readonly clock?: Clock
}

/** A scope with a user. */
export interface UserScope<U extends User = User> extends SessionScope {
  readonly user: U | AnonymousUser
}

/**
 * Returns a middleware that adds `scope.user`: who is logged in according to the session, or {@link anonymousUser}. It belongs
 * inside {@link sessionMiddleware}. A user that a middleware outside of it has found, by a token, is kept.
 *
 * Of the session only the user's id is taken; the account itself comes from `getUser`. With `sessionHash`, sessions of an
 * account end when that text changes.
 *
 * @throws {@link ConfigurationError} without `getUser`; at the handshake, if `scope.user` is not JSON or has a key that
 * speaks of a secret, for it is stored with the connection
 * @example
 * ```ts
 * const auth = authMiddleware({ getUser: (id) => findAccount(id), scopeUser: ({ id, name }) => ({ id, name }) })
 * ```
 */
export function authMiddleware<Account extends User, U extends User = Account>(
  options: AuthOptions<Account, U>,
): Middleware<SessionScope, { readonly user: U | AnonymousUser }> {
  const authenticator = new Authenticator(options)
  const adding = defineMiddleware<SessionScope, { readonly user: U | AnonymousUser }>({
    name: 'auth',
    connect: (scope) => authenticator.connect(scope),
    resume: (scope) => authenticator.resume(scope),
  })
  // What is put between the two neither asks for anything nor adds anything that `adding` does not.
  return (inner: Application<never>) => adding(closingAfterLogout(inner) as never)
}

/** What is added to the scope. */
interface Added<U extends User> {
  readonly user: U | AnonymousUser
  readonly [AUTHENTICATION]: object
}

class Authenticator<Account extends User, U extends User> {
  readonly #options: AuthOptions<Account, U>
  readonly #recent: RecentUsers<U> | undefined

  constructor(options: AuthOptions<Account, U>) {
    const { revalidate = 'connect', clock = systemClock } = options
    if (typeof options.getUser !== 'function') {
      throw new ConfigurationError(
        'authMiddleware has no getUser: give it a function from the id that login() was given to the user',
      )
    }
    if (typeof revalidate === 'number' ? !(revalidate > 0) : !['connect', 'event'].includes(revalidate)) {
      throw new ConfigurationError(
        `authMiddleware has revalidate: ${JSON.stringify(revalidate)}: use 'connect', 'event' or a number of seconds`,
      )
    }
    this.#options = { ...options, revalidate }
    this.#recent = typeof revalidate === 'number' ? new RecentUsers(clock, revalidate) : undefined
  }

  async connect(scope: SessionScope): Promise<Added<U>> {
    const authentication = this.#authentication(scope)
    const found = userIn<U>(scope)
    authentication.user = found ?? (await authentication.load())
    const isOurs = found === undefined && authentication.user !== anonymousUser
    const connection = connectionOf(scope)
    if (connection && isOurs && this.#options.revalidate === 'connect')
      connection.remember(REMEMBERED, requireStorableUser(authentication.user, STORED))
    return added(authentication)
  }

  async resume(scope: SessionScope): Promise<Added<U>> {
    const authentication = this.#authentication(scope)
    authentication.user = userIn<U>(scope) ?? (await this.#current(scope, authentication))
    return added(authentication)
  }

  async #current(
    scope: SessionScope,
    authentication: Authentication<Account, U>,
  ): Promise<U | AnonymousUser> {
    if (this.#options.revalidate === 'connect') {
      const user = connectionOf(scope)?.recall(REMEMBERED)
      // What is kept under this key was made by `connect`.
      return isPlainObject(user) ? (user as unknown as U) : anonymousUser
    }
    const { key } = scope.session
    if (key === undefined) return anonymousUser
    return this.#recent ? this.#recent.get(key, () => authentication.load()) : authentication.load()
  }

  #authentication(scope: SessionScope): Authentication<Account, U> {
    if (typeof scope.session === 'object') return new Authentication(this.#options, scope)
    throw new ConfigurationError(
      'authMiddleware found no scope.session: put it inside sessionMiddleware, or use authMiddlewareStack()',
    )
  }
}

/** A getter, so that login() and logout() change it for the rest of the event. */
function added<U extends User>(authentication: { readonly user: U | AnonymousUser }): Added<U> {
  return {
    get user() {
      return authentication.user
    },
    [AUTHENTICATION]: authentication,
  }
}

/** Who a middleware outside has found, unless that is nobody. */
function userIn<U extends User>(scope: Scope & { readonly user?: unknown }): U | undefined {
  const { user } = scope
  const id: unknown = typeof user === 'object' && user !== null ? Reflect.get(user, 'id') : undefined
  // That its type is the same, the compiler has checked where both were put together.
  return id === undefined || id === null ? undefined : (user as U)
}

/** What keeps things between events; an HTTP request has nothing like it. */
function connectionOf(scope: Scope): Connection | undefined {
  return scope.type === 'websocket' ? (scope.connection as Connection) : undefined
}

function closingAfterLogout(inner: Application<never>): Application {
  return wrapApplication(inner, async (scope, message, send) => {
    let isClosed = scope.type !== 'websocket' || message.type === 'websocket.disconnect'
    await inner(scope as never, message, (sent) => {
      isClosed ||= sent.type === 'websocket.close'
      return send(sent)
    })
    if (isClosed || authenticationIn(scope)?.hasLoggedOut !== true) return
    await send({ type: 'websocket.close', code: LOGGED_OUT, reason: 'logged out' })
  })
}
