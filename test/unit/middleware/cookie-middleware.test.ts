import { describe, expect, test } from 'vitest'
import type { ChannelScope, WebsocketScope } from '../../../shared/application.ts'
import { ConfigurationError, ProtocolError } from '../../../shared/errors.ts'
import { cookieMiddleware } from '../../../shared/middleware/cookie-middleware.ts'
import type { Cookies } from '../../../shared/middleware/cookies.ts'
import { FakeConnection, fakeScope } from '../../support/fake-connection.ts'
import { CallRecorder, ignoreFrames } from '../../support/recording-application.ts'

const CONNECT = { type: 'websocket.connect' }
const RECEIVE = { type: 'websocket.receive', text: '{}' }
const headers = { cookie: ['a=1; b=2'] }

function cookiesOf(scope: object): Cookies {
  return (scope as { readonly cookies: Cookies }).cookies
}

describe('cookieMiddleware', () => {
  test('adds the cookies of the handshake', async () => {
    const seen = new CallRecorder()

    await cookieMiddleware(seen.application('inner'))(fakeScope({ headers }), CONNECT, ignoreFrames)

    expect({ ...cookiesOf(seen.last.scope) }).toEqual({ a: '1', b: '2' })
  })

  test('adds none where none were sent', async () => {
    const seen = new CallRecorder()

    await cookieMiddleware(seen.application('inner'))(fakeScope(), CONNECT, ignoreFrames)

    expect({ ...cookiesOf(seen.last.scope) }).toEqual({})
  })

  test('stores nothing with the connection', async () => {
    const connection = new FakeConnection()

    await cookieMiddleware(new CallRecorder().application('inner'))(
      fakeScope({ headers, connection }),
      CONNECT,
      ignoreFrames,
    )

    expect([...connection.remembered]).toEqual([])
  })

  test('says why there are none at later events, to who reads them and not to who copies the scope', async () => {
    expect.assertions(2)
    const application = cookieMiddleware(async (scope: WebsocketScope) => {
      expect(() => cookiesOf(scope)).toThrow(ProtocolError)
      expect(() => ({ ...scope })).not.toThrow()
    })

    await application(fakeScope(), RECEIVE, ignoreFrames)
  })

  test('refuses a scope without headers', async () => {
    const scope: ChannelScope = {
      type: 'channel',
      channel: 'jobs',
      jobId: '1',
      receiveCount: 1,
      connection: new FakeConnection(),
    }

    const handled = cookieMiddleware(new CallRecorder().application('inner'))(
      scope as unknown as WebsocketScope,
      { type: 'job.run' },
      ignoreFrames,
    )

    await expect(handled).rejects.toThrow(ConfigurationError)
  })
})
