import { expect, test } from 'vitest'
import { MemoryTicketStore } from '../../shared/backends/memory/index.ts'
import {
  anonymousUser,
  type Application,
  authMiddleware,
  authorizerMiddleware,
  ConfigurationError,
  defineMiddleware,
  getUser,
  isAuthenticated,
  login,
  logout,
  mintTicket,
  ProtocolError,
  ticketMiddleware,
  tokenMiddleware,
  type User,
  WebsocketConsumer,
  type WebsocketScope,
} from '../../shared/index.ts'
import { ManualClock, TestGateway, WebsocketCommunicator } from '../../shared/testing/index.ts'
import { authWorld, userOf } from '../support/auth-world.ts'
import { Issuer } from '../support/issuer.ts'
import { cookiesSetBy, type TestBrowser } from '../support/test-browser.ts'

// 1.9 Auth

/** What a connection of this browser is told when it asks. */
async function ask(socket: WebsocketCommunicator, question: string): Promise<string> {
  await socket.sendTo(question)
  return socket.receiveFrom()
}

async function opened(browser: TestBrowser): Promise<WebsocketCommunicator> {
  const socket = browser.socket('/')
  await socket.connect()
  return socket
}

/** Tells its client who it is. */
class WhoConsumer extends WebsocketConsumer<
  WebsocketScope & { readonly user: User | { readonly id: null } }
> {
  override async receive(): Promise<void> {
    await this.send(String(this.scope.user.id))
  }
}

const who = WhoConsumer.asApplication()

test('`AuthMiddleware`: `scope["user"]`', async () => {
  const { loggedIn } = authWorld()
  await using socket = await opened(await loggedIn('ann'))

  expect([await ask(socket, 'who'), await ask(socket, 'who')]).toEqual(['ann', 'ann'])
})

test('needs a session', async () => {
  const application = authMiddleware({ getUser: () => undefined })(who) as unknown
  const client = new WebsocketCommunicator(application as Application<WebsocketScope>, '/')

  await expect(client.connect()).rejects.toThrow(/put it inside sessionMiddleware/)
})

test('a user that is set already is kept', async () => {
  const lookups: unknown[] = []
  const auth = authMiddleware({ getUser: (id) => void lookups.push(id) })
  const found = defineMiddleware({ name: 'found', connect: () => ({ user: { id: 'outside' } }) })
  const session = { 'auth.userId': 'inside' }
  const openBehind = async (application: unknown): Promise<string> => {
    await using client = new WebsocketCommunicator(application as Application<WebsocketScope>, '/', {
      session,
    })
    await client.connect()
    await client.sendTo('who')
    return await client.receiveFrom()
  }

  expect(await openBehind(found(auth(who as never) as never))).toBe('outside')
  expect(lookups).toEqual([])
  await openBehind(auth(who as never))
  expect(lookups).toEqual(['inside'])
})

test('`AnonymousUser`', async () => {
  const { newBrowser } = authWorld()
  await using socket = await opened(newBrowser())

  expect(await ask(socket, 'who')).toBe('null')
  expect([anonymousUser.id, isAuthenticated(anonymousUser)]).toEqual([null, false])
})

test('`AuthMiddlewareStack`', async () => {
  const { newBrowser } = authWorld()
  const browser = newBrowser()
  await browser.request('POST', '/login', 'ann')
  expect(await userOf(browser)).toBe('ann')
  await using socket = await opened(browser)

  await socket.sendTo('hello')

  expect(await socket.receiveFrom()).toBe('hello, ann')
})

test('`get_user(scope)`', async () => {
  const { loggedIn } = authWorld()
  const browser = await loggedIn('ann')
  await using socket = await opened(browser)
  expect(await ask(socket, 'who now')).toBe('ann')

  await browser.request('POST', '/logout')

  expect(await ask(socket, 'who now')).toBe('null')
})

test('the session ends when the password changes', async () => {
  const { accounts, loggedIn, store } = authWorld({ sessionHash: ({ passwordHash }) => passwordHash })
  const browser = await loggedIn('ann')
  expect(await userOf(browser)).toBe('ann')

  accounts.set('ann', { id: 'ann', name: 'Ann', passwordHash: 'another' })

  expect(await userOf(browser)).toBeNull()
  expect(await store.load(store.created[0] ?? '')).toBeUndefined()
})

test("`login(scope, user)` cycles the session's id", async () => {
  const { newBrowser, store } = authWorld()
  const browser = newBrowser()
  await browser.request('POST', '/cart', 'tea')
  const before = browser.cookies.get('sessionid')

  await browser.request('POST', '/login', 'ann')

  expect(JSON.parse(await browser.text('/me'))).toMatchObject({ user: { id: 'ann' }, cart: 'tea' })
  expect(browser.cookies.get('sessionid')).not.toBe(before)
  expect(await store.load(store.created[0] ?? '')).toBeUndefined()
})

test('a login as somebody else flushes', async () => {
  const { loggedIn } = authWorld()
  const browser = await loggedIn('ann')
  await browser.request('POST', '/cart', "ann's")

  await browser.request('POST', '/login', 'bob')

  expect(JSON.parse(await browser.text('/me'))).toMatchObject({ user: { id: 'bob' }, cart: null })
})

test('`login`, `logout`, `get_user` without a session are errors', async () => {
  const scope = {} as Parameters<typeof getUser>[0]

  for (const run of [() => login(scope, { id: 'ann' }), () => logout(scope), () => getUser(scope)]) {
    await expect(run()).rejects.toThrow(ConfigurationError)
    await expect(run()).rejects.toThrow(/found no session in the scope.*sessionMiddleware/)
  }
})

test('`login()` over a WebSocket', async () => {
  const { loggedIn } = authWorld()
  const socket = await opened(await loggedIn('ann'))

  const asked = ask(socket, 'login')

  await expect(asked).rejects.toThrow(ProtocolError)
  await expect(asked).rejects.toThrow(/log in with an HTTP request, and connect then/)
})

test('`logout(scope)`', async () => {
  const { loggedIn, store } = authWorld()
  const [browser, other] = [await loggedIn('ann'), await loggedIn('bob')]

  const response = await browser.request('POST', '/logout')
  expect(cookiesSetBy(response)).toMatchObject([{ name: 'sessionid', value: '' }])
  expect(await store.load(store.created[0] ?? '')).toBeUndefined()

  await using socket = await opened(other)
  expect(await ask(socket, 'logout')).toBe('bye, null')
  expect(await socket.receiveJsonFrom()).toMatchObject({ type: 'websocket.close', code: 4401 })
  expect(await userOf(other)).toBeNull()
})

test('a user is as old as the socket', async () => {
  const worlds = [authWorld(), authWorld({ revalidate: 'event' })]
  const answers: string[] = []
  for (const { loggedIn } of worlds) {
    const browser = await loggedIn('ann')
    await using socket = await opened(browser)
    await browser.request('POST', '/logout')
    answers.push(await ask(socket, 'who'))
  }

  expect(answers).toEqual(['ann', 'null'])
})

test('tokens are a recipe', async () => {
  const clock = new ManualClock()
  await using issuer = await Issuer.start(clock)
  const store = new MemoryTicketStore({ clock })
  const byToken = tokenMiddleware({ issuer: issuer.name, audience: 'chat', jwks: issuer.jwks, clock })(who)
  const byTicket = ticketMiddleware({ store, clock })(who)
  const ticket = `ticket.${await mintTicket({ user: { id: 'bob' } }, { store, clock })}`
  const connect = async (application: Application<WebsocketScope>, options: object): Promise<unknown> => {
    const gateway = new TestGateway(application, { clock })
    await using client = new WebsocketCommunicator(application, '/', { gateway, ...options })
    const [isAccepted, status] = await client.connect()
    return isAccepted ? await ask(client, 'who') : status
  }
  const bearer = (token: string): object => ({ headers: { Authorization: `Bearer ${token}` } })

  expect(await connect(byToken, bearer(await issuer.token()))).toBe('ann')
  expect(await connect(byToken, bearer('forged'))).toBe(401)
  expect(await connect(byTicket, { subprotocols: [ticket] })).toBe('bob')
  expect(await connect(byTicket, { subprotocols: [ticket] })).toBe(401)
  expect(await connect(authorizerMiddleware()(who), { authorizer: { principalId: 'eve' } })).toBe('eve')
})

test('after `login()` the session must be saved', async () => {
  const { newBrowser, store } = authWorld()
  const browser = newBrowser()

  await browser.request('POST', '/login', 'ann')

  expect(store.calls).toContain('create')
  expect(await userOf(browser)).toBe('ann')
})
