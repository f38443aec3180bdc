import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Application, HttpScope, WebsocketScope } from '../../shared/application.ts'
import { authMiddlewareStack } from '../../shared/auth/auth-middleware-stack.ts'
import { login } from '../../shared/auth/authentication.ts'
import type { AnonymousUser } from '../../shared/auth/user.ts'
import { MemorySessionStore } from '../../shared/backends/memory/memory-session-store.ts'
import { fetchApplication } from '../../shared/consumers/fetch-application.ts'
import { WebsocketConsumer } from '../../shared/consumers/websocket-consumer.ts'
import { ProtocolTypeRouter } from '../../shared/routing/protocol-type-router.ts'
import type { Session } from '../../shared/sessions/session.ts'
import { sessionKeyOf } from '../../shared/sessions/session-cookie.ts'
import { authWorld, userOf } from '../support/auth-world.ts'
import { SECRET } from '../support/session-world.ts'
import { TestBrowser } from '../support/test-browser.ts'

/** The value of the session's cookie. */
function cookieOf(browser: TestBrowser): string {
  return browser.cookies.get('sessionid') ?? ''
}

describe('a session cookie', () => {
  test('that is forged, malformed or cut is refused and counted, over HTTP and at the handshake', async () => {
    const { loggedIn, newBrowser, store } = authWorld()
    const genuine = cookieOf(await loggedIn('ann'))
    const [id = '', signature = ''] = genuine.split('.')
    const forged = fc.oneof(
      fc.constantFrom(
        id,
        `${id}.`,
        `.${signature}`,
        genuine.slice(0, -1),
        `${genuine}A`,
        genuine.toLowerCase(),
      ),
      fc.constantFrom(
        sessionKeyOf(id),
        `${sessionKeyOf(id)}.${signature}`,
        `${id}.${id}`,
        '__proto__',
        '%00',
      ),
      fc.stringMatching(/^[\w-]{43}\.[\w-]{43}$/),
      fc.stringMatching(/^[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]{1,200}$/),
    )
    store.takeCalls()

    await fc.assert(
      fc.asyncProperty(forged, async (value) => {
        fc.pre(value !== genuine)
        const browser = newBrowser()
        const before = browser.gateway.counts.get('sessionCookieForged') ?? 0
        browser.cookies.set('sessionid', value)
        await using socket = browser.socket('/')
        await socket.connect()
        await socket.sendTo('who')

        expect(await socket.receiveFrom(30_000)).toBe('null')
        expect(await userOf(browser)).toBeNull()
        expect(browser.gateway.counts.get('sessionCookieForged')).toBe(before + 2)
        // The browser is told to forget it.
        expect(browser.cookies.size).toBe(0)
      }),
      { numRuns: 60 },
    )
    // Nobody gets to make the store look up what they like.
    expect(store.calls).toEqual([])
  })

  test('that is replayed after a logout, an expiry or a login is of no use', async () => {
    const { loggedIn, newBrowser, store } = authWorld()
    const replay = async (cookie: string): Promise<unknown> => {
      const thief = newBrowser()
      thief.cookies.set('sessionid', cookie)
      return userOf(thief)
    }
    const [out, again, expired] = [await loggedIn('ann'), await loggedIn('ann'), await loggedIn('ann')]
    const stolen = [out, again, expired].map((browser) => cookieOf(browser))
    expect(await Promise.all(stolen.map((cookie) => replay(cookie)))).toEqual(['ann', 'ann', 'ann'])

    await out.request('POST', '/logout')
    await again.request('POST', '/login', 'ann')
    await store.clock.advance(1_209_601_000)

    expect(await Promise.all(stolen.map((cookie) => replay(cookie)))).toEqual([null, null, null])
    expect(out.gateway.counts.get('sessionCookieStale')).toBe(3)
  })

  test('that a page of a sibling domain sets beside the genuine one shuts nobody out', async () => {
    const { loggedIn, newBrowser } = authWorld()
    const genuine = cookieOf(await loggedIn('ann'))

    for (const tossed of ['junk', `${genuine}A`, '']) {
      for (const [first, second] of [
        [tossed, genuine],
        [genuine, tossed],
      ] as const) {
        const browser = newBrowser()
        browser.cookies.set('sessionid', `${first}; sessionid=${second}`)

        expect(await userOf(browser)).toBe('ann')
        expect(browser.cookies.size).toBe(1)
        expect(browser.gateway.counts.get('sessionCookieForged')).toBeUndefined()
      }
    }
  })

  test('does not come into being by what somebody reads in the store', async () => {
    const { loggedIn, newBrowser, store } = authWorld()
    await loggedIn('ann')
    const [key = ''] = store.created

    for (const value of [key, `${key}.${key}`, `${key}.`]) {
      const thief = newBrowser()
      thief.cookies.set('sessionid', value)
      expect(await userOf(thief)).toBeNull()
    }
  })

  test('is in no line of the log', async () => {
    const { loggedIn, newBrowser, logger } = authWorld()
    const browser = await loggedIn('ann')
    const forged = `${cookieOf(browser).slice(0, -1)}!`
    const thief = newBrowser()
    thief.cookies.set('sessionid', forged)
    await userOf(thief)
    await browser.request('POST', '/logout')

    const log = JSON.stringify(logger.lines)

    expect(log).toContain('a session cookie was refused')
    for (const part of cookieOf(await loggedIn('bob')).split('.')) expect(log).not.toContain(part)
    for (const part of forged.slice(0, -1).split('.')) expect(log).not.toContain(part)
  })
})

interface Person {
  readonly id: string
}

type WithUser<S> = S & { readonly user: Person | AnonymousUser; readonly session: Session }

/** A container: middleware of its own, and whatever it keeps, over stores that it shares with others. */
function container(
  store: MemorySessionStore,
  revalidate: 'connect' | 'event' | number,
): Application<HttpScope | WebsocketScope> {
  const auth = authMiddlewareStack<Person>({
    store,
    secrets: [SECRET],
    revalidate,
    // Slow, so that events of different users are between their steps at the same time.
    getUser: async (id) => {
      await new Promise((resolve) => setImmediate(resolve))
      return { id: String(id) }
    },
  })
  class Mirror extends WebsocketConsumer<WithUser<WebsocketScope>> {
    override async receive(): Promise<void> {
      await this.send(JSON.stringify([this.scope.user.id, await this.scope.session.get('secret')]))
    }
  }
  return ProtocolTypeRouter({
    http: auth(
      fetchApplication<WithUser<HttpScope>>(async (request, { scope }) => {
        if (scope.path === '/login') {
          const id = await request.text()
          await login(scope, { id })
          await scope.session.set('secret', `of ${id}`)
        }
        return Response.json([scope.user.id, await scope.session.get('secret')])
      }),
    ),
    websocket: auth(Mirror.asApplication()),
  })
}

describe('two containers, many users', () => {
  test.each(['connect', 'event', 60] as const)(
    'nothing of one ever reaches another (revalidate: %j)',
    async (revalidate) => {
      const store = new MemorySessionStore()
      const containers = [container(store, revalidate), container(store, revalidate)] as const
      let turn = 0
      const either: Application<HttpScope | WebsocketScope> = (scope, message, send) => {
        turn += 1
        return containers[turn % 2 === 0 ? 0 : 1](scope, message, send)
      }
      const newBrowser = TestBrowser.several(either, { mode: 'warm' })
      const ids = Array.from({ length: 8 }, (_, index) => `user${index}`)

      await Promise.all(
        ids.map(async (id) => {
          const browser = newBrowser()
          await browser.request('POST', '/login', id)
          await using socket = browser.socket('/')
          await socket.connect()
          for (let times = 0; times < 6; times += 1) {
            const asked = await Promise.all([
              browser.text('/'),
              socket.sendTo('?').then(() => socket.receiveFrom(30_000)),
            ])
            const own = JSON.stringify([id, `of ${id}`])
            expect(asked).toEqual([own, own])
          }
        }),
      )
      expect(await whoAmI(newBrowser())).toEqual([null, null])
    },
  )
})

async function whoAmI(browser: TestBrowser): Promise<unknown> {
  const [id, secret] = JSON.parse(await browser.text('/')) as readonly unknown[]
  return [id ?? null, secret ?? null]
}
