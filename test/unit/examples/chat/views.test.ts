import { readdir } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import { createViews, views } from '../../../../examples/chat/views.ts'
import { application } from '../../../../functions/application.ts'
import { HttpCommunicator } from '../../../../shared/testing/http-communicator.ts'
import { WebsocketCommunicator } from '../../../../shared/testing/websocket-communicator.ts'

const get = async (path: string, init?: RequestInit): Promise<Response> =>
  views.request(`http://127.0.0.1${path}`, init)

describe('the pages of the chat', () => {
  test('GET / asks for a room', async () => {
    const response = await get('/')

    expect(response.status).toBe(200)
    expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8')
    expect(await response.text()).toMatch(/id="room-name-input"[^]*id="room-name-submit"/)
  })

  test.each(['/chat/lobby/', '/chat/a%20b/', '/chat/%E2%9C%93/', '/chat/lobby/?x=1'])(
    'GET %s is a room, with the elements of the tutorial',
    async (path) => {
      const response = await get(path)
      const html = await response.text()

      expect(response.status).toBe(200)
      for (const id of ['chat-log', 'chat-message-input', 'chat-message-submit'])
        expect(html).toContain(`id="${id}"`)
    },
  )

  test('a room name never gets into the HTML', async () => {
    const html = await (await get('/chat/%3Cscript%3Ealert(1)/')).text()

    expect(html).not.toContain('alert(1)')
  })

  test('a room without its final slash is redirected, as in Django', async () => {
    const response = await get('/chat/lobby?x=1')

    expect(response.status).toBe(301)
    expect(response.headers.get('location')).toBe('./lobby/?x=1')
    expect((await get('/chat/a:b')).headers.get('location')).toBe('./a:b/')
  })

  test('every file that a page names, and every file in the folder of pages, is served with its type', async () => {
    const types = { css: 'text/css', js: 'text/javascript', svg: 'image/svg+xml' }
    const files = (await readdir('examples/chat/pages')).filter((file) => !file.endsWith('.html'))
    expect(files).toContain('chat.js')

    for (const file of files) {
      const response = await get(`/static/${file}`)
      expect([file, response.status]).toEqual([file, 200])
      expect(response.headers.get('content-type')).toContain(types[file.split('.')[1] as keyof typeof types])
    }
    for (const page of ['/', '/chat/lobby/', '/nowhere']) {
      const html = await (await get(page)).text()
      const named = [...html.matchAll(/"[./]*\/?static\/([^"]+)"/g)].map(([, file]) => file)
      expect(named).toContain('chat.css')
      for (const file of named) expect(files).toContain(file)
    }
  })

  test.each(['/', '/chat/lobby/', '/nowhere', '/chat/', '/chat//', '/chat/a/b/', '/static/nothing.js'])(
    'all links of GET %s stay below the prefix that the chat is served at',
    async (path) => {
      const html = await (await get(path)).text()

      const links = [...html.matchAll(/(?:href|src)="([^"]*)"/g)].map(([, link = '']) => link)
      const paths = links.map((link) => new URL(link, `http://127.0.0.1/some/prefix${path}`).pathname)
      expect(paths).toContain('/some/prefix/static/chat.css')
      for (const linked of paths) expect(linked).toMatch(/^\/some\/prefix\/(static\/[\w.-]+)?$/)
    },
  )

  test.each([
    '/nowhere',
    '/chat/',
    '/chat//',
    '/chat/a/b/',
    '/chat/%zz/',
    '/chat/%ff/',
    '/static/',
    '/static/views.ts',
  ])('GET %s is a 404 page', async (path) => {
    const response = await get(path)

    expect(response.status).toBe(404)
    expect(await response.text()).toContain('Nothing here')
  })

  test.each([
    '/static/..%2fviews.ts',
    '/static/%2e%2e/views.ts',
    '/static/../../views.ts',
    '/static/constructor',
  ])('no path reaches a file outside the list: %s', async (path) => {
    expect((await get(path)).status).toBe(404)
  })

  test.each([
    ['POST', '/', 'GET, HEAD'],
    ['PUT', '/chat/lobby/', 'GET, HEAD, POST'],
  ])('%s %s is 405, and says what is allowed', async (method, path, allow) => {
    const response = await get(path, { method })

    expect(response.status).toBe(405)
    expect(response.headers.get('allow')).toBe(allow)
  })

  test('HEAD is GET without a body', async () => {
    const response = await get('/chat/lobby/', { method: 'HEAD' })

    expect(response.status).toBe(200)
    expect(await response.text()).toBe('')
  })

  test('scripts run only from files of the same origin', async () => {
    const policy = (await get('/chat/lobby/')).headers.get('content-security-policy')

    expect(policy).toContain("default-src 'none'; script-src 'self'")
    expect(policy).toContain("connect-src 'self';")
  })
})

describe('POST to a room', () => {
  const post = async (body: string, contentType = 'application/json') => {
    await using socket = new WebsocketCommunicator(application, '/ws/chat/lobby/')
    await socket.connect()
    const request = new HttpCommunicator(application, 'POST', '/chat/lobby/', {
      body,
      headers: { 'content-type': contentType },
    })
    const response = await request.getResponse()
    const isSilent = response.status !== 200
    return {
      status: response.status,
      body: response.body.toString(),
      frame: isSilent ? await socket.receiveNothing(20) : await socket.receiveJsonFrom(),
    }
  }

  test('says the message in the room, and answers how many have heard it', async () => {
    expect(await post('{"message":"hello"}')).toEqual({
      status: 200,
      body: '{"delivered":1,"deferred":0,"gone":0,"failed":0}',
      frame: { message: 'hello' },
    })
  })

  test.each([
    ['no JSON', '{', 'application/json'],
    ['no message', '{"text":"hello"}', 'application/json'],
    ['null', 'null', 'application/json'],
    ['a delay that no queue can keep', '{"message":"hello","delaySeconds":901}', 'application/json'],
    ['a delay that is no number', '{"message":"hello","delaySeconds":"5"}', 'application/json'],
    ['a form, which a page of another origin could make a browser post', '{"message":"hello"}', 'text/plain'],
  ])('with %s is 400 and says nothing', async (_name, body, contentType) => {
    expect(await post(body, contentType)).toMatchObject({ status: 400, frame: true })
  })
})

test('with a delay, POST to a room puts a job into the queue, and the worker says it', async () => {
  await using socket = new WebsocketCommunicator(application, '/ws/chat/lobby/')
  await socket.connect()
  const say = async (delaySeconds: number) =>
    new HttpCommunicator(application, 'POST', '/chat/lobby/', {
      body: JSON.stringify({ message: `after ${delaySeconds}`, delaySeconds }),
      headers: { 'content-type': 'application/json' },
    }).getResponse()

  const later = await say(60)
  await say(0)

  expect([later.status, later.body.toString()]).toEqual([202, '{"delaySeconds":60}'])
  expect(await socket.receiveNothing(20)).toBe(true)
  await socket.gateway.runJobs()
  expect(await socket.receiveJsonFrom()).toEqual({ message: 'after 0' })
  expect(socket.gateway.jobs.size).toBe(1)
})

describe('sockets on another origin', () => {
  test('are named in the page, escaped, and allowed by its policy', async () => {
    const elsewhere = createViews({ websocketUrl: 'wss://api.example.com/prod?a=1&b="$&<' })

    const response = await elsewhere.request('http://127.0.0.1/chat/lobby/')

    expect(await response.text()).toContain(
      '<meta name="websocket-url" content="wss://api.example.com/prod?a=1&amp;b=&quot;$&amp;&lt;" />',
    )
    expect(response.headers.get('content-security-policy')).toContain(
      "connect-src 'self' wss://api.example.com;",
    )
  })

  test('are not named where there are none', async () => {
    expect(await (await get('/chat/lobby/')).text()).not.toContain('name="websocket-url"')
  })
})

test('what fails in a view is left to the runtime, which logs it', async () => {
  const failure = new Error('the table is gone')
  const env = { channelLayer: { groupSend: () => Promise.reject(failure) } }
  const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"message":"hi"}' }

  await expect(views.request('http://127.0.0.1/chat/lobby/', init, env)).rejects.toBe(failure)
})
