import { App, Stack } from 'aws-cdk-lib'
import { HttpApi, WebSocketApi, WebSocketStage } from 'aws-cdk-lib/aws-apigatewayv2'
import { Template } from 'aws-cdk-lib/assertions'
import { expect, test } from 'vitest'
import { ChannelsFront, type ChannelsFrontProps } from '../../cdk/front.ts'
import { startLiveServer } from '../../local/live-server.ts'
import type { LocalGateway } from '../../local/local-gateway.ts'
import {
  allowedHostsOriginValidator,
  type AnonymousUser,
  authMiddlewareStack,
  fetchApplication,
  type HttpScope,
  login,
  ProtocolTypeRouter,
  path,
  type RoutedScope,
  type Session,
  UrlRouter,
  WebsocketConsumer,
} from '../../shared/index.ts'
import { MemorySessionStore } from '../../shared/backends/memory/index.ts'
import { handshake, TestClient } from '../simulator/support/clients.ts'
import { startCloudFront, type TestCloudFront } from '../support/cloudfront.ts'

interface Person {
  readonly id: string
}

type Known<S> = S & { readonly session: Session; readonly user: Person | AnonymousUser }

class RoomConsumer extends WebsocketConsumer<Known<RoutedScope<{ room: string }>>> {
  override async connect(): Promise<void> {
    if (this.scope.user.id === null) return this.close()
    await this.channelLayer.groupAdd('room', this.channelName)
    return this.accept()
  }

  override async receive(text: string): Promise<void> {
    const { user, urlRoute, query, path: whole } = this.scope
    const line = JSON.stringify({ user: user.id, room: urlRoute.kwargs.room, path: whole, query, text })
    await this.channelLayer.groupSendFrame('room', line)
  }
}

interface Seen {
  readonly path: string
  readonly host: string | undefined
  readonly cookie: string | undefined
}

/** Views and a room behind a distribution, as the template of the construct makes it. */
async function start(
  options: Pick<ChannelsFrontProps, 'socketPaths' | 'cachedPaths'> = {},
): Promise<
  AsyncDisposable & { readonly front: TestCloudFront; readonly gateway: LocalGateway; readonly seen: Seen[] }
> {
  const seen: Seen[] = []
  const authenticated = authMiddlewareStack({
    store: new MemorySessionStore(),
    secrets: ['a secret of 32 bytes, for this test.'],
    getUser: async (id): Promise<Person> => ({ id: String(id) }),
  })
  const views = async (
    request: Request,
    { scope }: { readonly scope: Known<HttpScope> },
  ): Promise<Response> => {
    seen.push({ path: scope.path, host: scope.headers['host']?.[0], cookie: scope.headers['cookie']?.[0] })
    if (request.method !== 'POST') return new Response(`hello ${scope.user.id ?? 'nobody'}`)
    await login(scope, { id: await request.text() })
    return new Response(null, { status: 303, headers: { location: '/chat/' } })
  }
  const application = ProtocolTypeRouter({
    http: authenticated(fetchApplication<Known<HttpScope>>(views)),
    websocket: allowedHostsOriginValidator(
      authenticated(UrlRouter([path('ws/chat/<room>/', RoomConsumer.asApplication())])),
      { allowedHosts: ['127.0.0.1'], allowsNoOrigin: true },
    ),
  })
  const gateway = await startLiveServer({ application })
  const front = await startCloudFront(template(options), { HTTP: gateway.url, WEBSOCKET: gateway.url })
  return {
    front,
    gateway,
    seen,
    async [Symbol.asyncDispose]() {
      await front[Symbol.asyncDispose]()
      await gateway[Symbol.asyncDispose]()
    },
  }
}

function template(options: Pick<ChannelsFrontProps, 'socketPaths' | 'cachedPaths'>): Template {
  const stack = new Stack(new App(), 'Stack')
  const webSocketApi = new WebSocketApi(stack, 'Sockets')
  const stage = new WebSocketStage(stack, 'Stage', { webSocketApi, stageName: 'prod', autoDeploy: true })
  const front = new ChannelsFront(stack, 'Front', { ...options, stage, httpApi: new HttpApi(stack, 'Views') })
  return Template.fromStack(Stack.of(front))
}

/** Logs in with a view, and returns the cookie that a browser would send back. */
async function loggedIn(front: TestCloudFront, user: string): Promise<string> {
  const response = await fetch(`${front.url}/login`, { method: 'POST', body: user, redirect: 'manual' })
  expect(response.status).toBe(303)
  expect(response.headers.get('location')).toBe('/chat/')
  const [cookie] = response.headers.getSetCookie().map((header) => header.split(';')[0] ?? '')
  return cookie ?? ''
}

test('a cookie that a view has set comes with the handshake, and the path leads to its room', async () => {
  await using world = await start()
  const cookie = await loggedIn(world.front, 'ann')

  const client = await TestClient.open(`${world.front.url}/ws/chat/caf%C3%A9+co/?a=1&path=/ws/other/`, {
    headers: { cookie },
    origin: world.front.url,
  })
  client.send('hi')

  expect(JSON.parse(await client.next())).toEqual({
    user: 'ann',
    room: 'café+co',
    path: '/ws/chat/café+co/',
    query: { a: '1' },
    text: 'hi',
  })
  await client.close()
})

test('the socket is closed at both ends, whichever end begins', async () => {
  await using world = await start()
  const headers = { cookie: await loggedIn(world.front, 'ann') }
  const [one, other] = [
    await TestClient.open(`${world.front.url}/ws/chat/lobby/`, { headers }),
    await TestClient.open(`${world.front.url}/ws/chat/lobby/`, { headers }),
  ]

  await one.close(4001, 'bye')
  await world.gateway.idle()
  expect(world.gateway.connections.count).toBe(1)
  const [id = ''] = world.gateway.connections.ids()
  await fetch(`${world.gateway.managementEndpoint}/@connections/${encodeURIComponent(id)}`, {
    method: 'DELETE',
  })

  expect((await other.closed).code).toBe(1000)
})

test('a refused handshake is the status of the application', async () => {
  await using world = await start()

  const { status } = await handshake(`${world.front.url}/ws/chat/lobby/`)
  const unknown = await handshake(`${world.front.url}/ws/nowhere/`)

  expect([status, unknown.status]).toEqual([403, 404])
})

test('pages of the front may connect, and others may not', async () => {
  await using world = await start()
  const cookie = await loggedIn(world.front, 'ann')
  const from = async (origin: string): Promise<number> =>
    (await handshake(`${world.front.url}/ws/chat/lobby/`, { cookie, origin })).status

  expect(await from(world.front.url)).toBe(101)
  expect(await from('https://elsewhere.example')).toBe(403)
})

test('what is no socket is the views’, who see their API’s own host', async () => {
  await using world = await start()
  const cookie = await loggedIn(world.front, 'ann')

  const response = await fetch(`${world.front.url}/chat/?a=1`, { headers: { cookie } })

  expect(await response.text()).toBe('hello ann')
  expect(world.seen.at(-1)).toEqual({ path: '/chat/', host: new URL(world.gateway.url).host, cookie })
})

test('a cached path gets no cookies, so that what is kept is nobody’s', async () => {
  await using world = await start({ cachedPaths: ['/static/*'] })
  const cookie = await loggedIn(world.front, 'ann')

  const response = await fetch(`${world.front.url}/static/app.js`, { headers: { cookie } })
  const posted = await fetch(`${world.front.url}/static/app.js`, { method: 'POST', body: 'ann' })

  expect(await response.text()).toBe('hello nobody')
  expect(world.seen.at(-1)).toMatchObject({ path: '/static/app.js', cookie: undefined })
  expect(posted.status).toBe(403)
})

test('socket paths are the ones that were named', async () => {
  await using world = await start({ socketPaths: ['/ws/chat/lobb?/'] })
  const cookie = await loggedIn(world.front, 'ann')

  expect((await handshake(`${world.front.url}/ws/chat/lobby/`, { cookie })).status).toBe(101)
  expect(await (await fetch(`${world.front.url}/ws/chat/other/`, { headers: { cookie } })).text()).toBe(
    'hello ann',
  )
})
