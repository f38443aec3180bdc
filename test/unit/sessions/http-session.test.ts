import { describe, expect, test } from 'vitest'
import { count, sessionWorld, show, type View } from '../../support/session-world.ts'
import { cookiesSetBy } from '../../support/test-browser.ts'

describe('a session over HTTP', () => {
  test('keeps what one request sets for the next of the same browser', async () => {
    const { browser } = sessionWorld({ '/count': count, '/show': show })

    await browser.request('POST', '/count')
    await browser.request('POST', '/count')

    expect(await browser.text('/show')).toBe('2')
  })

  test('is of one browser alone', async () => {
    const { browser, newBrowser } = sessionWorld({ '/count': count, '/show': show })
    await browser.request('POST', '/count')

    expect(await newBrowser().text('/show')).toBe('null')
  })

  test('costs no call of the store where nobody asks for it, and sets no cookie', async () => {
    const { browser, store } = sessionWorld({ '/plain': async () => 'plain', '/count': count })
    const first = await browser.request('GET', '/plain')
    await browser.request('POST', '/count')
    store.takeCalls()

    const second = await browser.request('GET', '/plain')

    expect(store.calls).toEqual([])
    expect([...cookiesSetBy(first), ...cookiesSetBy(second)]).toEqual([])
    expect(second.headers.get('vary')).toBeNull()
  })

  test('is loaded once and saved once, however often it is used', async () => {
    const { browser, store } = sessionWorld({
      '/count': count,
      '/busy': async (session) => {
        await Promise.all([session.get('a'), session.set('b', 1), session.keys()])
        await session.set('c', 2)
      },
    })
    await browser.request('POST', '/count')
    store.takeCalls()

    await browser.request('POST', '/busy')

    expect(store.calls).toEqual(['load', 'save'])
  })

  test('is not saved where it was only read, or set to what it was', async () => {
    const { browser, store } = sessionWorld({
      '/count': count,
      '/show': show,
      '/same': async (session) => session.set('n', 1),
    })
    await browser.request('POST', '/count')
    store.takeCalls()

    await browser.request('GET', '/show')
    await browser.request('GET', '/same')

    expect(store.calls).toEqual(['load', 'load'])
  })

  test('has a cookie with the attributes that Channels gives it, and Secure', async () => {
    const { browser } = sessionWorld({ '/count': count })

    const [cookie, ...others] = cookiesSetBy(await browser.request('POST', '/count'))

    expect(others).toEqual([])
    expect(cookie?.name).toBe('sessionid')
    expect(cookie?.attributes).toEqual(['max-age=1209600', 'path=/', 'secure', 'httponly', 'samesite=lax'])
  })

  test('has the cookie that the options say', async () => {
    const { browser } = sessionWorld(
      { '/count': count },
      {
        cookieName: 'sid',
        cookie: { secure: false, domain: 'example.com', sameSite: 'strict' },
        ageSeconds: 60,
      },
    )

    const [cookie] = cookiesSetBy(await browser.request('POST', '/count'))

    expect(cookie?.name).toBe('sid')
    expect(cookie?.attributes).toEqual([
      'max-age=60',
      'path=/',
      'domain=example.com',
      'httponly',
      'samesite=strict',
    ])
  })

  test('tells caches that a response is for one client', async () => {
    const { browser } = sessionWorld({ '/count': count })

    const { headers } = await browser.request('POST', '/count')

    expect(headers.get('vary')).toBe('Cookie')
  })

  test('is not saved when the view throws or answers with 5xx', async () => {
    const { browser, store } = sessionWorld({
      '/count': count,
      '/show': show,
      '/busy': async (session) => {
        await session.set('n', 7)
        return new Response('busy', { status: 503 })
      },
      '/throw': async (session) => {
        await session.set('n', 8)
        throw new Error('a view that throws')
      },
    })
    await browser.request('POST', '/count')
    store.takeCalls()

    expect((await browser.request('POST', '/busy')).status).toBe(503)
    await expect(browser.request('POST', '/throw')).rejects.toThrow('a view that throws')

    expect(store.calls).toEqual(['load', 'load'])
    expect(await browser.text('/show')).toBe('1')
  })

  test('of two requests at a time that change different keys, both changes last', async () => {
    const both = Promise.withResolvers<void>()
    let waiting = 0
    const meet = async (): Promise<void> => {
      waiting += 1
      if (waiting === 2) both.resolve()
      await both.promise
    }
    const setting =
      (key: string): View =>
      async (session) => {
        await session.set(key, true)
        await meet()
      }
    const { browser } = sessionWorld({
      '/count': count,
      '/a': setting('a'),
      '/b': setting('b'),
      '/keys': async (session) => JSON.stringify([...(await session.keys())].toSorted()),
    })
    await browser.request('POST', '/count')

    await Promise.all([browser.request('POST', '/a'), browser.request('POST', '/b')])

    expect(await browser.text('/keys')).toBe('["a","b","n"]')
  })
})
