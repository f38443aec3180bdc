import { expect, test } from 'vitest'
import { startLiveServer } from '../../local/index.ts'
import {
  type Application,
  ChannelNameRouter,
  ConfigurationError,
  Consumer,
  createPath,
  defineMiddleware,
  path,
  ProtocolTypeRouter,
  rePath,
  RouteNotFoundError,
  UnknownChannelError,
  UrlRouter,
  WebsocketConsumer,
  type WebsocketScope,
  wrapApplication,
} from '../../shared/index.ts'
import {
  ApplicationCommunicator,
  HttpCommunicator,
  TestGateway,
  WebsocketCommunicator,
} from '../../shared/testing/index.ts'
import { TestClient } from '../simulator/support/clients.ts'
import { GatewayWorld } from '../support/gateway-world.ts'

// 1.6 Routing

type Routes = Parameters<typeof UrlRouter>[0]

/** An application that accepts, and sends its name and what the router captured. */
function named(name: string): Application<WebsocketScope> {
  return async (scope, { type }, send) => {
    if (type !== 'websocket.connect') return
    const { urlRoute } = scope as WebsocketScope & { readonly urlRoute?: object }
    await send({ type: 'websocket.accept' })
    await send({ type: 'websocket.send', text: JSON.stringify({ name, ...urlRoute }) })
  }
}

/** Where a client of this path arrives; the status if it does not. */
async function routed(routes: Routes, url: string): Promise<unknown> {
  await using client = new WebsocketCommunicator(UrlRouter(routes) as Application<WebsocketScope>, url)
  const [isAccepted, status] = await client.connect()
  return isAccepted ? await client.receiveJsonFrom() : status
}

const arrived = (name: string, kwargs: object = {}, args: readonly string[] = []): object => ({
  name,
  args,
  kwargs,
})

test('`ProtocolTypeRouter`', async () => {
  const application = ProtocolTypeRouter({ websocket: named('socket'), http: () => new Response('view') })
  await using client = new WebsocketCommunicator(application, '/')

  await client.connect()
  const { body } = await new HttpCommunicator(application, 'GET', '/').getResponse()

  expect([await client.receiveJsonFrom(), body.toString()]).toEqual([{ name: 'socket' }, 'view'])
})

test('an unknown type is an error', async () => {
  const router = ProtocolTypeRouter({ websocket: named('socket') }) as unknown as Application
  const communicator = new ApplicationCommunicator(router, { type: 'smtp' })

  await expect(communicator.sendInput({ type: 'mail.received' })).rejects.toThrow(RouteNotFoundError)
})

test('`URLRouter`, first match wins', async () => {
  const routes = [path('a/', named('a')), path('<name>/', named('any')), path('b/', named('b'))]

  expect(await routed(routes, '/b/')).toEqual(arrived('any', { name: 'b' }))
  expect(await routed(routes, '/a/')).toEqual(arrived('a'))
})

test('the path of the URL', async () => {
  class Telling extends WebsocketConsumer {
    override async receive(): Promise<void> {
      await this.send(this.scope.path)
    }
  }
  const world = new GatewayWorld({ application: Telling.asApplication() })
  await world.connect('a=', { query: { path: '/ws/café/' } })
  await world.receive('a=', '')
  expect(world.frames('a=')).toEqual(['/ws/café/'])

  await using server = await startLiveServer({ application: Telling.asApplication() })
  await using client = await TestClient.open(`${server.url.replace('http', 'ws')}/ws/caf%C3%A9/`)
  client.send('')
  expect(await client.next()).toBe('/ws/café/')
})

test('leading slashes are ignored', async () => {
  expect(await routed([path('ws/x/', named('x'))], 'ws://testserver//ws/x/')).toEqual(arrived('x'))
})

test('no path in the scope is an error', async () => {
  const router = UrlRouter([]) as unknown as Application
  const communicator = new ApplicationCommunicator(router, { type: 'channel' })

  await expect(communicator.sendInput({ type: 'job.run' })).rejects.toThrow(ConfigurationError)
})

test('converters `str`, `int`, `slug`, `uuid`, `path`', async () => {
  const uuid = '075194d3-6885-417e-a8a8-6c931e272f00'
  const taken: [string, string, unknown][] = [
    ['<str:x>/', 'a b/', 'a b'],
    ['<int:x>', '0042', 42],
    ['<slug:x>', 'a-B_9', 'a-B_9'],
    ['<uuid:x>', uuid, uuid],
    ['f/<path:x>', 'f/a/b.txt', 'a/b.txt'],
  ]
  for (const [pattern, url, x] of taken) {
    expect(await routed([path(pattern, named('x'))], `/${url}`)).toEqual(arrived('x', { x }))
  }

  const refused: [string, string][] = [
    ['<str:x>/', 'a/b/'],
    ['<int:x>', '-1'],
    ['<int:x>', '9007199254740993'],
    ['<slug:x>', 'café'],
    ['<uuid:x>', uuid.toUpperCase()],
    ['f/<path:x>', 'f/'],
  ]
  for (const [pattern, url] of refused) expect(await routed([path(pattern, named('x'))], `/${url}`)).toBe(404)
})

test('`register_converter`', async () => {
  const hexPath = createPath({
    hex: { regex: /[0-9a-f]+/, toValue: (text) => (text === 'bad' ? undefined : Number.parseInt(text, 16)) },
  })

  expect(await routed([hexPath('<hex:x>', named('x'))], '/ff')).toEqual(arrived('x', { x: 255 }))
  expect(await routed([hexPath('<hex:x>', named('x'))], '/bad')).toBe(404)
  expect(() => path('<hex:x>', named('x'))).toThrow(ConfigurationError)
})

test('`re_path`: `$` means the whole path', async () => {
  const whole = [rePath(/ws\/(?<room>\w+)\/$/, named('x'))]

  expect(await routed(whole, '/ws/lobby/')).toEqual(arrived('x', { room: 'lobby' }))
  expect(await routed(whole, '/junk/ws/lobby/')).toBe(404)
  expect(await routed([rePath(/bar/, named('x'))], '/foo/bar/baz')).toEqual(arrived('x'))
})

test('named groups win over positional ones', async () => {
  const mixed = [rePath(/^(\w+)\/(?<room>\w+)\/$/, named('x'))]
  const positional = [rePath(/^(\w+)\/(\w+)\/$/, named('x'))]

  expect(await routed(mixed, '/chat/lobby/')).toEqual(arrived('x', { room: 'lobby' }))
  expect(await routed(positional, '/chat/lobby/')).toEqual(arrived('x', {}, ['chat', 'lobby']))
})

test('default kwargs win over captures', async () => {
  const routes = [path('<room>/', named('x'), { room: 'fixed', extra: 1 })]

  expect(await routed(routes, '/lobby/')).toEqual(arrived('x', { room: 'fixed', extra: 1 }))
})

test('a trailing slash counts', async () => {
  expect(await routed([path('chat/', named('x'))], '/chat')).toBe(404)
  expect(await routed([path('chat', named('x'))], '/chat/')).toBe(404)
})

test('nested routers', async () => {
  const localeMiddleware = defineMiddleware({ name: 'locale', connect: () => ({ locale: 'en' }) })
  const inner = UrlRouter([rePath(/^(\d+)\/$/, named('x'), { both: 'inner' })])
  const middle = localeMiddleware(UrlRouter([path('<room>/', inner, { both: 'middle' })]))
  const routes = [rePath(/^(\w+)\//, middle, { both: 'outer', one: 1 })]

  const found = await routed(routes, '/ws/lobby/3/')

  expect(found).toEqual(arrived('x', { room: 'lobby', both: 'inner', one: 1 }, ['ws', '3']))
})

test('inner router without a match: the outer goes on', async () => {
  const routes = [path('ws/', UrlRouter([path('a/', named('a'))])), path('ws/<name>/', named('other'))]

  expect(await routed(routes, '/ws/b/')).toEqual(arrived('other', { name: 'b' }))
})

test('no route: exception, 500', async () => {
  const world = new GatewayWorld({ application: UrlRouter([path('chat/', named('chat'))]) })

  expect(await world.connect('a=', { query: { path: '/nowhere/' } })).toEqual({ statusCode: 404 })
  expect([...world.logged('warn'), ...world.logged('error'), ...world.failures]).toEqual([])
  expect(world.logged('info')).toHaveLength(1)
})

/** An application with the worker channels "printer" and "counter", which write down what they get. */
function workers(): {
  readonly gateway: TestGateway
  readonly application: Application<WebsocketScope>
  seen: string[]
} {
  const seen: string[] = []
  class Worker extends Consumer {
    async jobRun(): Promise<void> {
      seen.push(this.channelName)
    }
  }
  class Asking extends WebsocketConsumer {
    override async receive(channel: string): Promise<void> {
      await this.channelLayer.send(channel, { type: 'job.run' })
    }
  }
  const worker = Worker.asApplication() as Application
  const application = ProtocolTypeRouter({
    websocket: Asking.asApplication(),
    channel: ChannelNameRouter({ printer: worker, counter: worker }),
  })
  return { gateway: new TestGateway(application), application, seen }
}

test('`ChannelNameRouter`', async () => {
  const { gateway, application, seen } = workers()
  await using client = new WebsocketCommunicator(application, '/', { gateway })
  await client.connect()

  await client.sendTo('counter')
  await client.sendTo('printer')
  await gateway.runJobs()

  expect(seen).toEqual(['counter', 'printer'])
})

test('an unknown channel name is an error', async () => {
  const { gateway, application, seen } = workers()
  const client = new WebsocketCommunicator(application, '/', { gateway })
  await client.connect()

  await expect(client.sendTo('pinter')).rejects.toThrow(UnknownChannelError)
  await gateway.jobs.enqueue([{ id: 'one', channel: 'pinter', message: { type: 'job.run' } }])
  await expect(gateway.runJobs()).rejects.toThrow(RouteNotFoundError)

  expect(seen).toEqual([])
})

test('an inner router behind middleware needs `_path_routing`', async () => {
  const around = (inner: Application<WebsocketScope>): Application<WebsocketScope> =>
    wrapApplication(inner, async (scope, message, send) => inner(scope, message, send))
  const routes = [
    path('pre/', around(UrlRouter([path('<x>/', named('inner'))]))),
    path('pre/', named('later')),
  ]

  expect(await routed(routes, '/pre/1/')).toEqual(arrived('inner', { x: '1' }))
  expect(await routed(routes, '/pre/')).toEqual(arrived('later'))
})
