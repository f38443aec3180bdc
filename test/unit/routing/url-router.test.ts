import { describe, expect, test } from 'vitest'
import type { Application, Scope, WebsocketScope } from '../../../shared/application.ts'
import { ConfigurationError, RouteNotFoundError } from '../../../shared/errors.ts'
import { defineMiddleware, wrapApplication } from '../../../shared/middleware/define-middleware.ts'
import { createPath, path, rePath } from '../../../shared/routing/path.ts'
import { UrlRouter } from '../../../shared/routing/url-router.ts'
import { FakeConnection, fakeScope } from '../../support/fake-connection.ts'
import { CallRecorder, ignoreFrames } from '../../support/recording-application.ts'

const CONNECT = { type: 'websocket.connect' }
const RECEIVE = { type: 'websocket.receive', text: '{}' }

function connect(
  application: Application<WebsocketScope>,
  urlPath: string,
  connection = new FakeConnection(),
): Promise<void> {
  return application(fakeScope({ path: urlPath, connection }), CONNECT, ignoreFrames)
}

function receive(
  application: Application<WebsocketScope>,
  urlPath: string,
  connection: FakeConnection,
): Promise<void> {
  return application(fakeScope({ path: urlPath, connection }), RECEIVE, ignoreFrames)
}

const noop = defineMiddleware({ name: 'noop', connect: () => ({}) })

describe('UrlRouter', () => {
  test('the first route that matches runs, and no other', async () => {
    const seen = new CallRecorder()
    const router = UrlRouter([
      path('a/', seen.application('a')),
      path('<name>/', seen.application('first')),
      path('b/', seen.application('second')),
    ])

    await connect(router, '/b/')

    expect(seen.names).toEqual(['first'])
  })

  test('scope.urlRoute holds what was captured, and the rest of the scope stays', async () => {
    const seen = new CallRecorder()
    const connection = new FakeConnection()

    await connect(
      UrlRouter([path('<room>/<int:page>', seen.application('chat'), { extra: true })]),
      '/lobby/2',
      connection,
    )

    expect(seen.last.scope['urlRoute']).toEqual({ args: [], kwargs: { room: 'lobby', page: 2, extra: true } })
    expect(seen.last.scope).toMatchObject({
      type: 'websocket',
      path: '/lobby/2',
      channelName: 'fake-connection=',
    })
    expect(seen.last.scope['connection']).toBe(connection)
  })

  test('the scope it was given is not changed', async () => {
    const seen = new CallRecorder()
    const scope = Object.freeze(fakeScope({ path: '/x' }))

    await UrlRouter([path('x', seen.application('x'))])(scope, CONNECT, ignoreFrames)

    expect(scope).not.toHaveProperty('urlRoute')
  })

  test('all leading slashes are ignored, or none', async () => {
    const seen = new CallRecorder()
    const router = UrlRouter([path('ws/x/', seen.application('x'))])

    await connect(router, '//ws/x/')
    await connect(router, 'ws/x/')

    expect(seen.names).toEqual(['x', 'x'])
  })

  test('slashes are ignored at the outermost router only', async () => {
    const router = UrlRouter([path('ws/', UrlRouter([path('x/', new CallRecorder().application('x'))]))])

    await expect(connect(router, '/ws//x/')).rejects.toThrow(RouteNotFoundError)
  })

  test('no route is a RouteNotFoundError with the path and what is registered', async () => {
    const application = new CallRecorder().application('x')
    const router = UrlRouter([
      path('ws/chat/<str:room>/', application),
      path('admin/', UrlRouter([path('x', application), rePath(/^y$/, application)])),
    ])

    await expect(connect(router, '/ws/nope')).rejects.toThrow(
      'no route for path "ws/nope"; registered are "ws/chat/<str:room>/", "admin/" + "x", "admin/" + "/^y$/": check the path',
    )
    await expect(connect(router, '/ws/nope')).rejects.toThrow(RouteNotFoundError)
  })

  test('an unreachable pattern with a leading slash is pointed at', async () => {
    const router = UrlRouter([path('/chat/', new CallRecorder().application('x'))])

    await expect(connect(router, '/chat/')).rejects.toThrow('write patterns without the leading slash')
  })

  test('the message stays readable for a long path, a long table and an empty one', async () => {
    const application = new CallRecorder().application('x')
    const many = UrlRouter(Array.from({ length: 25 }, (_, index) => path(`route${index}/`, application)))

    await expect(connect(many, `/${'x'.repeat(5000)}\n`)).rejects.toThrow(
      /^no route for path "x{200}…"; .*"route19\/" and 5 more: /,
    )
    await expect(connect(UrlRouter([]), '/x')).rejects.toThrow('no route is registered')
  })

  test('a scope without a path is a ConfigurationError that names its type', async () => {
    const router: Application<never> = UrlRouter([])
    const call = router as Application

    await expect(
      call({ type: 'channel', connection: new FakeConnection() }, { type: 'x' }, ignoreFrames),
    ).rejects.toThrow(ConfigurationError)
    await expect(
      call({ type: 'channel', connection: new FakeConnection() }, { type: 'x' }, ignoreFrames),
    ).rejects.toThrow('scope of type "channel" without a path')
  })

  test('a scope that is no websocket is routed on every event', async () => {
    const seen = new CallRecorder()
    const router: Application<Scope & { readonly path: string }> = UrlRouter([
      path('<int:page>', seen.application('page')),
    ])

    await router(
      { type: 'http', path: '/1', connection: new FakeConnection() },
      { type: 'http.request' },
      ignoreFrames,
    )

    expect(seen.last.scope['urlRoute']).toEqual({ args: [], kwargs: { page: 1 } })
  })
})

describe('a UrlRouter inside a UrlRouter', () => {
  test('gets the rest of the path', async () => {
    const seen = new CallRecorder()
    const router = UrlRouter([path('ws/', UrlRouter([path('chat/<room>/', seen.application('chat'))]))])

    await connect(router, '/ws/chat/lobby/')

    expect(seen.last.scope['urlRoute']).toEqual({ args: [], kwargs: { room: 'lobby' } })
    expect(seen.last.scope['path']).toBe('/ws/chat/lobby/')
  })

  test('args are joined and kwargs merged, the inner ones over the outer', async () => {
    const seen = new CallRecorder()
    const inner = UrlRouter([rePath(/^(\d+)\/$/, seen.application('inner'), { both: 'inner', c: 3 })])
    const router = UrlRouter([
      rePath(/^(\w+)\//, UrlRouter([path('<a>/', inner, { both: 'middle' })]), { both: 'outer', b: 2 }),
    ])

    await connect(router, '/one/two/3/')

    expect(seen.last.scope['urlRoute']).toEqual({
      args: ['one', '3'],
      kwargs: { a: 'two', b: 2, c: 3, both: 'inner' },
    })
  })

  test('without a match lets the outer one go on to later routes', async () => {
    const seen = new CallRecorder()
    const router = UrlRouter([
      path('ws/', UrlRouter([path('a/', seen.application('a'))])),
      path('ws/', UrlRouter([path('b/', seen.application('b'))])),
      path('ws/<name>/', seen.application('other')),
    ])

    await connect(router, '/ws/b/')
    await connect(router, '/ws/c/')

    expect(seen.names).toEqual(['b', 'other'])
  })

  test('a RouteNotFoundError of an application is not taken for its own', async () => {
    const seen = new CallRecorder()
    const thrown = new RouteNotFoundError('mine')
    const router = UrlRouter([
      path('ws/', UrlRouter([path('a/', () => Promise.reject(thrown))])),
      path('ws/a/', seen.application('later')),
    ])

    await expect(connect(router, '/ws/a/')).rejects.toBe(thrown)
    expect(seen.names).toEqual([])
  })

  test('is seen through middleware, which runs once', async () => {
    const seen = new CallRecorder()
    let runs = 0
    const counted = defineMiddleware({ name: 'counted', connect: () => ({ runs: ++runs }) })
    const router = UrlRouter([path('pre/', counted(noop(UrlRouter([path('x/', seen.application('x'))]))))])

    await connect(router, '/pre/x/')

    expect(seen.last.scope).toMatchObject({ runs: 1 })
    expect(runs).toBe(1)
  })

  test('is seen through a plain function made by wrapApplication', async () => {
    const seen = new CallRecorder()
    const plain = <S extends Scope>(inner: Application<S>): Application<S> =>
      wrapApplication(inner, async (scope, message, send) => inner({ ...scope, plain: true }, message, send))
    const router = UrlRouter([
      path('pre/', plain(UrlRouter([path('x/', seen.application('x'))]))),
      path('pre/y/', seen.application('y')),
    ])

    await connect(router, '/pre/x/')
    await connect(router, '/pre/y/')

    expect(seen.names).toEqual(['x', 'y'])
    expect(seen.calls[0]?.scope).toMatchObject({ plain: true })
  })

  test('hidden by a plain function it still routes what an unanchored rePath leaves, and remembers it', async () => {
    const seen = new CallRecorder()
    const hidden =
      (inner: Application<WebsocketScope>): Application<WebsocketScope> =>
      async (scope, message, send) =>
        inner(scope, message, send)
    const connection = new FakeConnection()
    const before = UrlRouter([
      rePath(/^pre\/(\d)\//, hidden(UrlRouter([path('<room>/', seen.application('room'))]))),
    ])
    const after = UrlRouter([
      rePath(
        /^pre\/(\d)\//,
        hidden(UrlRouter([path('x/', seen.application('new')), path('<room>/', seen.application('room'))])),
      ),
    ])

    await connect(before, '/pre/1/x/', connection)
    await receive(after, '/pre/1/x/', connection)

    expect(seen.names).toEqual(['room', 'room'])
    expect(seen.last.scope['urlRoute']).toEqual({ args: ['1'], kwargs: { room: 'x' } })
    await expect(connect(before, '/pre/1/x/y')).rejects.toThrow(
      'no route for path "x/y"; registered are "<room>/"',
    )
  })

  test('is not led astray by what was found for another router', async () => {
    const seen = new CallRecorder()
    const known = UrlRouter([path('<name>/', seen.application('known'))])
    const called = UrlRouter([path('x/', seen.application('called'))])
    const router = UrlRouter([
      path(
        'pre/',
        wrapApplication(known, async (scope: WebsocketScope, message, send) => called(scope, message, send)),
      ),
    ])

    await connect(router, '/pre/x/')

    expect(seen.names).toEqual(['called'])
  })

  test('one router may serve two prefixes', async () => {
    const seen = new CallRecorder()
    const shared = UrlRouter([path('x/', seen.application('x'))])
    const router = UrlRouter([path('<a>/<b>/', shared), path('<a>/', shared)])

    await connect(router, '/1/x/')
    await connect(router, '/1/2/x/')

    expect(seen.calls.map((call) => call.scope['urlRoute'])).toEqual([
      { args: [], kwargs: { a: '1' } },
      { args: [], kwargs: { a: '1', b: '2' } },
    ])
  })
})

describe('a later event of the connection', () => {
  test('finds the route that connect found, with its kwargs converted anew', async () => {
    const seen = new CallRecorder()
    const datePath = createPath({ date: { regex: /[\d-]+/, toValue: (text: string) => new Date(text) } })
    const router = UrlRouter([
      path('ws/', noop(UrlRouter([datePath('<date:day>/<int:n>/', seen.application('day'))]))),
    ])
    const connection = new FakeConnection()

    await connect(router, '/ws/2026-01-02/3/', connection)
    await receive(router, '/ws/2026-01-02/3/', connection)

    expect(seen.calls.map((call) => call.type)).toEqual(['websocket.connect', 'websocket.receive'])
    expect(seen.calls[1]?.scope['urlRoute']).toEqual(seen.calls[0]?.scope['urlRoute'])
    expect(seen.last.scope['urlRoute']).toEqual({ args: [], kwargs: { day: new Date('2026-01-02'), n: 3 } })
  })

  test('is remembered as the patterns from the outermost router on, in one key', async () => {
    const connection = new FakeConnection()
    const application = new CallRecorder().application('x')
    const router = UrlRouter([path('ws/', noop(UrlRouter([path('chat/<str:room>/', application)])))])

    await connect(router, '/ws/chat/lobby/', connection)

    expect(Object.fromEntries(connection.remembered)).toEqual({ route: '["ws/","chat/<str:room>/"]' })
  })

  test('stays with its route when a deploy puts another one before it', async () => {
    const seen = new CallRecorder()
    const connection = new FakeConnection()
    const old = path('chat/<room>/', seen.application('old'))

    await connect(UrlRouter([old]), '/chat/lobby/', connection)
    await receive(UrlRouter([path('chat/lobby/', seen.application('new')), old]), '/chat/lobby/', connection)

    expect(seen.names).toEqual(['old', 'old'])
  })

  test('with two routes of one pattern goes to the one whose inner router it came from', async () => {
    const seen = new CallRecorder()
    const connection = new FakeConnection()
    const router = UrlRouter([
      path('ws/', UrlRouter([path('a/', seen.application('a'))])),
      path('ws/', UrlRouter([path('<b>/', seen.application('b'))])),
    ])

    await connect(router, '/ws/b/', connection)
    await receive(router, '/ws/b/', connection)

    expect(seen.names).toEqual(['b', 'b'])
  })

  test('whose route a deploy removed is a RouteNotFoundError that says so', async () => {
    const seen = new CallRecorder()
    const connection = new FakeConnection()
    await connect(
      UrlRouter([path('ws/', UrlRouter([path('old/', seen.application('old'))]))]),
      '/ws/old/',
      connection,
    )

    const now = UrlRouter([path('ws/', UrlRouter([path('<name>/', seen.application('new'))]))])

    await expect(receive(now, '/ws/old/', connection)).rejects.toThrow(RouteNotFoundError)
    await expect(receive(now, '/ws/old/', connection)).rejects.toThrow(
      'path "ws/old/" was routed by "ws/" + "old/" when its connection was opened, and that route is gone or matches no longer;' +
        ' registered are "ws/" + "<name>/"',
    )
    expect(seen.names).toEqual(['old'])
  })

  test('does not end at a router, nor go on behind an application, after a deploy changed which is which', async () => {
    const seen = new CallRecorder()
    const [flat, deep] = [new FakeConnection(), new FakeConnection()]
    const asApplication = UrlRouter([path('ws/', seen.application('ws'))])
    const asRouter = UrlRouter([path('ws/', UrlRouter([path('', seen.application('inner'))]))])
    await connect(asApplication, '/ws/', flat)
    await connect(asRouter, '/ws/', deep)

    await expect(receive(asRouter, '/ws/', flat)).rejects.toThrow(RouteNotFoundError)
    await expect(receive(asApplication, '/ws/', deep)).rejects.toThrow(RouteNotFoundError)
  })

  test('of a connection from before there was a router is searched for', async () => {
    const seen = new CallRecorder()

    await receive(
      UrlRouter([path('chat/<room>/', seen.application('chat'))]),
      '/chat/lobby/',
      new FakeConnection(),
    )

    expect(seen.names).toEqual(['chat'])
  })

  test('that finds something else under the key of the router is a ConfigurationError', async () => {
    const connection = new FakeConnection()
    connection.remember('route', { mine: true })

    await expect(receive(UrlRouter([]), '/x', connection)).rejects.toThrow(
      'the connection remembers {"mine":true} under "route", which is UrlRouter\'s key',
    )
  })

  test('an event of a layer is a later event too', async () => {
    const seen = new CallRecorder()
    const connection = new FakeConnection()
    const router = UrlRouter([rePath(/^(\w+)\/$/, seen.application('chat'))])
    await connect(router, '/lobby/', connection)

    await router(fakeScope({ path: '/lobby/', connection }), { type: 'chat.message' }, ignoreFrames)

    expect(seen.last).toMatchObject({
      type: 'chat.message',
      scope: { urlRoute: { args: ['lobby'], kwargs: {} } },
    })
  })
})
