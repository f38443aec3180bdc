import { describe, expect, test, vi } from 'vitest'
import type { Application, HttpScope, Scope, WebsocketScope } from '../../../shared/application.ts'
import { ConfigurationError, ProtocolError } from '../../../shared/errors.ts'
import type { Message } from '../../../shared/message.ts'
import { defineMiddleware, type Middleware } from '../../../shared/middleware/define-middleware.ts'
import { path } from '../../../shared/routing/path.ts'
import { UrlRouter } from '../../../shared/routing/url-router.ts'
import { DenyConnection, StopConsumer } from '../../../shared/signals.ts'
import { FakeConnection, fakeScope } from '../../support/fake-connection.ts'
import { CallRecorder, ignoreFrames } from '../../support/recording-application.ts'

const CONNECT = { type: 'websocket.connect' }
const RECEIVE = { type: 'websocket.receive', text: '{}' }

class User {
  readonly id: string
  constructor(id: string) {
    this.id = id
  }
}

const localeMiddleware = defineMiddleware({
  name: 'locale',
  connect: (scope: WebsocketScope) => ({ locale: scope.query['locale'] ?? 'en', tags: ['a', { b: 1 }] }),
})

function userMiddleware(loads: string[] = []) {
  return defineMiddleware({
    name: 'user',
    connect: (): { readonly userId: string; readonly user: User } => ({ userId: 'u1', user: new User('u1') }),
    resume: ({ userId = 'nobody' }) => ({
      get user(): User {
        loads.push(userId)
        return new User(userId)
      },
    }),
  })
}

/** Runs both events as a server does: a scope of its own for each, without the handshake's query on the second. */
async function connectThenReceive(
  application: Application<WebsocketScope>,
  connection = new FakeConnection(),
): Promise<void> {
  await application(fakeScope({ query: { locale: 'de' }, connection }), CONNECT, ignoreFrames)
  await application(fakeScope({ connection }), RECEIVE, ignoreFrames)
}

describe('defineMiddleware, at connect', () => {
  test('adds what connect returns to a copy of the scope', async () => {
    const seen = new CallRecorder()
    const scope = Object.freeze(fakeScope({ query: { locale: 'de' } }))

    await localeMiddleware(seen.application('inner'))(scope, CONNECT, ignoreFrames)

    expect(seen.last.scope).toMatchObject({ locale: 'de', type: 'websocket', connection: scope.connection })
    expect(scope).not.toHaveProperty('locale')
  })

  test('waits for connect', async () => {
    const seen = new CallRecorder()
    const slow = defineMiddleware({
      name: 'slow',
      connect: async () => ({ late: await Promise.resolve(true) }),
    })

    await slow(seen.application('inner'))(fakeScope(), CONNECT, ignoreFrames)

    expect(seen.last.scope).toMatchObject({ late: true })
  })

  test('gives the inner application what it adds to the send and the message it got', async () => {
    const frames: unknown[] = []
    const application = localeMiddleware(
      (scope: WebsocketScope & { readonly locale: string }, message, send) =>
        send({ type: 'websocket.send', text: `${message.type} ${scope.locale}` }),
    )

    await application(fakeScope(), CONNECT, (frame) => Promise.resolve(void frames.push(frame)))

    expect(frames).toEqual([{ type: 'websocket.send', text: 'websocket.connect en' }])
  })

  test('a DenyConnection passes through, and the inner application does not run', async () => {
    const seen = new CallRecorder()
    const denial = new DenyConnection(401)
    const denier = defineMiddleware<WebsocketScope, object>({
      name: 'denier',
      connect: () => {
        throw denial
      },
    })

    await expect(denier(seen.application('inner'))(fakeScope(), CONNECT, ignoreFrames)).rejects.toBe(denial)
    expect(seen.names).toEqual([])
  })

  test('saves the JSON it adds in one value, and nothing where it adds none', async () => {
    const connection = new FakeConnection()
    const seen = new CallRecorder()
    const check = defineMiddleware({ name: 'check', connect: () => ({ absent: undefined }) })

    await check(localeMiddleware(userMiddleware()(seen.application('inner'))))(
      fakeScope({ connection }),
      CONNECT,
      ignoreFrames,
    )

    expect(Object.fromEntries(connection.remembered)).toEqual({
      'middleware.locale': '{"locale":"en","tags":["a",{"b":1}]}',
      'middleware.user': '{"userId":"u1"}',
    })
  })

  test.each([
    ['an instance', (): object => ({ user: new User('u1') })],
    ['a function', (): object => ({ user: () => 'u1' })],
    ['a Date', (): object => ({ user: { since: new Date(0) } })],
    [
      'a getter',
      (): object => ({
        get user() {
          return 'u1'
        },
      }),
    ],
  ])('%s without resume is a ConfigurationError naming middleware and key', async (_, add) => {
    const seen = new CallRecorder()
    const application = defineMiddleware({ name: 'auth', connect: add })(seen.application('inner'))

    await expect(application(fakeScope(), CONNECT, ignoreFrames)).rejects.toThrow(ConfigurationError)
    await expect(application(fakeScope(), CONNECT, ignoreFrames)).rejects.toThrow(
      'middleware "auth" adds "user" to the scope, which is not JSON',
    )
    expect(seen.names).toEqual([])
  })

  test('a getter with a resume is neither read nor saved: the way to keep a secret out of the store', async () => {
    const connection = new FakeConnection()
    const seen = new CallRecorder()
    const token = defineMiddleware<WebsocketScope, { readonly token: string }>({
      name: 'token',
      connect: () => ({
        get token(): string {
          return 'secret'
        },
      }),
      resume: () => ({ token: '' }),
    })

    await connectThenReceive(token(seen.application('inner')), connection)

    expect(seen.calls.map((call) => call.scope['token'])).toEqual(['secret', ''])
    expect(connection.remembered.size).toBe(0)
  })

  test.each([
    [undefined, 'undefined'],
    [null, 'null'],
    [['a'], 'an array'],
    ['x', 'string'],
  ])('connect returning %j is a ConfigurationError', async (returned, kind) => {
    const application = defineMiddleware({ name: 'bad', connect: () => returned as unknown as object })(
      ignoreFrames,
    )

    await expect(application(fakeScope(), CONNECT, ignoreFrames)).rejects.toThrow(
      `connect of middleware "bad" returned ${kind}: return an object`,
    )
  })
})

describe('defineMiddleware, at later events', () => {
  test('what connect added and JSON kept is there again, and connect does not run again', async () => {
    const seen = new CallRecorder()

    await connectThenReceive(localeMiddleware(seen.application('inner')))

    expect(seen.calls.map((call) => call.type)).toEqual(['websocket.connect', 'websocket.receive'])
    expect(seen.last.scope).toMatchObject({ locale: 'de', tags: ['a', { b: 1 }] })
  })

  test('resume sees what was saved and makes the rest anew', async () => {
    const seen = new CallRecorder()

    await connectThenReceive(userMiddleware()(seen.application('inner')))

    expect(seen.last.scope).toMatchObject({ userId: 'u1', user: new User('u1') })
    expect(seen.calls[0]?.scope['user']).not.toBe(seen.calls[1]?.scope['user'])
  })

  test('what resume returns wins over what was saved', async () => {
    const seen = new CallRecorder()
    const fresh = defineMiddleware({
      name: 'fresh',
      connect: () => ({ at: 1, kept: 1 }),
      resume: () => ({ at: 2 }),
    })

    await connectThenReceive(fresh(seen.application('inner')))

    expect(seen.last.scope).toMatchObject({ at: 2, kept: 1 })
  })

  test('a getter of resume is not read until the consumer asks, through middleware and routers', async () => {
    const loads: string[] = []
    const reads: string[] = []
    const consumer: Application<WebsocketScope & { readonly user: User }> = (scope, message) => {
      if (message.type === 'websocket.receive')
        reads.push(`loads before: ${loads.length}`, scope.user.id, `loads after: ${loads.length}`)
      return Promise.resolve()
    }

    await connectThenReceive(userMiddleware(loads)(localeMiddleware(UrlRouter([path('', consumer)]))))

    expect(reads).toEqual(['loads before: 0', 'u1', 'loads after: 1'])
  })

  test('a connection from before the middleware was deployed has what resume makes of nothing', async () => {
    const seen = new CallRecorder()

    await userMiddleware()(localeMiddleware(seen.application('inner')))(fakeScope(), RECEIVE, ignoreFrames)

    expect(seen.last.scope).toMatchObject({ user: new User('nobody') })
    expect(seen.last.scope).not.toHaveProperty('locale')
  })

  test('resume may throw, and the inner application does not run', async () => {
    const seen = new CallRecorder()
    const failure = new Error('session store is down')
    const broken = defineMiddleware({
      name: 'broken',
      connect: () => ({}),
      resume: () => Promise.reject(failure),
    })

    await expect(broken(seen.application('inner'))(fakeScope(), RECEIVE, ignoreFrames)).rejects.toBe(failure)
    expect(seen.names).toEqual([])
  })

  test('resume returning nothing is a ConfigurationError', async () => {
    const forgetful = defineMiddleware({
      name: 'forgetful',
      connect: () => ({}),
      resume: () => undefined as unknown as object,
    })

    await expect(forgetful(ignoreFrames)(fakeScope(), RECEIVE, ignoreFrames)).rejects.toThrow(
      'resume of middleware "forgetful" returned undefined',
    )
  })

  test('names such as "path" and "route" do not touch what the server and the router remember', async () => {
    const seen = new CallRecorder()
    const connection = new FakeConnection()
    const route = defineMiddleware({ name: 'route', connect: () => ({ mine: 1 }) })

    await connectThenReceive(route(UrlRouter([path('', seen.application('inner'))])), connection)

    expect(seen.last.scope).toMatchObject({ mine: 1, urlRoute: { args: [], kwargs: {} } })
  })
})

describe('defineMiddleware, stacked', () => {
  test('each sees what the ones outside added', async () => {
    const seen = new CallRecorder()
    const greeting = defineMiddleware({
      name: 'greeting',
      connect: (scope: WebsocketScope & { readonly locale: string }) => ({
        greeting: scope.locale === 'de' ? 'Hallo' : 'Hello',
      }),
    })

    await connectThenReceive(localeMiddleware(greeting(seen.application('inner'))))

    expect(seen.calls.map((call) => call.scope['greeting'])).toEqual(['Hallo', 'Hallo'])
  })

  test('one inside another of the same name is a ConfigurationError at connect', async () => {
    const seen = new CallRecorder()
    const other = defineMiddleware({ name: 'locale', connect: () => ({ other: 1 }) })
    const application = localeMiddleware(UrlRouter([path('', other(seen.application('inner')))]))

    await expect(application(fakeScope(), CONNECT, ignoreFrames)).rejects.toThrow(ConfigurationError)
    await expect(application(fakeScope(), CONNECT, ignoreFrames)).rejects.toThrow(
      'middleware "locale" wraps another middleware of the same name',
    )
    expect(seen.names).toEqual([])
  })

  test('one beside another of the same name is fine', async () => {
    const seen = new CallRecorder()
    const router = UrlRouter([
      path('a/', localeMiddleware(seen.application('a'))),
      path('b/', localeMiddleware(seen.application('b'))),
    ])

    await router(fakeScope({ path: '/b/' }), CONNECT, ignoreFrames)

    expect(seen.last).toMatchObject({ name: 'b', scope: { locale: 'en' } })
  })

  test('a plain function works as middleware, outside and inside', async () => {
    const seen = new CallRecorder()
    const order: string[] = []
    const plain =
      (name: string) =>
      <S extends Scope>(inner: Application<S>): Application<S> =>
      async (scope, message, send) => {
        order.push(`${name} in`)
        await inner({ ...scope }, message, send)
        order.push(`${name} out`)
      }

    await plain('outer')(localeMiddleware(plain('inner')(seen.application('app'))))(
      fakeScope(),
      CONNECT,
      ignoreFrames,
    )

    expect(order).toEqual(['outer in', 'inner in', 'inner out', 'outer out'])
    expect(seen.last.scope).toMatchObject({ locale: 'en' })
  })
})

describe('defineMiddleware, for a scope that is no websocket', () => {
  test('connect runs on every event, nothing is remembered, and JSON is not asked for', async () => {
    const seen = new CallRecorder()
    let runs = 0
    const counted = defineMiddleware({
      name: 'counted',
      connect: (_scope: Scope) => ({ run: ++runs, user: new User('u1') }),
    })
    const application = counted(seen.application('inner'))

    await application(
      { type: 'http', connection: new FakeConnection() },
      { type: 'http.request' },
      ignoreFrames,
    )
    await application(
      { type: 'http', connection: new FakeConnection() },
      { type: 'http.request' },
      ignoreFrames,
    )

    expect(seen.calls.map((call) => call.scope['run'])).toEqual([1, 2])
    expect(seen.last.scope['user']).toBeInstanceOf(User)
  })
})

describe('defineMiddleware, for the response to a request', () => {
  const request = (): HttpScope => ({
    ...fakeScope(),
    type: 'http',
    method: 'GET',
    scheme: 'https',
    queryString: '',
  })
  const start = { type: 'http.response.start', status: 200, headers: [['x-view', '1']] } satisfies Message
  const body = { type: 'http.response.body', body: 'hello', isBase64Encoded: false } satisfies Message

  /** Adds a header, after a while, with what its own `connect` has added to the scope. */
  const tagging = (name: string): Middleware<Scope, { readonly tag: string }> =>
    defineMiddleware({
      name,
      connect: (_scope: Scope) => ({ tag: `tag of ${name}` }),
      respond: async ({ tag }, { status, headers }) => {
        await Promise.resolve()
        return { status: status + 1, headers: [...headers, [name, tag]] }
      },
    })

  async function sentThrough(application: Application<HttpScope>): Promise<readonly Message[]> {
    const sent: Message[] = []
    await application(request(), { type: 'http.request' }, async (message) => void sent.push(message))
    return sent
  }

  test('respond changes status and headers, the innermost first, with the scope that it made', async () => {
    const view: Application = async (_scope, _message, send) => {
      await send(start)
      await send(body)
    }

    expect(await sentThrough(tagging('outer')(tagging('inner')(view)))).toEqual([
      {
        type: 'http.response.start',
        status: 202,
        headers: [
          ['x-view', '1'],
          ['inner', 'tag of inner'],
          ['outer', 'tag of outer'],
        ],
      },
      body,
    ])
  })

  test('the body waits for the head, also when nobody awaits it', async () => {
    const view: Application = async (_scope, _message, send) => {
      void send(start)
      await send(body)
    }

    const sent = await sentThrough(tagging('outer')(tagging('inner')(view)))

    expect(sent.map(({ type }) => type)).toEqual(['http.response.start', 'http.response.body'])
  })

  test('a failure of respond is one of the response', async () => {
    const failure = new Error('mine')
    const failing = defineMiddleware({
      name: 'failing',
      connect: (_scope: Scope) => ({}),
      respond: () => Promise.reject(failure),
    })

    const view: Application = async (_scope, _message, send) => {
      await send(start)
      await send(body)
    }
    await expect(sentThrough(failing(view))).rejects.toBe(failure)
  })

  /** What respond saw, and what went out, of a view that may throw. */
  async function held(view: Application<HttpScope>): Promise<{
    readonly sent: readonly string[]
    readonly responses: number
    readonly failure: unknown
  }> {
    let responses = 0
    const sent: string[] = []
    const counting = defineMiddleware({
      name: 'counting',
      connect: (_scope: Scope) => ({}),
      respond: (_scope, head) => {
        responses += 1
        return head
      },
    })
    const send = async ({ type }: Message): Promise<void> => void sent.push(type)
    const failure: unknown = await counting(view)(request(), { type: 'http.request' }, send).catch(
      (error: unknown) => error,
    )
    return { sent, responses, failure }
  }

  test('nothing goes out, and respond does not run, before the application is done', async () => {
    const failure = new Error('late')

    expect(
      await held(async (_scope, _message, send) => {
        await send(start)
        await send(body)
        throw failure
      }),
    ).toEqual({ sent: [], responses: 0, failure })
  })

  test('what stops a consumer lets its response go', async () => {
    const failure = new StopConsumer()

    expect(
      await held(async (_scope, _message, send) => {
        await send(start)
        await send(body)
        throw failure
      }),
    ).toEqual({ sent: ['http.response.start', 'http.response.body'], responses: 1, failure })
  })

  test('a response that is not complete is none', async () => {
    expect(
      await held(async (_scope, _message, send) => {
        await send(start)
        await send({ ...body, moreBody: true })
      }),
    ).toEqual({ sent: [], responses: 0, failure: undefined })
  })

  test('the rest of a response that nobody has awaited follows', async () => {
    const rest = Promise.withResolvers<void>()
    const sent: string[] = []
    const view: Application = async (_scope, _message, send) => {
      await send(start)
      void rest.promise.then(() => send(body))
    }
    const send = async ({ type }: Message): Promise<void> => void sent.push(type)

    await tagging('outer')(tagging('inner')(view))(request(), { type: 'http.request' }, send)
    expect(sent).toEqual([])
    rest.resolve()

    await vi.waitFor(() => expect(sent).toEqual(['http.response.start', 'http.response.body']), 10_000)
  })

  test.each([
    ['a second head', [start, start], /"http\.response\.start" where its response was begun/],
    [
      'more after the last part',
      [start, body, body],
      /"http\.response\.body" where its response was complete/,
    ],
    ['more than Lambda returns', [start, { ...body, body: 'x'.repeat(6_290_000) }], /6275072 is the most/],
  ])('%s is refused before respond runs', async (_, messages, message) => {
    const { responses, failure } = await held(async (_scope, _message, send) => {
      for (const each of messages) await send(each)
    })

    expect(responses).toBe(0)
    expect(failure).toBeInstanceOf(ProtocolError)
    expect(String(failure)).toMatch(message)
  })

  test('respond has no part in a websocket', async () => {
    let responses = 0
    const counting = defineMiddleware({
      name: 'counting',
      connect: (_scope: Scope) => ({}),
      respond: (_scope, head) => {
        responses += 1
        return head
      },
    })
    const accept: Application = async (_scope, _message, send) => send({ type: 'websocket.accept' })

    await counting(accept)(fakeScope(), CONNECT, ignoreFrames)

    expect(responses).toBe(0)
  })
})

test('a middleware without a name is refused where it is defined', () => {
  expect(() => defineMiddleware({ name: '', connect: () => ({}) })).toThrow(ConfigurationError)
})
