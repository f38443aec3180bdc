import { describe, expect, test } from 'vitest'
import { ProtocolError, StoreError } from '../../../shared/errors.ts'
import { sessionKeyOf } from '../../../shared/sessions/session-cookie.ts'
import { count, type Handler, SECRET, sessionWorld, show } from '../../support/session-world.ts'

describe('a session over a WebSocket', () => {
  const frames: Handler = async (session, text) => {
    if (text === 'show') return JSON.stringify((await session.get('n')) ?? null)
    if (text === 'flush') await session.flush()
    else if (text === 'cycle') await session.cycleKey()
    else await session.set('n', Number(text))
    return undefined
  }

  test('is that of the browser, in every event, and saved at the end of each', async () => {
    const { browser } = sessionWorld({ '/count': count, '/show': show }, { frame: frames })
    await browser.request('POST', '/count')
    await using socket = browser.socket('/')
    await socket.connect()

    await socket.sendTo('show')
    expect(await socket.receiveFrom()).toBe('1')
    await socket.sendTo('41')
    await browser.request('POST', '/count')
    await socket.sendTo('show')

    expect(await socket.receiveFrom()).toBe('42')
    expect(await browser.text('/show')).toBe('42')
  })

  test('can be changed while the connection opens', async () => {
    const { browser } = sessionWorld(
      { '/count': count, '/show': show },
      {
        connect: async (session) => {
          await session.set('n', 5)
          return undefined
        },
      },
    )
    await browser.request('POST', '/count')
    await using socket = browser.socket('/')

    await socket.connect()

    expect(await browser.text('/show')).toBe('5')
  })

  test('costs an event that does not ask for it no call of the store', async () => {
    const { browser, store } = sessionWorld({ '/count': count }, { frame: async () => 'pong' })
    await browser.request('POST', '/count')
    store.takeCalls()
    await using socket = browser.socket('/')

    await socket.connect()
    await socket.sendTo('ping')
    await socket.receiveFrom()

    expect(store.calls).toEqual([])
  })

  test('leaves in the record of the connection nothing that a client could use', async () => {
    const { browser, store } = sessionWorld({ '/count': count })
    await browser.request('POST', '/count')
    await using socket = browser.socket('/')
    await socket.connect()

    const record = JSON.stringify(await browser.gateway.store.load(socket.channelName))

    const [cookie = ''] = browser.cookies.values()
    const [id = '', signature = ''] = cookie.split('.')
    expect(record).toContain(sessionKeyOf(id))
    for (const secret of [cookie, id, signature, SECRET]) expect(record).not.toContain(secret)
    expect(store.created).toEqual([sessionKeyOf(id)])
  })

  test('cannot begin there, nor change its id, and says what to do', async () => {
    const { browser, newBrowser } = sessionWorld({ '/count': count }, { frame: frames })
    await browser.request('POST', '/count')

    for (const [who, text] of [
      [newBrowser(), '1'],
      [newBrowser(), 'cycle'],
      [browser, 'cycle'],
    ] as const) {
      await using socket = who.socket('/')
      await socket.connect()
      const sent = socket.sendTo(text)
      await expect(sent).rejects.toThrow(ProtocolError)
      await expect(sent).rejects.toThrow(/begin the session in an HTTP request/)
    }
  })

  test('that has another id since the handshake says so: connect again', async () => {
    const { browser } = sessionWorld(
      { '/count': count, '/cycle': async (session) => session.cycleKey() },
      { frame: frames },
    )
    await browser.request('POST', '/count')
    await using socket = browser.socket('/')
    await socket.connect()
    await browser.request('POST', '/cycle')

    const sent = socket.sendTo('7')

    await expect(sent).rejects.toThrow(ProtocolError)
    await expect(sent).rejects.toThrow(/has ended since its handshake, or has another id .* connect again/)
  })

  test('that cannot be saved at the handshake refuses it', async () => {
    const { browser, store } = sessionWorld(
      { '/count': count },
      {
        connect: async (session) => {
          await session.set('n', 5)
          store.failure = new StoreError('could not save session: the store is down', { retryable: true })
          return undefined
        },
      },
    )
    await browser.request('POST', '/count')
    await using socket = browser.socket('/')

    await expect(socket.connect()).rejects.toThrow(StoreError)

    store.failure = undefined
    expect(browser.gateway.counts.get('sessionNotSaved')).toBeUndefined()
  })

  test('flush() ends it for the browser too', async () => {
    const { browser, store } = sessionWorld({ '/count': count, '/show': show }, { frame: frames })
    await browser.request('POST', '/count')
    await using socket = browser.socket('/')
    await socket.connect()

    await socket.sendTo('flush')

    expect(await store.load(store.created[0] ?? '')).toBeUndefined()
    expect(await browser.text('/show')).toBe('null')
  })

  test('is empty once it has been ended elsewhere', async () => {
    const { browser, store } = sessionWorld({ '/count': count }, { frame: frames })
    await browser.request('POST', '/count')
    await using socket = browser.socket('/')
    await socket.connect()
    await store.delete(store.created[0] ?? '')

    await socket.sendTo('show')

    expect(await socket.receiveFrom()).toBe('null')
  })

  test('that cannot be saved is told and counted, and the connection stays', async () => {
    const { browser, store, logger } = sessionWorld(
      { '/count': count },
      {
        frame: async (session, text) => {
          if (text !== 'break') return 'alive'
          await session.set('n', 2)
          store.failure = new StoreError('could not save session: the store is down', { retryable: true })
          return undefined
        },
      },
    )
    await browser.request('POST', '/count')
    await using socket = browser.socket('/')
    await socket.connect()

    await socket.sendTo('break')
    store.failure = undefined
    await socket.sendTo('ping')

    expect(await socket.receiveFrom()).toBe('alive')
    expect(browser.gateway.counts.get('sessionNotSaved')).toBe(1)
    expect(logger.lines.filter(({ level }) => level === 'error')).toHaveLength(1)
  })

  test('that is ended while an event runs is told and counted, and the connection stays', async () => {
    const { browser, store } = sessionWorld(
      { '/count': count },
      {
        frame: async (session, text) => {
          if (text !== 'end') return 'alive'
          await session.set('n', 2)
          await store.delete(session.key ?? '')
          return undefined
        },
      },
    )
    await browser.request('POST', '/count')
    await using socket = browser.socket('/')
    await socket.connect()

    await socket.sendTo('end')
    await socket.sendTo('ping')

    expect(await socket.receiveFrom()).toBe('alive')
    expect(browser.gateway.counts.get('sessionEndedMeanwhile')).toBe(1)
  })
})
