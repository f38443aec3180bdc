import { Hono } from 'hono'
import { HTTPException } from 'hono/http-exception'
import { describe, expect, test } from 'vitest'
import type { ChannelScope, HttpScope } from '../../../shared/application.ts'
import { authMiddlewareStack } from '../../../shared/auth/auth-middleware-stack.ts'
import type { AnonymousUser } from '../../../shared/auth/user.ts'
import { mintTicket } from '../../../shared/auth/tickets.ts'
import { MemorySessionStore } from '../../../shared/backends/memory/memory-session-store.ts'
import { MemoryTicketStore } from '../../../shared/backends/memory/memory-ticket-store.ts'
import { Consumer } from '../../../shared/consumers/consumer.ts'
import { fetchApplication, type FetchEnvironment } from '../../../shared/consumers/fetch-application.ts'
import { WebsocketConsumer } from '../../../shared/consumers/websocket-consumer.ts'
import { UnknownChannelError } from '../../../shared/errors.ts'
import { createHttpHandler } from '../../../shared/gateway/http-handler.ts'
import type { HttpResult } from '../../../shared/gateway/http-reply.ts'
import { ChannelNameRouter } from '../../../shared/routing/channel-name-router.ts'
import { path } from '../../../shared/routing/path.ts'
import { type HttpApplication, ProtocolTypeRouter } from '../../../shared/routing/protocol-type-router.ts'
import { UrlRouter } from '../../../shared/routing/url-router.ts'
import { GatewayWorld } from '../../support/gateway-world.ts'
import { httpEvent, type HttpEventFields } from '../../support/http-events.ts'

class Thumbnails extends Consumer<ChannelScope> {}

/** Sends to a worker whose name is misspelt. */
class Uploads extends WebsocketConsumer {
  override async connect(): Promise<void> {
    await this.channelLayer.send('thumbnials', { type: 'thumbnail.make' })
    await this.accept()
  }
}

function serve(http: HttpApplication): {
  world: GatewayWorld
  request(fields?: HttpEventFields): Promise<HttpResult>
} {
  const application = ProtocolTypeRouter({
    http,
    websocket: UrlRouter([path('', Uploads.asApplication())]),
    channel: ChannelNameRouter({ thumbnails: Thumbnails.asApplication() }),
  })
  const world = new GatewayWorld({ application, runtime: { endpoint: 'https://api.example/prod' } })
  return {
    world,
    request: (fields) => createHttpHandler(application, world.runtime)(httpEvent(fields)),
  }
}

describe('a misspelt worker channel is no missing page:', () => {
  const upload = fetchApplication(async (_request, { channelLayer }) => {
    await channelLayer.send('thumbnials', { type: 'thumbnail.make' })
    return new Response('uploaded')
  })

  test.each<[string, HttpApplication]>([
    ['a view', upload],
    ['a view behind a router', UrlRouter([path('', upload)])],
  ])('%s answers with 500, and the log says what there is', async (_name, http) => {
    const { world, request } = serve(http)

    expect((await request()).statusCode).toBe(500)
    expect(world.failures.map(({ error }) => error)).toEqual([expect.any(UnknownChannelError)])
    expect(String(world.failures[0]?.error)).toContain('the worker channels are "thumbnails"')
    expect(world.logged('error')).toHaveLength(1)
  })

  test('a handshake is refused with 500, and the log says what there is', async () => {
    const { world } = serve(upload)

    expect((await world.connect('a=')).statusCode).toBe(500)
    expect(world.failures.map(({ error }) => error)).toEqual([expect.any(UnknownChannelError)])
  })
})

describe('Hono with an onError that passes errors on', () => {
  function hono<S extends HttpScope = HttpScope>(): Hono<{ Bindings: FetchEnvironment<S> }> {
    const app = new Hono<{ Bindings: FetchEnvironment<S> }>()
    app.use(async (_c, next) => next())
    app.onError((error) => {
      if (error instanceof HTTPException) return error.getResponse()
      throw error
    })
    return app
  }

  test('is a 500, logged, and passed to onError, for what a view throws', async () => {
    const failure = new Error('boom')
    const app = hono()
    app.get('/boom', () => {
      throw failure
    })
    const { world, request } = serve(app.fetch)

    expect((await request({ path: '/boom' })).statusCode).toBe(500)
    expect(world.failures.map(({ error }) => error)).toEqual([failure])
    expect(world.logged('error')).toMatchObject([{ details: { request: 'GET /boom', error: failure } }])
    expect(world.count('handlerFailed')).toBe(1)
  })

  test('is a 401 for a ticket that nobody asks for', async () => {
    const store = new MemoryTicketStore()
    const auth = authMiddlewareStack({
      store: new MemorySessionStore(),
      secrets: ['a secret of 32 bytes, for this test'],
      getUser: (id) => ({ id }),
    })
    const app = hono<HttpScope & { readonly user: { readonly id: string | number } | AnonymousUser }>()
    app.post('/ticket', async (c) => c.json({ ticket: await mintTicket(c.env.scope, { store }) }))
    const { world, request } = serve(auth(fetchApplication(app.fetch)))

    expect((await request({ method: 'POST', path: '/ticket' })).statusCode).toBe(401)
    expect(world.failures).toEqual([])
  })

  test("has Hono's own exceptions as Hono answers them", async () => {
    const app = hono()
    app.get('/', () => {
      throw new HTTPException(418, { message: 'a teapot' })
    })
    const { world, request } = serve(app.fetch)

    expect(await request()).toMatchObject({ statusCode: 418, body: 'a teapot' })
    expect(world.failures).toEqual([])
  })
})

test('a function that answers nothing is told to return a Response, or to be known as an application', async () => {
  const { world, request } = serve(async () => {})

  expect((await request()).statusCode).toBe(500)
  expect(String(world.failures[0]?.error)).toContain(
    'the view returned nothing for GET /: return a Response. If it is an application of (scope, message, send)',
  )
})
