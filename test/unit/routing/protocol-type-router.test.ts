import { describe, expect, test } from 'vitest'
import type { Application } from '../../../shared/application.ts'
import { RouteNotFoundError } from '../../../shared/errors.ts'
import { ProtocolTypeRouter } from '../../../shared/routing/protocol-type-router.ts'
import { fakeScope } from '../../support/fake-connection.ts'
import { CallRecorder, ignoreFrames } from '../../support/recording-application.ts'

describe('ProtocolTypeRouter', () => {
  test('hands each event to the application of its scope type, scope and message unchanged', async () => {
    const seen = new CallRecorder()
    const router: Application<never> = ProtocolTypeRouter({
      websocket: seen.application('websocket'),
      http: seen.application('http'),
      channel: seen.application('channel'),
    })
    const call = router as Application

    await call(fakeScope({ path: '/x' }), { type: 'websocket.connect' }, ignoreFrames)
    await call({ type: 'http' }, { type: 'http.request' }, ignoreFrames)
    await call({ type: 'channel' }, { type: 'job.run' }, ignoreFrames)

    expect(seen.calls.map(({ name, type }) => [name, type])).toEqual([
      ['websocket', 'websocket.connect'],
      ['http', 'http.request'],
      ['channel', 'job.run'],
    ])
    expect(seen.calls[0]?.scope['path']).toBe('/x')
  })

  test.each(['http', 'lifespan', 'constructor'])(
    'scope type %s without an application is a RouteNotFoundError',
    async (type) => {
      const router: Application<never> = ProtocolTypeRouter({
        websocket: new CallRecorder().application('websocket'),
      })
      const call = router as Application

      await expect(call({ type }, { type: 'x' }, ignoreFrames)).rejects.toThrow(RouteNotFoundError)
      await expect(call({ type }, { type: 'x' }, ignoreFrames)).rejects.toThrow(
        `no application for scope type "${type}": registered are "websocket"; add one`,
      )
    },
  )

  test('a failure of the application reaches the caller', async () => {
    const failure = new Error('mine')
    const router = ProtocolTypeRouter({ websocket: () => Promise.reject(failure) })

    await expect(router(fakeScope(), { type: 'websocket.connect' }, ignoreFrames)).rejects.toBe(failure)
  })
})
