import { expect, test } from 'vitest'
import type { JsonObject } from '../../../shared/message.ts'
import {
  authorizerMiddleware,
  type AuthorizerMiddlewareOptions,
} from '../../../shared/auth/authorizer-middleware.ts'
import type { User } from '../../../shared/auth/user.ts'
import { ConfigurationError } from '../../../shared/errors.ts'
import { DenyConnection } from '../../../shared/signals.ts'
import { FakeConnection, fakeScope } from '../../support/fake-connection.ts'
import { CallRecorder, ignoreFrames } from '../../support/recording-application.ts'

const CONNECT = { type: 'websocket.connect' }

async function open(authorizer: JsonObject | undefined, options: AuthorizerMiddlewareOptions<User> = {}) {
  const seen = new CallRecorder()
  const connection = new FakeConnection()
  const scope = fakeScope({ connection, ...(authorizer === undefined ? {} : { authorizer }) })
  const application = authorizerMiddleware(options as object)(seen.application('inner'))
  await application(scope, CONNECT, ignoreFrames)
  return { scope: seen.last.scope, connection, application, seen }
}

test('the user is the principal that the authorizer named', async () => {
  const { scope, connection } = await open({ principalId: 'ann', integrationLatency: 3 })

  expect(scope).toMatchObject({ user: { id: 'ann' }, userExpiresAt: null })
  expect(connection.end).toBeUndefined()
})

test('the user is what the application makes of the context, and the connection ends when it says', async () => {
  const user = ({ sub, tenant }: JsonObject) => ({ id: JSON.stringify([sub, tenant]) })
  const expiresAt = ({ exp }: JsonObject) => Number(exp)

  const { scope, connection } = await open({ sub: 'bob', tenant: 7, exp: '1767229200' }, { user, expiresAt })

  expect(scope).toMatchObject({ user: { id: '["bob",7]' }, userExpiresAt: 1_767_229_200_000 })
  expect(connection.end).toEqual({ at: 1_767_229_200_000, code: 4401 })
})

test('later events have the user without asking again', async () => {
  const { connection, application, seen } = await open({ principalId: 'ann' })

  await application(fakeScope({ connection }), { type: 'websocket.receive', text: 'x' }, ignoreFrames)

  expect(seen.last.scope['user']).toEqual({ id: 'ann' })
})

test('a context that names no user is refused with 401 and counted', async () => {
  for (const principalId of ['', 7, null]) await expect(open({ principalId })).rejects.toThrow(DenyConnection)
  await expect(open({ principalId: 'ann' }, { user: () => undefined })).rejects.toThrow(DenyConnection)
})

test('an API without an authorizer is told what to do, and lets in nobody', async () => {
  await expect(open(undefined)).rejects.toThrow(ConfigurationError)
  await expect(open(undefined)).rejects.toThrow(/attach a Lambda authorizer to \$connect/)

  const { scope } = await open(undefined, { allowAnonymous: true })
  expect(scope['user']).toEqual({ id: null })
})

test('an end that is no number is a mistake, and not a connection without an end', async () => {
  await expect(open({ principalId: 'ann' }, { expiresAt: ({ exp }) => Number(exp) })).rejects.toThrow(
    /^expiresAt of authorizerMiddleware returned NaN: /,
  )
})

test('a user with a key that speaks of a secret is not stored with a connection', async () => {
  const user = (context: JsonObject): User & { readonly context: JsonObject } => ({ id: 'ann', context })

  const opened = open({ principalId: 'ann', accessToken: 'x' }, { user })

  await expect(opened).rejects.toThrow(ConfigurationError)
  await expect(opened).rejects.toThrow(
    'scope.user of authorizerMiddleware has the key "context.accessToken", which speaks of a secret',
  )
})
