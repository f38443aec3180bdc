import { createHash, timingSafeEqual } from 'node:crypto'
import type { Scope } from '../application.ts'
import { ConfigurationError, ProtocolError } from '../errors.ts'
import type { Session } from '../sessions/session.ts'
import { anonymousUser, type AnonymousUser, type User } from './user.ts'

/** The keys of a session that say who is logged in. */
const USER_ID = 'auth.userId'
const USER_HASH = 'auth.hash'

/** Where a user comes from. */
export interface UserSource<Account extends User, U extends User = Account> {
  /** The account with this id, which {@link login} was given once; nothing if there is none any more. */
  getUser(id: string | number): Promise<Account | null | undefined> | Account | null | undefined
  /**
   * What `scope.user` has of an account; all of it by default. It is stored with each connection, so leave out what is
   * secret.
   */
  readonly scopeUser?: (account: Account) => U
  /**
   * A text that changes when all sessions of an account are to end, such as the hash of its password. A session keeps
   * the SHA-256 of it.
   */
  readonly sessionHash?: (account: Account) => string
}

/** Who is logged in, during one event. */
export class Authentication<Account extends User = User, U extends User = Account> {
  /** What `scope.user` is. */
  user: U | AnonymousUser
  /** Whether {@link logout} was called in this event. */
  hasLoggedOut = false
  readonly #source: UserSource<Account, U>
  readonly #scope: Scope & { readonly session: Session }

  constructor(
    source: UserSource<Account, U>,
    scope: Scope & { readonly session: Session },
    user: U | AnonymousUser = anonymousUser,
  ) {
    this.#source = source
    this.#scope = scope
    this.user = user
  }

  /** Who the session says is logged in, as the account is now. */
  async load(): Promise<U | AnonymousUser> {
    const { session, connection } = this.#scope
    const id = await session.get(USER_ID)
    if (typeof id !== 'string' && typeof id !== 'number') return anonymousUser
    const account = await this.#source.getUser(id)
    if (account === undefined || account === null) return anonymousUser
    if (!isSameHash(await session.get(USER_HASH), this.#hashOf(account))) {
      connection.count('sessionHashChanged')
      connection.logger.info('a session was ended: what its user is verified by has changed', { userId: id })
      await session.flush()
      return anonymousUser
    }
    return this.#scopeUser(account)
  }

  async login(account: Account): Promise<void> {
    const { session, type } = this.#scope
    requireId(account)
    if (type === 'websocket') {
      throw new ProtocolError(
        'login() over a WebSocket: it gives the session another id, which API Gateway has no way to tell the browser, so the user would be logged out on the next page; log in with an HTTP request, and connect then',
      )
    }
    const hash = this.#hashOf(account)
    const isOther = (await session.has(USER_ID)) && (await session.get(USER_ID)) !== account.id
    // What somebody else has left in the session is not for this user; what they did before they logged in is.
    if (isOther || ((await session.has(USER_ID)) && !isSameHash(await session.get(USER_HASH), hash)))
      await session.flush()
    // Whoever has planted a session with this browser does not get to know the new one. Of two clicks on a button, the
    // second finds that the first has ended the session: this user has shown who they are all the same.
    else await session.cycleKey({ evenIfEnded: true })
    await session.set(USER_ID, account.id)
    if (hash === undefined) await session.delete(USER_HASH)
    else await session.set(USER_HASH, hash)
    this.user = this.#scopeUser(account)
  }

  async logout(): Promise<void> {
    await this.#scope.session.flush()
    this.user = anonymousUser
    this.hasLoggedOut = true
  }

  #scopeUser(account: Account): U {
    // Without `scopeUser` the types say that U is Account.
    return this.#source.scopeUser?.(account) ?? (account as unknown as U)
  }

  #hashOf(account: Account): string | undefined {
    const text = this.#source.sessionHash?.(account)
    return text === undefined
      ? undefined
      : createHash('sha256').update(`lambda-channels ${text}`).digest('base64url')
  }
}

/** Where middleware keeps the {@link Authentication} of an event. Enumerable, so that a spread of the scope keeps it. */
export const AUTHENTICATION: unique symbol = Symbol('lambda-channels.authentication')

/**
 * Logs `user` in: from now on the session of this client, and `scope.user`, is theirs.
 *
 * The session gets another id, so that nobody who knew the old one is logged in as well. What was in it stays, unless it
 * was another user's. It is saved when the response goes out.
 *
 * @param user - an account as `getUser` of the middleware returns it; check the password, or whatever it takes, before
 * @throws {@link ProtocolError} over a WebSocket, which cannot get a new cookie
 * @throws {@link ConfigurationError} if no {@link authMiddleware} is around
 * @throws {@link StoreError}
 */
export async function login(scope: Scope, user: User): Promise<void> {
  await authenticationOf(scope, 'login').login(user)
}

/**
 * Logs the client out: its session ends, at once and for all its tabs, and `scope.user` is anonymous.
 *
 * Over a WebSocket it closes the connection when the event is over, with code 4401: it was opened for somebody who is
 * not logged in any more. Other connections of the user stay; `kick()` ends them.
 *
 * @throws {@link ConfigurationError} if no {@link authMiddleware} is around
 * @throws {@link StoreError}
 */
export async function logout(scope: Scope): Promise<void> {
  await authenticationOf(scope, 'logout').logout()
}

/**
 * Who is logged in now, whatever `scope.user` was made of: reads the session and the account again.
 *
 * @throws {@link ConfigurationError} if no {@link authMiddleware} is around
 * @throws {@link StoreError}
 */
export async function getUser<U extends User = User>(scope: Scope): Promise<U | AnonymousUser> {
  return (await authenticationOf(scope, 'getUser').load()) as U | AnonymousUser
}

/** The authentication in a scope; `undefined` if no {@link authMiddleware} is around. */
export function authenticationIn(scope: Scope): Authentication | undefined {
  const { [AUTHENTICATION]: authentication } = scope as { readonly [AUTHENTICATION]?: unknown }
  return authentication instanceof Authentication ? (authentication as Authentication) : undefined
}

function authenticationOf(scope: Scope, call: string): Authentication {
  const authentication = authenticationIn(scope)
  if (authentication) return authentication
  throw new ConfigurationError(
    `${call}() found no session in the scope: wrap the application in authMiddlewareStack(), or in authMiddleware() inside sessionMiddleware()`,
  )
}

function requireId(account: unknown): void {
  const id: unknown = typeof account === 'object' && account !== null ? Reflect.get(account, 'id') : undefined
  if (typeof id === 'string' || (typeof id === 'number' && Number.isFinite(id))) return
  throw new ConfigurationError(
    `login() got a user whose id is ${id === null ? 'null' : typeof id}: give it a user with an id that is a string or a number`,
  )
}

/** In constant time; both may be absent. */
function isSameHash(stored: unknown, expected: string | undefined): boolean {
  if (expected === undefined) return true
  if (typeof stored !== 'string' || stored.length !== expected.length) return false
  return timingSafeEqual(Buffer.from(stored), Buffer.from(expected))
}
