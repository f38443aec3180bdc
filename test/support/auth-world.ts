import type { HttpScope, WebsocketScope } from '../../shared/application.ts'
import { authMiddlewareStack } from '../../shared/auth/auth-middleware-stack.ts'
import type { AuthOptions } from '../../shared/auth/auth-middleware.ts'
import { getUser, login, logout } from '../../shared/auth/authentication.ts'
import type { AnonymousUser } from '../../shared/auth/user.ts'
import { fetchApplication } from '../../shared/consumers/fetch-application.ts'
import { WebsocketConsumer } from '../../shared/consumers/websocket-consumer.ts'
import type { EventOf } from '../../shared/message.ts'
import { ProtocolTypeRouter } from '../../shared/routing/protocol-type-router.ts'
import type { Session } from '../../shared/sessions/session.ts'
import type { TestMode } from '../../shared/testing/test-gateway.ts'
import { FakeLogger } from './fake-connection.ts'
import { SECRET, WatchedSessionStore } from './session-world.ts'
import { TestBrowser } from './test-browser.ts'

/** What is in the table of users. */
export interface Account {
  readonly id: string
  readonly name: string
  readonly passwordHash: string
}

/** What of it is in a scope. */
export interface Person {
  readonly id: string
  readonly name: string
}

type WithUser<S> = S & { readonly user: Person | AnonymousUser; readonly session: Session }

interface RoomEvents {
  'room.said': { readonly text: string }
}

class RoomConsumer extends WebsocketConsumer<WithUser<WebsocketScope>, RoomEvents> {
  override readonly groups = ['room']

  override async receive(text: string): Promise<void> {
    const { scope } = this
    if (text === 'who') return this.send(String(scope.user.id))
    if (text === 'who now') return this.send(String((await getUser(scope)).id))
    if (text === 'login') return login(scope, { id: 'eve' })
    if (text === 'logout') {
      await logout(scope)
      return this.send(`bye, ${scope.user.id}`)
    }
    await this.channelLayer.groupSend('room', { type: 'room.said', text })
    return undefined
  }

  async roomSaid({ text }: EventOf<RoomEvents, 'room.said'>): Promise<void> {
    await this.send(`${text}, ${this.scope.user.id}`)
  }
}

/** A server with users, and browsers before it. */
export interface AuthWorld {
  readonly store: WatchedSessionStore
  /** The table of users. */
  readonly accounts: Map<string, Account>
  /** The ids that were looked up, since the last time it was emptied. */
  readonly lookups: string[]
  readonly newBrowser: () => TestBrowser
  /** A browser in which this user has logged in. */
  readonly loggedIn: (id: string) => Promise<TestBrowser>
  readonly logger: FakeLogger
}

/** Options of {@link authWorld}. */
export interface AuthWorldOptions extends Partial<AuthOptions<Account, Person>> {
  readonly mode?: TestMode
}

/**
 * Ann, Bob and Eve, with the views `POST /login` (the id is the body), `/logout`, `/cart` and `GET /me`, and a WebSocket
 * consumer that answers "who", "who now", "login" and "logout" and says everything else to the room.
 */
export function authWorld({ mode = 'cold', ...options }: AuthWorldOptions = {}): AuthWorld {
  const store = new WatchedSessionStore()
  const logger = new FakeLogger()
  const lookups: string[] = []
  const accounts = new Map(
    ['ann', 'bob', 'eve'].map((id): [string, Account] => [
      id,
      { id, name: id.toUpperCase(), passwordHash: `hash of ${id}` },
    ]),
  )
  const auth = authMiddlewareStack<Account, Person>({
    store,
    secrets: [SECRET],
    clock: store.clock,
    getUser: async (id) => {
      lookups.push(String(id))
      return accounts.get(String(id))
    },
    scopeUser: ({ id, name }) => ({ id, name }),
    ...options,
  })
  const application = ProtocolTypeRouter({
    http: auth(fetchApplication<WithUser<HttpScope>>((request, { scope }) => view(request, scope, accounts))),
    websocket: auth(RoomConsumer.asApplication()),
  })
  const newBrowser = TestBrowser.several(application, { logger, clock: store.clock, mode })
  const loggedIn = async (id: string): Promise<TestBrowser> => {
    const browser = newBrowser()
    await browser.request('POST', '/login', id)
    lookups.length = 0
    return browser
  }
  return { store, accounts, lookups, newBrowser, loggedIn, logger }
}

async function view(
  request: Request,
  scope: WithUser<HttpScope>,
  accounts: ReadonlyMap<string, Account>,
): Promise<Response> {
  if (scope.path === '/login') {
    const account = accounts.get(await request.text())
    if (account === undefined) return new Response('who?', { status: 403 })
    await login(scope, account)
  }
  if (scope.path === '/logout') await logout(scope)
  if (scope.path === '/cart') await scope.session.set('cart', await request.text())
  return Response.json({ user: scope.user, cart: (await scope.session.get('cart')) ?? null })
}

/** Who a browser is, as the server sees it. */
export async function userOf(browser: TestBrowser): Promise<unknown> {
  const { user } = JSON.parse(await browser.text('/me')) as { readonly user: { readonly id: unknown } }
  return user.id
}
