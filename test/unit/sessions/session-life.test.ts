import { describe, expect, test } from 'vitest'
import type { HttpScope } from '../../../shared/application.ts'
import { fetchApplication } from '../../../shared/consumers/fetch-application.ts'
import { HttpConsumer } from '../../../shared/consumers/http-consumer.ts'
import { InvalidStateError, StoreError } from '../../../shared/errors.ts'
import { cookieMiddleware } from '../../../shared/middleware/cookie-middleware.ts'
import type { Session } from '../../../shared/sessions/session.ts'
import { sessionMiddleware } from '../../../shared/sessions/session-middleware.ts'
import { TestGateway } from '../../../shared/testing/test-gateway.ts'
import { count, SECRET, sessionWorld, show, WatchedSessionStore } from '../../support/session-world.ts'
import { cookiesSetBy, TestBrowser } from '../../support/test-browser.ts'

describe('the life of a session over HTTP', () => {
  test('expires, and begins anew with another id', async () => {
    const { browser, store } = sessionWorld({ '/count': count, '/show': show }, { ageSeconds: 60 })
    await browser.request('POST', '/count')
    await store.clock.advance(61_000)

    expect(await browser.text('/show')).toBe('null')
    await browser.request('POST', '/count')

    expect(await browser.text('/show')).toBe('1')
    expect(new Set(store.created).size).toBe(2)
    expect(browser.gateway.counts.get('sessionCookieStale')).toBe(2)
  })

  test('lasts longer with every request that saves it, or with every one if asked to', async () => {
    const { browser, store } = sessionWorld(
      { '/count': count, '/plain': async () => 'plain', '/show': show },
      { ageSeconds: 60, saveEveryRequest: true },
    )
    await browser.request('POST', '/count')

    for (let requests = 0; requests < 3; requests += 1) {
      await store.clock.advance(40_000)
      const response = await browser.request('GET', '/plain')
      expect(cookiesSetBy(response).map(({ name }) => name)).toEqual(['sessionid'])
    }

    expect(await browser.text('/show')).toBe('1')
  })

  test('begins none for who has none, even if every request saves', async () => {
    const { browser, store } = sessionWorld({ '/plain': async () => 'plain' }, { saveEveryRequest: true })

    const response = await browser.request('GET', '/plain')

    expect(store.calls).toEqual([])
    expect(cookiesSetBy(response)).toEqual([])
  })

  test('expires when it says so itself', async () => {
    const { browser, store } = sessionWorld({
      '/brief': async (session) => {
        await session.set('n', 1)
        await session.setExpiry(30)
      },
      '/browser': async (session) => session.setExpiry('browser'),
      '/default': async (session) => session.setExpiry(undefined),
      '/show': show,
      '/keys': async (session) => JSON.stringify(await session.keys()),
    })

    const [brief] = cookiesSetBy(await browser.request('POST', '/brief'))
    const [whileOpen] = cookiesSetBy(await browser.request('POST', '/browser'))
    const [byDefault] = cookiesSetBy(await browser.request('POST', '/default'))
    await browser.request('POST', '/brief')

    expect(brief?.attributes).toContain('max-age=30')
    expect(whileOpen?.attributes.join()).not.toMatch(/max-age|expires/)
    expect(byDefault?.attributes).toContain('max-age=1209600')
    expect(await browser.text('/keys')).toBe('["n"]')
    await store.clock.advance(31_000)
    expect(await browser.text('/show')).toBe('null')
  })

  test('ends with the browser, if the options say so', async () => {
    const { browser } = sessionWorld({ '/count': count }, { expireAtBrowserClose: true })

    const [cookie] = cookiesSetBy(await browser.request('POST', '/count'))

    expect(cookie?.attributes.join()).not.toMatch(/max-age|expires/)
  })

  test('that is emptied is deleted with its cookie', async () => {
    const { browser, store } = sessionWorld({
      '/count': count,
      '/empty': async (session) => {
        expect(await session.delete('n')).toBe(true)
        expect(await session.delete('n')).toBe(false)
        expect(await session.isEmpty()).toBe(true)
      },
    })
    await browser.request('POST', '/count')

    const response = await browser.request('POST', '/empty')

    expect(cookiesSetBy(response).map(({ attributes }) => attributes[0])).toEqual(['max-age=0'])
    expect(browser.cookies.size).toBe(0)
    expect(await store.load(store.created[0] ?? '')).toBeUndefined()
  })

  test('that nobody has begun leaves no cookie, and deletes none that was not sent', async () => {
    const { browser, store } = sessionWorld({
      '/nothing': async (session) => {
        await session.set('n', 1)
        await session.delete('n')
      },
    })

    expect(cookiesSetBy(await browser.request('POST', '/nothing'))).toEqual([])
    expect(store.calls).toEqual([])
  })

  test('flush() ends it at once, even if the request fails, and what is set afterwards is another one', async () => {
    const { browser, store } = sessionWorld({
      '/count': count,
      '/flush': async (session) => {
        await session.flush()
        await session.set('fresh', true)
      },
      '/fail': async (session) => {
        await session.flush()
        return new Response('no', { status: 500 })
      },
      '/keys': async (session) => JSON.stringify(await session.keys()),
    })
    await browser.request('POST', '/count')

    await browser.request('POST', '/flush')
    expect(await browser.text('/keys')).toBe('["fresh"]')
    const [first = '', second = ''] = store.created
    expect(await store.load(first)).toBeUndefined()

    await browser.request('POST', '/fail')
    expect(await store.load(second)).toBeUndefined()
  })

  test('cycleKey() gives it another id, and nobody finds it under the old one', async () => {
    const { browser, newBrowser, store } = sessionWorld({
      '/count': count,
      '/cycle': async (session) => session.cycleKey(),
      '/show': show,
    })
    await browser.request('POST', '/count')
    const thief = newBrowser()
    for (const [name, value] of browser.cookies) thief.cookies.set(name, value)

    await browser.request('POST', '/cycle')

    expect(await browser.text('/show')).toBe('1')
    expect(await thief.text('/show')).toBe('null')
    expect(store.created).toHaveLength(2)
  })

  test('that was ended while a request ran is not brought back: the answer is 400', async () => {
    const { browser, store, logger } = sessionWorld({
      '/count': count,
      '/slow': async (session) => {
        await session.set('n', 2)
        await store.delete(session.key ?? '')
      },
      '/cycle': async (session) => {
        await session.cycleKey()
        await store.delete(session.key ?? '')
      },
      '/show': show,
    })

    for (const path of ['/slow', '/cycle']) {
      await browser.request('POST', '/count')
      const response = await browser.request('POST', path)

      expect(response.status).toBe(400)
      expect(cookiesSetBy(response)).toEqual([])
      expect(await browser.text('/show')).toBe('null')
    }
    expect(browser.gateway.counts.get('sessionEndedMeanwhile')).toBe(2)
    expect(logger.lines.map(({ message }) => message)).toContain(
      'request answered with 400: its session was ended while it ran',
    )
  })

  test('can be saved before the request is over, and tells the client of it all the same', async () => {
    const { browser, store } = sessionWorld({
      '/early': async (session) => {
        await session.set('n', 1)
        expect(await session.save()).toBe(true)
        expect(session.isModified).toBe(false)
      },
      '/show': show,
    })

    await browser.request('POST', '/early')

    expect(store.calls).toEqual(['create'])
    expect(await browser.text('/show')).toBe('1')
  })

  test('gives copies: what is changed in them is saved when they are set, and not before', async () => {
    const { browser } = sessionWorld({
      '/begin': async (session) => session.set('cart', ['tea']),
      '/forget': async (session) => {
        const cart = (await session.get('cart')) as string[]
        cart.push('lost')
      },
      '/add': async (session) => {
        const cart = (await session.get('cart')) as string[]
        cart.push('milk')
        await session.set('cart', cart)
      },
      '/late': async (session) => {
        const cart = ['bread']
        await session.set('basket', cart)
        cart.push('too late')
      },
      '/cart': async (session) => JSON.stringify([await session.get('cart'), await session.get('basket')]),
    })

    for (const path of ['/begin', '/forget', '/add', '/late']) await browser.request('POST', path)

    expect(await browser.text('/cart')).toBe('[["tea","milk"],["bread"]]')
  })

  test.each([
    ['a Date', { at: new Date(0) }, /session\.n\.at is a Date/],
    ['undefined', undefined, /use delete\(\)/],
    ['a function', () => {}, /which JSON cannot carry/],
    ['NaN', Number.NaN, /which JSON cannot carry/],
  ])('refuses %s, which is not JSON', async (_, value, message) => {
    const { browser } = sessionWorld({ '/set': async (session) => session.set('n', value as never) })

    const request = browser.request('POST', '/set')

    await expect(request).rejects.toThrow(InvalidStateError)
    await expect(request).rejects.toThrow(message)
  })

  test('refuses to become too large, and stays as it was', async () => {
    const { browser } = sessionWorld({
      '/count': count,
      '/large': async (session) => session.set('text', 'x'.repeat(300_000)),
      '/show': show,
    })
    await browser.request('POST', '/count')

    await expect(browser.request('POST', '/large')).rejects.toThrow(InvalidStateError)

    expect(await browser.text('/show')).toBe('1')
  })

  test('whose store is down fails the request with what was tried', async () => {
    const { browser, store } = sessionWorld({ '/count': count, '/plain': async () => 'plain' })
    await browser.request('POST', '/count')
    store.failure = new StoreError('could not load session: the store is down', { retryable: true })

    await expect(browser.request('POST', '/count')).rejects.toThrow(StoreError)

    expect(await browser.text('/plain')).toBe('plain')
  })

  test('can be asked again after a failure of the store', async () => {
    const { browser, store } = sessionWorld({
      '/count': count,
      '/again': async (session) => {
        store.failure = new StoreError('the store is down', { retryable: true })
        await expect(session.get('n')).rejects.toThrow(StoreError)
        store.failure = undefined
        return JSON.stringify(await session.get('n'))
      },
    })
    await browser.request('POST', '/count')

    expect(await browser.text('/again')).toBe('1')
  })

  test('can be changed, and begin, after the head was sent: it goes out when all is done', async () => {
    class Late extends HttpConsumer<HttpScope & { readonly session: Session }> {
      override async handle(): Promise<void> {
        await this.sendHeaders()
        await this.scope.session.set('n', 1)
        await this.sendBody('late')
      }
    }
    const store = new WatchedSessionStore()
    const sessions = sessionMiddleware({ store, secrets: [SECRET], clock: store.clock })
    const begin = fetchApplication<HttpScope & { readonly session: Session }>(async (_, { scope }) => {
      await scope.session.set('begun', true)
      return new Response()
    })
    const gateway = new TestGateway(async () => {})
    const late = new TestBrowser(cookieMiddleware(sessions(Late.asApplication())) as never, gateway)
    const beginner = new TestBrowser(cookieMiddleware(sessions(begin)) as never, gateway)

    const early = await late.request('POST', '/')
    expect(cookiesSetBy(early).map(({ name }) => name)).toEqual(['sessionid'])
    late.cookies.clear()
    await beginner.request('POST', '/')
    for (const [name, value] of beginner.cookies) late.cookies.set(name, value)
    await late.request('POST', '/')

    expect((await store.load(store.created[1] ?? ''))?.data).toEqual({ begun: true, n: 1 })
  })
})
