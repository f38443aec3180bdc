import { describe, expect, test } from 'vitest'
import type { Application, HttpScope } from '../../../shared/application.ts'
import { ConfigurationError, RouteNotFoundError } from '../../../shared/errors.ts'
import { wrapApplication } from '../../../shared/middleware/define-middleware.ts'
import { ProtocolTypeRouter } from '../../../shared/routing/protocol-type-router.ts'
import { FakeConnection, fakeScope } from '../../support/fake-connection.ts'
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
    await call({ type: 'http', connection: new FakeConnection() }, { type: 'http.request' }, ignoreFrames)
    await call({ type: 'channel', connection: new FakeConnection() }, { type: 'job.run' }, ignoreFrames)

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

      await expect(
        call({ type, connection: new FakeConnection() }, { type: 'x' }, ignoreFrames),
      ).rejects.toThrow(RouteNotFoundError)
      await expect(
        call({ type, connection: new FakeConnection() }, { type: 'x' }, ignoreFrames),
      ).rejects.toThrow(`no application for scope type "${type}": registered are "websocket"; add one`)
    },
  )

  test('an http of three parameters that nobody made known is a ConfigurationError', () => {
    const websocket = new CallRecorder().application('websocket')
    async function worker(_request: unknown, _env: unknown, _context: unknown): Promise<never> {
      throw new Error('never called')
    }

    const make = (http: Application<HttpScope>): unknown => ProtocolTypeRouter({ websocket, http })
    expect(() => make(worker)).toThrow(ConfigurationError)
    expect(() => make(worker)).toThrow('a function "worker" of 3 parameters')
    expect(() => make(wrapApplication(websocket, worker))).not.toThrow()
  })

  test('a failure of the application reaches the caller', async () => {
    const failure = new Error('mine')
    const router = ProtocolTypeRouter({ websocket: () => Promise.reject(failure) })

    await expect(router(fakeScope(), { type: 'websocket.connect' }, ignoreFrames)).rejects.toBe(failure)
  })
})
