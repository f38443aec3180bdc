import { expect, test } from 'vitest'
import type { Application, ChannelScope, Scope } from '../../../shared/application.ts'
import { ConfigurationError, InvalidNameError, RouteNotFoundError } from '../../../shared/errors.ts'
import { defineMiddleware, wrapApplication } from '../../../shared/middleware/define-middleware.ts'
import { ChannelNameRouter } from '../../../shared/routing/channel-name-router.ts'
import { ProtocolTypeRouter } from '../../../shared/routing/protocol-type-router.ts'
import { workerChannelsOf } from '../../../shared/worker-channels.ts'
import { FakeConnection, fakeScope } from '../../support/fake-connection.ts'
import { CallRecorder, ignoreFrames } from '../../support/recording-application.ts'

function scopeOf(channel: string): ChannelScope {
  return { type: 'channel', channel, jobId: 'job', receiveCount: 1, connection: new FakeConnection() }
}

const nothing: Application<ChannelScope> = async () => {}

test('each job goes to the application of its channel, scope and message unchanged', async () => {
  const seen = new CallRecorder()
  const router = ChannelNameRouter({
    printer: seen.application('printer'),
    statistics: { application: seen.application('statistics'), guarantee: 'at-most-once' },
  })

  await router(scopeOf('statistics'), { type: 'page.count', pages: 2 }, ignoreFrames)
  await router(scopeOf('printer'), { type: 'page.print' }, ignoreFrames)

  expect(seen.calls.map(({ name, type, scope }) => [name, type, scope['channel']])).toEqual([
    ['statistics', 'page.count', 'statistics'],
    ['printer', 'page.print', 'printer'],
  ])
})

test.each(['pinter', 'constructor', '__proto__'])(
  'channel "%s", which is not registered, is a RouteNotFoundError that names those that are',
  async (channel) => {
    const router = ChannelNameRouter({ printer: nothing, statistics: nothing })
    const call = router(scopeOf(channel), { type: 'page.print' }, ignoreFrames)

    await expect(call).rejects.toThrow(RouteNotFoundError)
    await expect(call).rejects.toThrow(
      `no application for worker channel "${channel}": registered are "printer", "statistics"; correct the name, or add it`,
    )
  },
)

test('a router without channels, and a scope that is none of a worker, say what is wrong', async () => {
  const call = ChannelNameRouter<Scope>({})

  await expect(call(scopeOf('printer'), { type: 'a' }, ignoreFrames)).rejects.toThrow('none is registered')
  await expect(call(fakeScope(), { type: 'a' }, ignoreFrames)).rejects.toThrow('a scope of type "websocket"')
})

test.each(['', 'a b', 'L0SM9cOFvHcCIhw=', 'reply.a!b', '*', 'x'.repeat(100)])(
  'a worker channel cannot be called "%s"',
  (name) => {
    expect(() => ChannelNameRouter({ [name]: nothing })).toThrow(InvalidNameError)
  },
)

test.each([
  [
    'a guarantee that there is not',
    { application: nothing, guarantee: 'exactly-once' },
    '"exactly-once": use',
  ],
  ['no application', { guarantee: 'at-most-once' }, 'has no application, but a value of type undefined'],
  ['null for an application', { application: null }, 'has no application, but null'],
])('%s is a ConfigurationError when the router is made', (_, route, problem) => {
  expect(() => ChannelNameRouter({ printer: route as never })).toThrow(ConfigurationError)
  expect(() => ChannelNameRouter({ printer: route as never })).toThrow(problem)
})

test('which channels an application serves, and how, can be read through routers and middleware', () => {
  const labelled = defineMiddleware({ name: 'label', connect: () => ({ label: 'a' }) })
  const timed = (inner: Application<ChannelScope>): Application<ChannelScope> =>
    wrapApplication(inner, (scope, message, send) => inner(scope, message, send))
  const application = ProtocolTypeRouter({
    websocket: async () => {},
    channel: timed(
      labelled(
        ChannelNameRouter({
          printer: nothing,
          statistics: { application: nothing, guarantee: 'at-most-once' },
        }),
      ),
    ),
  })

  expect([...workerChannelsOf(application)]).toEqual([
    ['printer', 'at-least-once'],
    ['statistics', 'at-most-once'],
  ])
  expect([...workerChannelsOf(ProtocolTypeRouter({ websocket: async () => {} }))]).toEqual([])
})
