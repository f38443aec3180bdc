import { expect, test } from 'vitest'
import { RouteNotFoundError } from '../../shared/errors.ts'
import { path } from '../../shared/routing/path.ts'
import { UrlRouter } from '../../shared/routing/url-router.ts'
import { fakeScope } from '../support/fake-connection.ts'
import { CallRecorder, ignoreFrames } from '../support/recording-application.ts'

const connect = { type: 'websocket.connect' }

test.each([
  '/ws/chat/',
  '/ws/chat//',
  '/ws/chat/lobby',
  '/ws/chat/lobby/admin/',
  '/ws/chat/../admin/',
  '/ws/chat/a/../b/',
  '/ws/chat/a%2Fb/',
  '/ws/chat/a b/',
  '/ws/chat/lobby/\n',
  '/xws/chat/lobby/',
  '/WS/chat/lobby/',
])('the path %j runs no consumer', async (urlPath) => {
  const seen = new CallRecorder()
  const router = UrlRouter([path('ws/chat/<slug:room>/', seen.application('chat'))])

  await expect(router(fakeScope({ path: urlPath }), connect, ignoreFrames)).rejects.toThrow(
    RouteNotFoundError,
  )
  expect(seen.names).toEqual([])
})

test('a dot in a pattern is a dot', async () => {
  const seen = new CallRecorder()
  const router = UrlRouter([path('feed.json', seen.application('feed'))])

  await expect(router(fakeScope({ path: '/feedxjson' }), connect, ignoreFrames)).rejects.toThrow(
    RouteNotFoundError,
  )
})
