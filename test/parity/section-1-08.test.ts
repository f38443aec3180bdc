import { expect, test } from 'vitest'
import { MemorySessionStore } from '../../shared/backends/memory/index.ts'
import {
  ConfigurationError,
  cookieMiddleware,
  type CookieOptions,
  type CookieScope,
  defineMiddleware,
  deleteCookie,
  fetchApplication,
  InvalidMessageError,
  ProtocolError,
  type ResponseHead,
  sessionMiddleware,
  setCookie,
  type WebsocketScope,
} from '../../shared/index.ts'
import {
  ApplicationCommunicator,
  HttpCommunicator,
  WebsocketCommunicator,
} from '../../shared/testing/index.ts'
import { count, SECRET, sessionWorld, show } from '../support/session-world.ts'
import { cookiesSetBy, type SetCookie } from '../support/test-browser.ts'

// 1.8 Cookies and sessions

/** The cookie of a response whose head a middleware has changed so. */
async function cookieOf(respond: (head: ResponseHead) => ResponseHead): Promise<SetCookie | undefined> {
  const setting = defineMiddleware({ name: 'set', connect: () => ({}), respond: (_, head) => respond(head) })
  const view = setting(fetchApplication(() => new Response()))
  return cookiesSetBy(await new HttpCommunicator(view, 'GET', '/').getResponse())[0]
}

test('`CookieMiddleware`', async () => {
  const seen: unknown[] = []
  const application = cookieMiddleware(async ({ cookies }: CookieScope & WebsocketScope, _, send) => {
    seen.push({ ...cookies })
    await send({ type: 'websocket.accept' })
  })
  for (const headers of [{ Cookie: 'theme=dark; name=ann%20lee' }, {}]) {
    await new WebsocketCommunicator(application, '/', { headers }).connect()
  }

  expect(seen).toEqual([{ theme: 'dark', name: 'ann lee' }, {}])
})

test('needs headers', async () => {
  const application = cookieMiddleware(async () => {})
  const communicator = new ApplicationCommunicator(application, { type: 'channel' })

  await expect(communicator.sendInput({ type: 'job.run' })).rejects.toThrow(ConfigurationError)
})

test('`set_cookie`, its attributes and defaults', async () => {
  const options: CookieOptions = {
    maxAgeSeconds: 60,
    expires: new Date(0),
    path: '/rooms',
    domain: 'example.com',
    secure: true,
    httpOnly: true,
    sameSite: 'strict',
  }

  expect(await cookieOf((head) => setCookie(head, 'theme', 'dark'))).toEqual({
    name: 'theme',
    value: 'dark',
    attributes: ['path=/', 'samesite=lax'],
  })
  expect((await cookieOf((head) => setCookie(head, 'theme', 'dark', options)))?.attributes).toEqual([
    'max-age=60',
    'expires=thu, 01 jan 1970 00:00:00 gmt',
    'path=/rooms',
    'domain=example.com',
    'secure',
    'httponly',
    'samesite=strict',
  ])
})

test('`delete_cookie`', async () => {
  const cookie = await cookieOf((head) => deleteCookie(head, 'theme', { path: '/rooms' }))

  expect(cookie).toEqual({
    name: 'theme',
    value: '',
    attributes: ['max-age=0', 'expires=thu, 01 jan 1970 00:00:00 gmt', 'path=/rooms', 'samesite=lax'],
  })
})

test('a bad attribute is an assertion', async () => {
  const bad = [{ sameSite: 'sometimes' as never }, { path: '/;x' }, { domain: 'a b' }, { maxAgeSeconds: 0.5 }]
  for (const options of bad) {
    await expect(cookieOf((head) => setCookie(head, 'a', 'b', options))).rejects.toThrow(InvalidMessageError)
  }

  const value = 'x; Path=/admin\r\nSet-Cookie: y=1'
  const cookie = await cookieOf((head) => setCookie(head, 'a', value))
  expect(cookie?.attributes).toEqual(['path=/', 'samesite=lax'])
  expect(decodeURIComponent(cookie?.value ?? '')).toBe(value)
})

test('`SessionMiddleware` needs cookies', async () => {
  const sessions = sessionMiddleware({ store: new MemorySessionStore(), secrets: [SECRET] })
  const application = sessions(async () => {}) as never

  await expect(new HttpCommunicator(application, 'GET', '/').getResponse()).rejects.toThrow(
    /put it inside cookieMiddleware/,
  )
})

test('a nested one is inert', async () => {
  const sessions = sessionMiddleware({ store: new MemorySessionStore(), secrets: [SECRET] })
  const application = cookieMiddleware(sessions(sessions(async () => {})))

  await expect(new HttpCommunicator(application, 'GET', '/').getResponse()).rejects.toThrow(
    ConfigurationError,
  )
})

test('loaded when it is asked for, saved once if modified', async () => {
  const { browser, store } = sessionWorld({
    '/count': count,
    '/plain': async () => 'plain',
    '/show': show,
    '/busy': async (session) => {
      await session.set('n', 7)
      await session.set('m', 8)
    },
  })
  await browser.request('POST', '/count')
  store.takeCalls()

  const calls: unknown[] = []
  for (const path of ['/plain', '/show', '/busy']) {
    await browser.request('POST', path)
    calls.push(store.takeCalls())
  }

  expect(calls).toEqual([[], ['load'], ['load', 'save']])
})

test('not saved with 500', async () => {
  const { browser } = sessionWorld({
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

  expect((await browser.request('POST', '/busy')).status).toBe(503)
  await expect(browser.request('POST', '/throw')).rejects.toThrow('a view that throws')

  expect(await browser.text('/show')).toBe('1')
})

test('an emptied session deletes its cookie, if one was sent', async () => {
  const { browser, newBrowser, store } = sessionWorld({
    '/count': count,
    '/empty': async (session) => void (await session.delete('n')),
  })
  await browser.request('POST', '/count')

  expect(cookiesSetBy(await browser.request('POST', '/empty'))).toMatchObject([
    { name: 'sessionid', value: '' },
  ])
  expect(cookiesSetBy(await newBrowser().request('POST', '/empty'))).toEqual([])

  expect(browser.cookies.size).toBe(0)
  expect(await store.load(store.created[0] ?? '')).toBeUndefined()
})

test('a session deleted meanwhile: `SuspiciousOperation`', async () => {
  const { browser, store } = sessionWorld({
    '/count': count,
    '/late': async (session) => {
      await session.set('n', 7)
      await store.delete(session.key ?? '')
    },
    '/show': show,
  })
  await browser.request('POST', '/count')

  expect((await browser.request('POST', '/late')).status).toBe(400)

  expect(await browser.text('/show')).toBe('null')
})

test('`SESSION_SAVE_EVERY_REQUEST`, expiry, browser close', async () => {
  const views = { '/count': count, '/plain': async () => 'plain', '/show': show }
  const every = sessionWorld(views, { ageSeconds: 60, saveEveryRequest: true })
  await every.browser.request('POST', '/count')
  for (let requests = 0; requests < 3; requests++) {
    await every.store.clock.advance(40_000)
    await every.browser.request('GET', '/plain')
  }
  expect(await every.browser.text('/show')).toBe('1')

  const brief = sessionWorld({
    '/brief': async (session) => {
      await session.set('n', 1)
      await session.setExpiry(30)
    },
    '/show': show,
  })
  await brief.browser.request('POST', '/brief')
  await brief.store.clock.advance(31_000)
  expect(await brief.browser.text('/show')).toBe('null')

  const atClose = sessionWorld(views, { expireAtBrowserClose: true })
  const [cookie] = cookiesSetBy(await atClose.browser.request('POST', '/count'))
  expect(cookie?.attributes.join()).not.toMatch(/max-age|expires/)
})

test('over a WebSocket you must `save()`', async () => {
  const { browser } = sessionWorld(
    { '/count': count, '/show': show },
    {
      frame: async (session, text) => {
        await session.set('n', Number(text))
        return undefined
      },
    },
  )
  await browser.request('POST', '/count')
  await using socket = browser.socket('/')
  await socket.connect()

  await socket.sendTo('41')

  expect(await browser.text('/show')).toBe('41')
})

test('a session that begins over a WebSocket', async () => {
  const { browser } = sessionWorld(
    {},
    {
      frame: async (session) => {
        await session.set('n', 1)
        return undefined
      },
    },
  )
  const socket = browser.socket('/')
  await socket.connect()

  const sent = socket.sendTo('')

  await expect(sent).rejects.toThrow(ProtocolError)
  await expect(sent).rejects.toThrow(/begin the session in an HTTP request/)
})

test('cookie: `sessionid`, 2 weeks, HttpOnly, Lax', async () => {
  const { browser, newBrowser } = sessionWorld({ '/count': count, '/show': show })

  const [cookie] = cookiesSetBy(await browser.request('POST', '/count'))
  const forger = newBrowser()
  forger.cookies.set('sessionid', `${cookie?.value.split('.')[0]}.forged`)

  expect(cookie).toMatchObject({
    name: 'sessionid',
    attributes: ['max-age=1209600', 'path=/', 'secure', 'httponly', 'samesite=lax'],
  })
  expect(await forger.text('/show')).toBe('null')
  expect(forger.gateway.counts.get('sessionCookieForged')).toBe(1)
})
