import { describe, expect, test } from 'vitest'
import type { HttpScope } from '../../../shared/application.ts'
import { HttpConsumer } from '../../../shared/consumers/http-consumer.ts'
import { ProtocolError } from '../../../shared/errors.ts'
import { cookieMiddleware } from '../../../shared/middleware/cookie-middleware.ts'
import type { Session } from '../../../shared/sessions/session.ts'
import { sessionMiddleware } from '../../../shared/sessions/session-middleware.ts'
import { authWorld } from '../../support/auth-world.ts'
import {
  count,
  SECRET,
  sessionWorld,
  show,
  type View,
  WatchedSessionStore,
} from '../../support/session-world.ts'
import { cookiesSetBy, TestBrowser } from '../../support/test-browser.ts'

/** A view that stops in the middle, between what it reads and what it changes. */
function paused(
  before: View,
  after: View,
): { readonly view: View; readonly isThere: Promise<void>; go(): void } {
  const [there, gate] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const view: View = async (session, request) => {
    await before(session, request)
    there.resolve()
    await gate.promise
    return after(session, request)
  }
  return { view, isThere: there.promise, go: () => gate.resolve() }
}

const setting =
  (key: string): View =>
  async (session) =>
    session.set(key, true)
const keys: View = async (session) => JSON.stringify([...(await session.keys())].toSorted())

describe('a session whose request ends in a 500', () => {
  const change = async (session: Session): Promise<void> => {
    await session.set('n', 2)
    await session.cycleKey()
  }

  test('because its response is too large stays as it was, under its id', async () => {
    const { browser, store } = sessionWorld({
      '/count': count,
      '/large': async (session) => {
        await change(session)
        return 'x'.repeat(6_400_000)
      },
      '/show': show,
    })
    await browser.request('POST', '/count')
    store.takeCalls()

    await expect(browser.request('POST', '/large')).rejects.toThrow(ProtocolError)

    expect(store.calls).toEqual(['load'])
    expect(await browser.text('/show')).toBe('1')
  })

  test.each([
    ['fails after it has sent its response', { moreBody: false, isFailing: true }, 'a view that throws late'],
    ['ends in the middle of its response', { moreBody: true, isFailing: false }, /ended without a response/],
  ])('because the view %s stays as it was', async (_, { moreBody, isFailing }, message) => {
    const store = new WatchedSessionStore()
    class Late extends HttpConsumer<HttpScope & { readonly session: Session }> {
      override async handle(): Promise<void> {
        await change(this.scope.session)
        await this.sendHeaders()
        await this.sendBody('done', { moreBody })
        if (isFailing) throw new Error('a view that throws late')
      }
    }
    const sessions = sessionMiddleware({ store, secrets: [SECRET], clock: store.clock })
    const browser = new TestBrowser(cookieMiddleware(sessions(Late.asApplication())) as never)

    await expect(browser.request('POST', '/')).rejects.toThrow(message)

    expect(store.calls).toEqual([])
  })
})

describe('two requests of one session at a time', () => {
  test('of which one deletes the last key that it knows: what the other has set stays', async () => {
    const slow = paused(show, async (session) => void (await session.delete('n')))
    const { browser } = sessionWorld({
      '/count': count,
      '/slow': slow.view,
      '/other': setting('other'),
      '/keys': keys,
    })
    await browser.request('POST', '/count')

    const deleting = browser.request('POST', '/slow')
    await slow.isThere
    await browser.request('POST', '/other')
    slow.go()

    expect(cookiesSetBy(await deleting).map(({ attributes }) => attributes[0])).toEqual(['max-age=1209600'])
    expect(await browser.text('/keys')).toBe('["other"]')
  })

  test('of which one gives it another id: what the other has changed goes along', async () => {
    const slow = paused(show, async (session) => {
      await session.set('own', 'mine')
      await session.cycleKey()
    })
    const { browser, store } = sessionWorld({
      '/begin': async (session) => {
        for (const key of ['n', 'gone', 'own']) await session.set(key, 1)
      },
      '/slow': slow.view,
      '/other': async (session) => {
        await session.set('other', true)
        await session.set('own', 'theirs')
        await session.delete('gone')
      },
    })
    await browser.request('POST', '/begin')

    const cycling = browser.request('POST', '/slow')
    await slow.isThere
    await browser.request('POST', '/other')
    slow.go()
    await cycling

    const [former = '', present = ''] = store.created
    expect(await store.load(former)).toBeUndefined()
    expect((await store.load(present))?.data).toEqual({ n: 1, own: 'mine', other: true })
  })

  test('of which one logs in: the other, with the cookie of before, does not log the browser out', async () => {
    const { newBrowser } = authWorld()
    const browser = newBrowser()
    await browser.request('POST', '/cart', 'tea')
    const late = newBrowser()
    for (const [name, value] of browser.cookies) late.cookies.set(name, value)
    await browser.request('POST', '/login', 'ann')

    const response = await late.request('GET', '/me')

    expect(cookiesSetBy(response)).toEqual([])
    expect(browser.gateway.counts.get('sessionCookieStale')).toBe(1)
  })

  test('that both log in, by a double click: both do, with what was in the session', async () => {
    const { newBrowser, store } = authWorld()
    const browser = newBrowser()
    await browser.request('POST', '/cart', 'tea')
    const second = newBrowser()
    for (const [name, value] of browser.cookies) second.cookies.set(name, value)

    const both = Promise.withResolvers<void>()
    let waiting = 0
    store.beforeSave = () => {
      waiting += 1
      if (waiting === 2) both.resolve()
      return both.promise
    }
    const responses = await Promise.all(
      [browser, second].map((each) => each.request('POST', '/login', 'ann')),
    )

    expect(responses.map(({ status }) => status)).toEqual([200, 200])
    for (const each of [browser, second])
      expect(JSON.parse(await each.text('/me'))).toMatchObject({ user: { id: 'ann' }, cart: 'tea' })
  })
})

test('saves of one session are in turn: a later value is never overtaken', async () => {
  const [first, gate] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const { browser, store } = sessionWorld({
    '/count': count,
    '/twice': async (session) => {
      await session.set('n', 2)
      const earlier = session.save()
      await first.promise
      await session.set('n', 3)
      store.beforeSave = undefined
      const later = session.save()
      // Long enough for a save that does not wait its turn.
      for (let turns = 0; turns < 10; turns += 1) await new Promise((resolve) => setImmediate(resolve))
      gate.resolve()
      expect(await Promise.all([earlier, later])).toEqual([true, true])
      // Before the request is over, for that saves once more what differs.
      expect((await store.load(session.key ?? ''))?.data).toEqual({ n: 3 })
    },
  })
  await browser.request('POST', '/count')
  store.beforeSave = async () => {
    first.resolve()
    await gate.promise
  }

  const { status } = await browser.request('POST', '/twice')

  expect(status).toBe(200)
})
