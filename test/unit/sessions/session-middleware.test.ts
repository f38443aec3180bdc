import { describe, expect, test } from 'vitest'
import { ConfigurationError } from '../../../shared/errors.ts'
import { cookieMiddleware } from '../../../shared/middleware/cookie-middleware.ts'
import { sessionMiddleware } from '../../../shared/sessions/session-middleware.ts'
import { HttpCommunicator } from '../../../shared/testing/http-communicator.ts'
import { SECRET, WatchedSessionStore } from '../../support/session-world.ts'

describe('sessionMiddleware refuses', () => {
  const store = new WatchedSessionStore()

  test.each([
    ['a cookie that browsers refuse', { cookie: { sameSite: 'none', secure: false } }, /browsers refuse/],
    ['a name that is none', { cookieName: 'session id' }, /cookie name "session id"/],
    ['a session without a life', { ageSeconds: 0 }, /ageSeconds of sessionMiddleware got 0/],
    ['a short secret', { secrets: ['short'] }, /at least 32 bytes/],
  ] as const)('%s', (_, options, message) => {
    const make = (): unknown => sessionMiddleware({ store, secrets: [SECRET], ...options })

    expect(make).toThrow(ConfigurationError)
    expect(make).toThrow(message)
  })

  test('to work without cookieMiddleware', async () => {
    const alone = sessionMiddleware({ store, secrets: [SECRET] })(async () => {})

    const response = new HttpCommunicator(alone as never, 'GET', '/').getResponse(30_000)

    await expect(response).rejects.toThrow(/put it inside cookieMiddleware/)
  })

  test('a session inside another', async () => {
    const sessions = sessionMiddleware({ store, secrets: [SECRET] })

    const response = new HttpCommunicator(
      cookieMiddleware(sessions(sessions(async () => {}))),
      'GET',
      '/',
    ).getResponse(30_000)

    await expect(response).rejects.toThrow(ConfigurationError)
  })
})
