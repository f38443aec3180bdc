import { expect, test } from 'vitest'
import { createWebsocketHandler } from '../../shared/gateway/index.ts'
import {
  type Application,
  defineMiddleware,
  HttpConsumer,
  type HttpScope,
  path,
  type RoutedScope,
  UrlRouter,
  WebsocketConsumer,
  type WebsocketScope,
} from '../../shared/index.ts'
import { HttpCommunicator, WebsocketCommunicator } from '../../shared/testing/index.ts'
import { GatewayWorld } from '../support/gateway-world.ts'
import { connectEvent } from '../support/websocket-events.ts'

// 1.1 Scope and event model

/** A world whose application accepts, and writes down the scope of each event. */
function watched(): { readonly world: GatewayWorld; readonly scopes: WebsocketScope[] } {
  const scopes: WebsocketScope[] = []
  const application: Application<WebsocketScope> = async (scope, { type }, send) => {
    scopes.push(scope)
    if (type === 'websocket.connect') await send({ type: 'websocket.accept' })
  }
  return { world: new GatewayWorld({ application }), scopes }
}

/** The scope that a consumer has for a request. */
async function httpScope(...args: [string, string, Record<string, string>?]): Promise<HttpScope | undefined> {
  const [method, url, headers = {}] = args
  let seen: HttpScope | undefined
  class Looking extends HttpConsumer {
    override async handle(): Promise<void> {
      seen = this.scope
      await this.sendResponse(204)
    }
  }
  await new HttpCommunicator(Looking.asApplication(), method, url, { headers }).getResponse()
  return seen
}

test('application = `(scope, receive, send)`', async () => {
  const calls: string[] = []
  const application: Application<WebsocketScope> = async (scope, message, send) => {
    calls.push(`${scope.type} ${message.type}`)
    if (message.type === 'websocket.connect') await send({ type: 'websocket.accept' })
    if (message.type === 'websocket.receive') {
      await send({ type: 'websocket.send', text: `${JSON.stringify(message['text'])}!` })
    }
  }
  const client = new WebsocketCommunicator(application, '/')

  await client.connect()
  await client.sendTo('one')
  await client.disconnect()

  expect(await client.receiveFrom()).toBe('"one"!')
  expect(calls).toEqual([
    'websocket websocket.connect',
    'websocket websocket.receive',
    'websocket websocket.disconnect',
  ])
})

test('one scope for the life of the socket', async () => {
  const { world, scopes } = watched()
  await world.connect('a=', {
    query: { path: '/rooms/', page: '2' },
    headers: { Origin: 'https://a.example' },
  })

  await world.receive('a=', 'warm')
  world.coldStart()
  await world.receive('a=', 'cold')
  world.coldStart()
  await world.disconnect('a=')

  const [{ connectedAt } = { connectedAt: 0 }] = scopes
  expect(scopes).toHaveLength(4)
  for (const scope of scopes) {
    expect(scope).toMatchObject({ path: '/rooms/', query: { page: '2' }, channelName: 'a=', connectedAt })
    expect(scope.headers['origin']).toEqual(['https://a.example'])
  }
})

test('scope keys of a WebSocket', async () => {
  const { world, scopes } = watched()

  await world.connect('a=', {
    headers: { 'X-Room': 'Lobby', 'Sec-WebSocket-Protocol': 'v2' },
    query: { path: '/ws/café/', name: 'ann lee' },
  })

  expect(scopes[0]).toMatchObject({
    type: 'websocket',
    path: '/ws/café/',
    query: { name: 'ann lee' },
    headers: { 'x-room': ['Lobby'] },
    subprotocols: ['v2'],
    client: '203.0.113.7',
    connectedAt: world.clock.now(),
    channelName: 'a=',
  })
})

test('all values of a repeated header', async () => {
  const { world, scopes } = watched()
  const application: Application<WebsocketScope> = async (scope) => void scopes.push(scope)
  const event = { ...connectEvent('a='), multiValueHeaders: { 'X-Many': ['1', '2'], 'x-one': ['3'] } }

  await createWebsocketHandler(application, world.runtime)(event)

  expect(scopes[0]?.headers).toMatchObject({ 'x-many': ['1', '2'], 'x-one': ['3'] })
})

test('scope keys of HTTP', async () => {
  const scope = await httpScope('post', '/caf%C3%A9/?a=1&b=%20x&a=2', { 'X-Room': 'Lobby' })

  expect(scope).toMatchObject({
    type: 'http',
    method: 'POST',
    path: '/café/',
    queryString: 'a=1&b=%20x&a=2',
    query: { a: '2', b: ' x' },
    headers: { 'x-room': ['Lobby'] },
    scheme: 'https',
    client: '127.0.0.1',
  })
})

test('headers with `_` are dropped', async () => {
  const { world, scopes } = watched()
  const headers = { X_User: 'root', 'X-Room': 'lobby' }

  await world.connect('a=', { headers })
  const http = await httpScope('GET', '/', headers)

  for (const scope of [scopes[0], http]) {
    expect(scope?.headers['x-room']).toEqual(['lobby'])
    expect(Object.values(scope?.headers ?? {}).flat()).not.toContain('root')
  }
})

test('`subprotocols` from the header', async () => {
  const { world, scopes } = watched()

  await world.connect('a=', { headers: { 'Sec-WebSocket-Protocol': 'v2,v1 , chat' } })
  await world.connect('b=')

  expect(scopes.map(({ subprotocols }) => subprotocols)).toEqual([['v2', 'v1', 'chat'], []])
})

test('`scope["url_route"]`', async () => {
  class Room extends WebsocketConsumer<RoutedScope<{ room: string; page: number }>> {
    override async receive(): Promise<void> {
      await this.send(JSON.stringify(this.scope.urlRoute))
    }
  }
  const router = UrlRouter([path('ws/<room>/<int:page>/', Room.asApplication())])
  await using client = new WebsocketCommunicator(router, '/ws/lobby/2/')
  await client.connect()

  await client.sendTo('')

  expect(await client.receiveJsonFrom()).toEqual({ args: [], kwargs: { room: 'lobby', page: 2 } })
})

test('a connection stays with its consumer', async () => {
  const named = (name: string): Application<WebsocketScope> =>
    class extends WebsocketConsumer {
      override async receive(): Promise<void> {
        await this.send(name)
      }
    }.asApplication()
  const room = path('<room>/', named('room'))
  let deployed = UrlRouter([room])
  const world = new GatewayWorld({
    application: (scope, message, send) => deployed(scope, message, send),
  })
  await world.connect('a=', { query: { path: '/lobby/' } })

  deployed = UrlRouter([path('lobby/', named('lobby')), room])
  world.coldStart()
  await world.receive('a=', '')
  await world.connect('b=', { query: { path: '/lobby/' } })
  await world.receive('b=', '')

  expect([world.frames('a='), world.frames('b=')]).toEqual([['room'], ['lobby']])
})

test('middleware copies the scope', async () => {
  const [outside, inside]: [object[], WebsocketScope[]] = [[], []]
  const language = defineMiddleware({ name: 'language', connect: () => ({ language: 'en' }) })
  const application = language(async (scope: WebsocketScope, { type }, send) => {
    inside.push(scope)
    if (type === 'websocket.connect') await send({ type: 'websocket.accept' })
  })
  const world = new GatewayWorld({
    application: (scope, message, send) => {
      outside.push(scope)
      return application(scope, message, send)
    },
  })
  await world.connect('a=', { headers: { 'X-Room': 'lobby' } })

  await world.receive('a=', '')

  const { query, headers } = inside[1] as WebsocketScope

  expect(inside[0]).toMatchObject({ language: 'en' })
  expect(outside[0]).not.toHaveProperty('language')
  expect(headers['x-room']).toEqual(['lobby'])
  expect([query, headers, headers['x-room']].map((part) => Object.isFrozen(part))).toEqual([true, true, true])
})
