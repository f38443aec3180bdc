import { Hono } from 'hono'
import { describe, expect, test } from 'vitest'
import type { Application, HttpScope } from '../../../shared/application.ts'
import type { FetchEnvironment, FetchFunction } from '../../../shared/consumers/fetch-application.ts'
import { HttpConsumer } from '../../../shared/consumers/http-consumer.ts'
import { JsonWebsocketConsumer } from '../../../shared/consumers/json-websocket-consumer.ts'
import { ConfigurationError, StoreError } from '../../../shared/errors.ts'
import { createHttpHandler } from '../../../shared/gateway/http-handler.ts'
import type { HttpResult } from '../../../shared/gateway/http-reply.ts'
import { MAX_RESPONSE_BYTES } from '../../../shared/limits.ts'
import type { EventOf } from '../../../shared/message.ts'
import { path } from '../../../shared/routing/path.ts'
import { type HttpApplication, ProtocolTypeRouter } from '../../../shared/routing/protocol-type-router.ts'
import { UrlRouter } from '../../../shared/routing/url-router.ts'
import { DenyConnection, StopConsumer } from '../../../shared/signals.ts'
import { GatewayWorld } from '../../support/gateway-world.ts'
import { httpEvent, type HttpEventFields } from '../../support/http-events.ts'

class RoomConsumer extends JsonWebsocketConsumer {
  override async connect(): Promise<void> {
    await this.channelLayer.groupAdd('chat_lobby', this.channelName)
    await this.accept()
  }
  async chatMessage({ message }: EventOf<{ 'chat.message': { readonly message: string } }>): Promise<void> {
    await this.sendJson({ message })
  }
}

const websocket = RoomConsumer.asApplication()
const runtime = { endpoint: 'https://abc.execute-api.eu-west-1.amazonaws.com/prod' }

/** A chat with `http` beside it, and its Lambda handler for requests. */
function serve(
  http: HttpApplication,
  options: object = {},
): { world: GatewayWorld; request(fields?: HttpEventFields): Promise<HttpResult> } {
  const application = ProtocolTypeRouter({ websocket, http })
  const world = new GatewayWorld({ application, runtime: { ...runtime, ...options } })
  return {
    world,
    request: (fields) => createHttpHandler(application, world.runtime)(httpEvent(fields)),
  }
}

const refused = (status: number, text: string): HttpResult => ({
  statusCode: status,
  headers: { 'content-type': 'text/plain; charset=utf-8' },
  body: `${text}\n`,
  isBase64Encoded: false,
})
const failed = refused(500, 'Internal Server Error')

describe('a view', () => {
  test('gets the request as the client sent it', async () => {
    let seen: Request | undefined
    const { request } = serve(async (asked: Request) => {
      seen = asked
      return new Response(await asked.text())
    })

    const result = await request({
      method: 'POST',
      path: '/rooms/a b?#%/é/',
      queryString: 'x=%20y&x=2',
      headers: { 'content-type': 'text/plain; charset=utf-8', 'x-name': 'zoë €' },
      cookies: ['a=1', 'b=2'],
      body: Buffer.from('grüße').toString('base64'),
      isBase64Encoded: true,
    })

    expect(seen?.url).toBe(
      'https://abc123.execute-api.eu-west-1.amazonaws.com/rooms/a%20b%3F%23%25/%C3%A9/?x=%20y&x=2',
    )
    expect(seen?.method).toBe('POST')
    expect(seen?.headers.get('cookie')).toBe('a=1; b=2')
    expect(Buffer.from(seen?.headers.get('x-name') ?? '', 'latin1').toString()).toBe('zoë €')
    expect(result.body).toBe('grüße')
  })

  test('gets bytes that are no text as they are', async () => {
    const bytes = Buffer.from([0, 255, 128, 10])
    let seen: Buffer | undefined
    const { request } = serve(async (asked: Request) => {
      seen = Buffer.from(await asked.arrayBuffer())
      return new Response(null, { status: 204 })
    })

    await request({ method: 'PUT', body: bytes.toString('base64'), isBase64Encoded: true })

    expect(seen).toEqual(bytes)
  })

  test('may be asked with GET and a body, which fetch has no words for', async () => {
    const { request } = serve(async (asked: Request) => new Response(`[${await asked.text()}]`))

    expect((await request({ body: 'x' })).body).toBe('[]')
  })

  test('answers with text as text, bytes as base64, and several cookies', async () => {
    const headers = new Headers({ 'content-type': 'image/png', 'content-length': '4', connection: 'close' })
    headers.append('set-cookie', 'a=1; Path=/')
    headers.append('set-cookie', 'b=2, with a comma')
    headers.append('vary', 'cookie')
    headers.append('vary', 'accept')
    const bytes = new Uint8Array([0x89, 0x50, 0, 0xff])
    const { request } = serve((asked: Request) =>
      asked.url.endsWith('/png') ? new Response(bytes, { status: 201, headers }) : new Response('grüße'),
    )

    expect(await request({ path: '/png' })).toEqual({
      statusCode: 201,
      headers: { 'content-type': 'image/png', vary: 'cookie, accept' },
      cookies: ['a=1; Path=/', 'b=2, with a comma'],
      body: Buffer.from(bytes).toString('base64'),
      isBase64Encoded: true,
    })
    expect(await request()).toEqual({
      statusCode: 200,
      headers: { 'content-type': 'text/plain;charset=UTF-8' },
      body: 'grüße',
      isBase64Encoded: false,
    })
  })

  test.each([
    ['HEAD', 200],
    ['GET', 204],
    ['GET', 304],
  ])('answers %s with %d without a body', async (method, status) => {
    const { request } = serve(
      () => new Response(status === 200 ? 'hello' : null, { status, headers: { etag: '"1"' } }),
    )

    const result = await request({ method })

    expect(result.statusCode).toBe(status)
    expect(result.headers['etag']).toBe('"1"')
    expect(result).not.toHaveProperty('body')
  })

  test('reaches the consumers of a group in one line', async () => {
    const { world, request } = serve(async (_asked: Request, { channelLayer }: FetchEnvironment) => {
      const counts = await channelLayer.groupSend('chat_lobby', { type: 'chat.message', message: 'hi' })
      return Response.json(counts)
    })
    await world.open('a=', 'b=')

    const { body = '' } = await request({ method: 'POST' })

    expect(JSON.parse(body)).toEqual({ delivered: 2, deferred: 0, gone: 0, failed: 0 })
    expect(world.frames('a=')).toEqual(['{"message":"hi"}'])
    expect(world.frames('b=')).toEqual(['{"message":"hi"}'])
  })

  test('of Hono has scope and layer in c.env', async () => {
    const app = new Hono<{ Bindings: FetchEnvironment }>()
    app.post('/rooms/:room/', async (c) => {
      await c.env.channelLayer.groupSend(`chat_${c.req.param('room')}`, {
        type: 'chat.message',
        message: `${c.env.scope.method} ${await c.req.text()}`,
      })
      return c.body(null, 204)
    })
    const { world, request } = serve(app.fetch)
    await world.open('a=')

    expect((await request({ method: 'POST', path: '/rooms/lobby/', body: 'hi' })).statusCode).toBe(204)
    expect((await request({ path: '/nowhere' })).statusCode).toBe(404)
    expect(world.frames('a=')).toEqual(['{"message":"POST hi"}'])
  })

  test('answers when what it did not await is done', async () => {
    const { world, request } = serve((_asked: Request, { channelLayer }: FetchEnvironment) => {
      void channelLayer.groupSend('chat_lobby', { type: 'chat.message', message: 'hi' })
      return new Response('sent')
    })
    await world.open('a=')

    expect((await request()).statusCode).toBe(200)
    expect(world.frames('a=')).toEqual(['{"message":"hi"}'])
  })
})

describe('a failure', () => {
  test('of a view is a 500 that tells the client nothing, and the log where it was', async () => {
    const failure = new Error('the password is hunter2')
    const { world, request } = serve(() => Promise.reject(failure))

    expect(await request({ method: 'POST', path: '/rooms/', queryString: 'token=secret' })).toEqual(failed)

    expect(world.logged('error')).toEqual([
      {
        level: 'error',
        message: 'the application failed on "http.request"',
        details: { request: 'POST /rooms/', consumer: undefined, type: 'http.request', error: failure },
      },
    ])
    expect(world.failures).toEqual([
      { error: failure, context: { request: 'POST /rooms/', consumer: undefined, type: 'http.request' } },
    ])
    expect(world.count('handlerFailed')).toBe(1)
  })

  test('of work that the view did not await is a 500 too', async () => {
    const { world, request } = serve((_asked: Request, { channelLayer }: FetchEnvironment) => {
      void channelLayer.groupSend('chat lobby', { type: 'chat.message' })
      return new Response('sent')
    })

    expect(await request()).toEqual(failed)
    expect(world.logged('error')[0]?.message).toContain('in work that it did not await')
  })

  test('of the queue that takes what has to wait is a 500', async () => {
    const { world, request } = serve(async (_asked: Request, { channelLayer }: FetchEnvironment) => {
      await channelLayer.groupSendFrame('chat_lobby', 'hi')
      return new Response('sent')
    })
    await world.open('a=')
    world.poster.answer('a=', 'throttled')
    world.queue.enqueue = () => Promise.reject(new StoreError('the queue is down', { retryable: true }))

    expect(await world.turnUntil(request())).toEqual(failed)
    expect(world.failures).toHaveLength(1)
  })

  test.each<[string, FetchFunction | Application<HttpScope>, string]>([
    [
      'no Response',
      (() => 'hello') as unknown as FetchFunction,
      'the view returned string for GET /: return a Response',
    ],
    ['nothing', (() => undefined) as unknown as FetchFunction, 'the view returned nothing'],
    ['Response.error()', () => Response.error(), 'response status is 0'],
    [
      'server-sent events',
      () => new Response('data: 1\n\n', { headers: { 'content-type': 'text/event-stream' } }),
      'use a WebSocket',
    ],
    [
      'a body that breaks off',
      () =>
        new Response(
          new ReadableStream({
            pull() {
              throw new Error('broken off')
            },
          }),
        ),
      'broken off',
    ],
    [
      'more than Lambda returns',
      () => new Response('x'.repeat(MAX_RESPONSE_BYTES)),
      'bytes as Lambda returns it',
    ],
    [
      'more than Lambda returns as base64',
      () => new Response(new Uint8Array(5_000_000).fill(0xff)),
      'a third more bytes',
    ],
  ])('%s is a 500, and the log says why', async (_name, http, reason) => {
    const { world, request } = serve(http)

    expect(await request()).toEqual(failed)
    expect(String(world.failures[0]?.error)).toContain(reason)
  })

  test('a response of almost 6 MB goes out', async () => {
    const { request } = serve(() => new Response('x'.repeat(MAX_RESPONSE_BYTES - 1_000)))

    expect((await request()).statusCode).toBe(200)
  })
})

describe('a request', () => {
  test('is a 404 where the application has no http', async () => {
    const application = ProtocolTypeRouter({ websocket })
    const world = new GatewayWorld({ application, runtime })
    const handler = createHttpHandler(application, world.runtime)

    expect(await handler(httpEvent())).toEqual(refused(404, 'Not Found'))
    expect(world.logged('error')).toEqual([])
    expect(world.failures).toEqual([])
  })

  test('is routed by its path, and a quiet 404 without a route', async () => {
    class Room extends HttpConsumer {
      override async handle(): Promise<void> {
        const { urlRoute } = this.scope as unknown as { urlRoute: { kwargs: { room: string } } }
        await this.sendResponse(200, urlRoute.kwargs.room)
      }
    }
    const { world, request } = serve(UrlRouter([path('rooms/<slug:room>/', Room.asApplication())]))

    expect((await request({ path: '/rooms/lobby/' })).body).toBe('lobby')
    expect(await request({ path: '/rooms/no slug/' })).toEqual(refused(404, 'Not Found'))
    expect(world.logged('info').at(-1)).toMatchObject({ details: { request: 'GET /rooms/no slug/' } })
    expect(world.failures).toEqual([])
  })

  test('that something denies has the status of the denial', async () => {
    const { world, request } = serve(() => {
      throw new DenyConnection(401)
    })

    expect(await request()).toEqual(refused(401, 'Unauthorized'))
    expect(world.failures).toEqual([])
  })

  test.each([
    undefined,
    'a b',
    'user@host',
    'host/path',
    'h?x',
    'h#x',
    'h:99999999',
    'a\\b',
    '999.1.1.1.1',
    '',
  ])('with the host %j reaches no view', async (host) => {
    const { request } = serve(() => new Response('reached'))

    const headers = host === undefined ? {} : { host }
    const event = { ...httpEvent(), headers }
    const application = ProtocolTypeRouter({ websocket, http: () => new Response('reached') })
    const { runtime: world } = new GatewayWorld({ application, runtime })
    expect((await createHttpHandler(application, world)(event)).statusCode).toBe(400)
    expect((await request()).statusCode).toBe(200)
  })

  test.each(['localhost:3000', '[::1]:8000', 'example.com', '127.0.0.1'])(
    'with the host %s has its URL',
    async (host) => {
      const { request } = serve((asked: Request) => new Response(new URL(asked.url).host))

      expect((await request({ headers: { host } })).body).toBe(host)
    },
  )

  test.each(['TRACE', 'CONNECT', 'TRACK'])('%s is a 405, since fetch has no such request', async (method) => {
    const { request } = serve(() => new Response('reached'))

    expect((await request({ method })).statusCode).toBe(405)
  })

  test.each(['//evil.example/x', '/\\evil.example', '/.../x', '/a\nb', '/\0', '/\ud800'])(
    'for the path %j stays on its host',
    async (at) => {
      const { request } = serve((asked: Request) => new Response(new URL(asked.url).host))

      expect((await request({ path: at })).body).toBe('abc123.execute-api.eu-west-1.amazonaws.com')
    },
  )
})

describe('an HttpConsumer', () => {
  function consumer(
    handle: (this: HttpConsumer, body: Buffer) => Promise<void> | void,
    log: string[] = [],
  ): HttpApplication {
    class View extends HttpConsumer {
      override handle(body: Buffer): Promise<void> | void {
        return handle.call(this, body)
      }
      override disconnect(): void {
        log.push('disconnect')
      }
    }
    return View.asApplication()
  }

  test('answers with headers and a body in parts', async () => {
    const { request } = serve(
      consumer(async function (body) {
        await this.sendHeaders({
          status: 201,
          headers: [
            ['Set-Cookie', 'a=1'],
            ['Set-Cookie', 'b=2'],
            ['X-Room', 'lobby'],
          ],
        })
        await this.sendBody('got ', { moreBody: true })
        await this.sendBody(body)
      }),
    )

    expect(await request({ method: 'POST', body: 'grüße' })).toEqual({
      statusCode: 201,
      headers: { 'x-room': 'lobby' },
      cookies: ['a=1', 'b=2'],
      body: 'got grüße',
      isBase64Encoded: false,
    })
  })

  test('may leave its response unawaited', async () => {
    const { request } = serve(
      consumer(function () {
        void this.sendResponse(202, 'later', { headers: { 'x-a': '1' } })
      }),
    )

    expect(await request()).toMatchObject({ statusCode: 202, body: 'later', headers: { 'x-a': '1' } })
  })

  test.each([
    [
      'is done',
      200,
      async function (this: HttpConsumer) {
        await this.sendResponse(200)
      },
    ],
    [
      'has failed',
      500,
      function (this: HttpConsumer): void {
        throw new Error('failed')
      },
    ],
    [
      'has stopped',
      200,
      async function (this: HttpConsumer) {
        await this.sendResponse(200)
        throw new StopConsumer()
      },
    ],
  ])('runs disconnect() when handle() %s', async (_name, status, handle) => {
    const log: string[] = []
    const { request } = serve(consumer(handle, log))

    expect((await request()).statusCode).toBe(status)
    expect(log).toEqual(['disconnect'])
  })

  test.each<[string, (this: HttpConsumer) => Promise<void> | void, string]>([
    ['no response', () => {}, 'ended without a response'],
    [
      'headers alone',
      async function () {
        await this.sendHeaders()
      },
      'in the middle of its response',
    ],
    [
      'half a body',
      async function () {
        await this.sendHeaders()
        await this.sendBody('x', { moreBody: true })
      },
      'in the middle',
    ],
    [
      'a body without headers',
      async function () {
        await this.sendBody('x')
      },
      'before http.response.start',
    ],
    [
      'two responses',
      async function () {
        await this.sendResponse(200)
        await this.sendResponse(200)
      },
      'after the response was complete',
    ],
    [
      'headers twice',
      async function () {
        await this.sendHeaders()
        await this.sendHeaders()
      },
      'twice',
    ],
    [
      'what is no body',
      async function () {
        await this.sendResponse(200, { a: 1 } as unknown as string)
      },
      'sendBody() got object',
    ],
    [
      'the status 99',
      async function () {
        await this.sendResponse(99)
      },
      'response status is 99',
    ],
    [
      'the status 200.5',
      async function () {
        await this.sendResponse(200.5)
      },
      'response status is 200.5',
    ],
    [
      'a header with a line break',
      async function () {
        await this.sendResponse(200, '', { headers: { 'x-a': 'b\r\nset-cookie: c=d' } })
      },
      'header "x-a" has a value',
    ],
    [
      'a header name with a line break',
      async function () {
        await this.sendResponse(200, '', { headers: { 'x\r\ny': 'b' } })
      },
      'header name "x\\r\\ny" is none',
    ],
    [
      'a header that is no text',
      async function () {
        await this.sendResponse(200, '', { headers: { age: 1 as unknown as string } })
      },
      'of type number',
    ],
    [
      'a channel of its own',
      async function () {
        await this.sendResponse(200, this.channelName)
      },
      'has no channel',
    ],
    [
      'a frame',
      async function () {
        await (this as unknown as { sendMessage(m: object): Promise<void> }).sendMessage({
          type: 'websocket.send',
        })
      },
      'for an HTTP request',
    ],
  ])(
    'that sends %s gets a ProtocolError or the like, and the client a 500',
    async (_name, handle, reason) => {
      const { world, request } = serve(consumer(handle))

      expect(await request()).toEqual(failed)
      expect(String(world.failures[0]?.error)).toContain(reason)
      expect(world.failures[0]?.context.consumer).toBe('View')
    },
  )

  test('without handle() is a ConfigurationError', async () => {
    class Handleless extends HttpConsumer {
      declare handle: () => void
    }
    const { world, request } = serve(Handleless.asApplication())

    expect(await request()).toEqual(failed)
    expect(world.failures[0]?.error).toBeInstanceOf(ConfigurationError)
    expect(String(world.failures[0]?.error)).toContain('Handleless has no method handle()')
  })

  test('with a state is a ConfigurationError', async () => {
    class Stateful extends HttpConsumer {
      state = { count: 0 }
      override async handle(): Promise<void> {
        await this.sendResponse(200)
      }
    }
    const asApplication = Stateful.asApplication as unknown as (
      this: typeof Stateful,
    ) => Application<HttpScope>
    const { world, request } = serve(asApplication.call(Stateful))

    expect(await request()).toEqual(failed)
    expect(String(world.failures[0]?.error)).toContain('only a WebSocket connection keeps state')
  })

  test('is made anew for every request', async () => {
    class Counting extends HttpConsumer {
      count = 0
      override async handle(): Promise<void> {
        this.count += 1
        await this.sendResponse(200, String(this.count))
      }
    }
    const { request } = serve(Counting.asApplication())

    expect((await request()).body).toBe('1')
    expect((await request()).body).toBe('1')
  })
})

test('a runtime without an endpoint serves no requests, and says so at the start', () => {
  const application = ProtocolTypeRouter({ websocket, http: () => new Response() })
  const { runtime: without } = new GatewayWorld({ application })

  expect(() => createHttpHandler(application, without)).toThrow(ConfigurationError)
  expect(() => createHttpHandler(application, without)).toThrow('CHANNELS_MANAGEMENT_ENDPOINT')
})
