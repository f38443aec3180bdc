import { describe, expect, test } from 'vitest'
import { authMiddleware } from '../../../shared/auth/auth-middleware.ts'
import { ConfigurationError, ProtocolError } from '../../../shared/errors.ts'
import { type Account, type AuthWorldOptions, authWorld, userOf } from '../../support/auth-world.ts'
import { fakeScope } from '../../support/fake-connection.ts'
import { ignoreFrames } from '../../support/recording-application.ts'
import type { TestBrowser } from '../../support/test-browser.ts'

const CONNECT = { type: 'websocket.connect' }

async function opened(browser: TestBrowser): Promise<ReturnType<TestBrowser['socket']>> {
  const socket = browser.socket('/')
  await socket.connect()
  return socket
}

async function ask(socket: ReturnType<TestBrowser['socket']>, question: string): Promise<string> {
  await socket.sendTo(question)
  return socket.receiveFrom()
}

describe('scope.user of a WebSocket connection', () => {
  test('is who has logged in over HTTP, in every event', async () => {
    const { loggedIn } = authWorld()
    await using socket = await opened(await loggedIn('ann'))

    expect(await ask(socket, 'who')).toBe('ann')
    expect(await ask(socket, 'who')).toBe('ann')
  })

  test('is nobody without a session', async () => {
    const { newBrowser } = authWorld()
    await using socket = await opened(newBrowser())

    expect(await ask(socket, 'who')).toBe('null')
  })

  test('is of each member alone when an event runs for a whole group', async () => {
    const { loggedIn } = authWorld()
    await using ann = await opened(await loggedIn('ann'))
    await using bob = await opened(await loggedIn('bob'))

    await ann.sendTo('hello')

    expect(await ann.receiveFrom()).toBe('hello, ann')
    expect(await bob.receiveFrom()).toBe('hello, bob')
  })
})

describe("revalidate: 'connect', the default", () => {
  test('costs no later event a call of the store or a lookup', async () => {
    const { loggedIn, store, lookups } = authWorld()
    await using socket = await opened(await loggedIn('ann'))
    store.takeCalls()
    lookups.length = 0

    await ask(socket, 'who')

    expect(store.calls).toEqual([])
    expect(lookups).toEqual([])
  })

  test('keeps the user of the handshake for as long as the connection lasts, as Channels does', async () => {
    const { accounts, loggedIn } = authWorld()
    const browser = await loggedIn('ann')
    await using socket = await opened(browser)

    await browser.request('POST', '/logout')
    accounts.delete('ann')

    expect(await ask(socket, 'who')).toBe('ann')
    expect(await userOf(browser)).toBeNull()
  })

  test('getUser() asks again all the same', async () => {
    const { loggedIn } = authWorld()
    const browser = await loggedIn('ann')
    await using socket = await opened(browser)
    expect(await ask(socket, 'who now')).toBe('ann')

    await browser.request('POST', '/logout')

    expect(await ask(socket, 'who now')).toBe('null')
  })

  test('keeps of the account only what scopeUser returns', async () => {
    const { loggedIn } = authWorld()
    const browser = await loggedIn('ann')
    await using socket = await opened(browser)

    const record = JSON.stringify(await browser.gateway.store.load(socket.channelName))

    expect(record).toContain('ANN')
    expect(record).not.toContain('hash of ann')
  })

  test.each([
    ['a key that speaks of a secret', (account: Account) => account, /has the key "passwordHash"/],
    ['one further in', ({ id }: Account) => ({ id, mail: { apiKey: 'x' } }), /the key "mail\.apiKey"/],
    ['what is not JSON', ({ id }: Account) => ({ id, name: new Date(0) }), /scope\.user\.name is a Date/],
  ])('refuses to store %s, at the handshake', async (_, scopeUser, message) => {
    const { loggedIn } = authWorld({ scopeUser: scopeUser as never })
    const browser = await loggedIn('ann')

    const connected = browser.socket('/').connect()

    await expect(connected).rejects.toThrow(ConfigurationError)
    await expect(connected).rejects.toThrow(message)
  })
})

describe("revalidate: 'event'", () => {
  test('asks again at each event', async () => {
    const { loggedIn, lookups, store } = authWorld({ revalidate: 'event' })
    await using socket = await opened(await loggedIn('ann'))
    store.takeCalls()
    lookups.length = 0

    expect(await ask(socket, 'who')).toBe('ann')

    expect(store.calls).toEqual(['load'])
    expect(lookups).toEqual(['ann'])
  })

  test('knows at once who has logged out elsewhere, or is gone', async () => {
    const { accounts, loggedIn } = authWorld({ revalidate: 'event' })
    const [browser, other] = [await loggedIn('ann'), await loggedIn('bob')]
    await using socket = await opened(browser)
    await using otherSocket = await opened(other)

    await browser.request('POST', '/logout')
    accounts.delete('bob')

    expect(await ask(socket, 'who')).toBe('null')
    expect(await ask(otherSocket, 'who')).toBe('null')
  })

  test('stores no user with the connection, so it may be anything', async () => {
    const { loggedIn } = authWorld({ revalidate: 'event', scopeUser: (account) => account })
    const browser = await loggedIn('ann')
    await using socket = await opened(browser)

    expect(await ask(socket, 'who')).toBe('ann')
    expect(JSON.stringify(await browser.gateway.store.load(socket.channelName))).not.toContain('hash of ann')
  })

  test('costs nothing for who has no session', async () => {
    const { newBrowser, store, lookups } = authWorld({ revalidate: 'event' })
    await using socket = await opened(newBrowser())

    await ask(socket, 'who')

    expect(store.calls).toEqual([])
    expect(lookups).toEqual([])
  })
})

describe('revalidate: a number of seconds', () => {
  test('asks again when so much time has passed', async () => {
    const { loggedIn, lookups, store } = authWorld({ revalidate: 30 })
    const browser = await loggedIn('ann')
    await using socket = await opened(browser)
    lookups.length = 0
    for (let times = 0; times < 3; times += 1) expect(await ask(socket, 'who')).toBe('ann')
    expect(lookups).toEqual(['ann'])

    await browser.request('POST', '/logout')
    expect(await ask(socket, 'who')).toBe('ann')
    await store.clock.advance(30_000)

    expect(await ask(socket, 'who')).toBe('null')
  })

  test('asks for each user, whatever it knows of another', async () => {
    const { loggedIn } = authWorld({ revalidate: 30 })
    const sockets = [await opened(await loggedIn('ann')), await opened(await loggedIn('bob'))]

    const seen = await Promise.all([...sockets, ...sockets].map((socket) => ask(socket, 'who')))

    expect(seen).toEqual(['ann', 'bob', 'ann', 'bob'])
    for (const socket of sockets) await socket.disconnect()
  })

  test('does not keep a failure', async () => {
    let isDown = false
    const { loggedIn, accounts } = authWorld({
      revalidate: 30,
      getUser: async (id) => {
        if (isDown) throw new Error('the table of users is down')
        return accounts.get(String(id))
      },
    })
    const browser = await loggedIn('ann')
    await using first = await opened(browser)
    await using second = await opened(browser)
    isDown = true
    await expect(ask(first, 'who')).rejects.toThrow('the table of users is down')
    isDown = false

    expect(await ask(second, 'who')).toBe('ann')
  })
})

describe('over a WebSocket', () => {
  test('login() is refused, with the reason and what to do', async () => {
    const { loggedIn } = authWorld()
    await using socket = await opened(await loggedIn('ann'))

    const asked = ask(socket, 'login')

    await expect(asked).rejects.toThrow(ProtocolError)
    await expect(asked).rejects.toThrow(/log in with an HTTP request, and connect then/)
  })

  test('logout() ends the session, and the connection with it', async () => {
    const { loggedIn } = authWorld()
    const browser = await loggedIn('ann')
    await using socket = await opened(browser)

    expect(await ask(socket, 'logout')).toBe('bye, null')

    expect(JSON.parse(await socket.receiveFrom())).toMatchObject({ type: 'websocket.close', code: 4401 })
    expect(socket.isClosed).toBe(true)
    expect(await userOf(browser)).toBeNull()
  })
})

describe('authMiddleware', () => {
  test('keeps a user that a middleware outside has found, and asks nobody', async () => {
    const session = { key: 'k', get: () => Promise.reject(new Error('the session was read')) }
    const seen: unknown[] = []
    const application = authMiddleware({ getUser: () => undefined })(async (scope: object) => {
      seen.push((scope as { readonly user: unknown }).user)
    })

    const scope = { ...fakeScope(), session, user: { id: 'token-user' } }
    await application(scope as never, CONNECT, ignoreFrames)

    expect(seen).toEqual([{ id: 'token-user' }])
  })

  test.each([
    ['a user that a middleware outside has found', { id: 'token-user', tokenHash: 'not ours to judge' }],
    ['nobody', undefined],
  ])('keeps %s out of the record of the connection', async (_, user) => {
    const session = { key: undefined, get: async () => undefined }
    const scope = { ...fakeScope(), session, ...(user && { user }) }
    const application = authMiddleware({ getUser: () => undefined })(async () => {})

    await application(scope as never, CONNECT, ignoreFrames)

    expect(scope.connection.recall('auth.user')).toBeUndefined()
  })

  test('says so if there is no session', async () => {
    const application = authMiddleware({ getUser: () => undefined })(async () => {})

    await expect(application(fakeScope() as never, CONNECT, ignoreFrames)).rejects.toThrow(
      /put it inside sessionMiddleware/,
    )
  })

  test.each([
    ['no getUser', { getUser: undefined }, /has no getUser/],
    ['a negative time', { revalidate: -1 }, /revalidate: -1/],
    ['an unknown word', { revalidate: 'always' }, /revalidate: "always"/],
  ])('refuses %s at start-up', (_, options, message) => {
    const make = (): unknown => authWorld(options as unknown as AuthWorldOptions)

    expect(make).toThrow(ConfigurationError)
    expect(make).toThrow(message)
  })
})
