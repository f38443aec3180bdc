import { expect, test } from 'vitest'
import type { Application, HttpScope } from '../../../shared/application.ts'
import { fetchApplication } from '../../../shared/consumers/fetch-application.ts'
import { WebsocketConsumer } from '../../../shared/consumers/websocket-consumer.ts'
import { createHttpHandler } from '../../../shared/gateway/http-handler.ts'
import { defineMiddleware } from '../../../shared/middleware/define-middleware.ts'
import { path } from '../../../shared/routing/path.ts'
import { ProtocolTypeRouter } from '../../../shared/routing/protocol-type-router.ts'
import { UrlRouter } from '../../../shared/routing/url-router.ts'
import { DenyConnection } from '../../../shared/signals.ts'
import { HttpCommunicator } from '../../../shared/testing/http-communicator.ts'
import { GatewayWorld } from '../../support/gateway-world.ts'
import { httpEvent, type HttpEventFields } from '../../support/http-events.ts'

class RoomConsumer extends WebsocketConsumer {}

const nobody = defineMiddleware({
  name: 'nobody',
  connect: (_scope: HttpScope) => {
    throw new DenyConnection(403)
  },
})
// One view for both, as a framework with a router of its own is.
const views = fetchApplication((request) => new Response(new URL(request.url).pathname))
const http = UrlRouter([
  path('public/<path:rest>', views),
  path('admin/<path:rest>', nobody(views) as Application<HttpScope>),
])
const application = ProtocolTypeRouter({ http, websocket: RoomConsumer.asApplication() })

const climbing = [
  '/public/../admin/x',
  '/public/./x',
  '/public/..\\admin/x',
  '/public//../../admin/x',
  '/..',
  '/.',
]

test.each<[string, HttpEventFields]>([
  ...climbing.map((at): [string, HttpEventFields] => [at, { path: at }]),
  [
    '/public/%2e%2E/admin/x of a function URL',
    { path: '/public/%2e%2E/admin/x', domainName: 'a.lambda-url.eu-west-1.on.aws' },
  ],
  ['/prod/../admin/x of a stage', { path: '/../admin/x', stage: 'prod' }],
])('a request for %s is a 400 that no application sees, and is counted', async (_name, fields) => {
  const world = new GatewayWorld({ application, runtime: { endpoint: 'https://api.example/prod' } })

  const { statusCode } = await createHttpHandler(application, world.runtime)(httpEvent(fields))

  expect(statusCode).toBe(400)
  expect(world.logged('info')).toMatchObject([
    { message: 'request answered with 400: a segment of the path is "." or ".."' },
  ])
  expect(world.count('badRequest')).toBe(1)
  expect(world.failures).toEqual([])
})

test.each([
  ['/public/...', 200, '/public/...'],
  ['/public/.well-known/a..b', 200, '/public/.well-known/a..b'],
  ['/public/%2e%2e/x', 200, '/public/%252e%252e/x'],
  ['//admin/x', 403, 'Forbidden\n'],
])('a request for %s, which climbs nowhere, is %i', async (at, status, body) => {
  const world = new GatewayWorld({ application, runtime: { endpoint: 'https://api.example/prod' } })

  expect(await createHttpHandler(application, world.runtime)(httpEvent({ path: at }))).toMatchObject({
    statusCode: status,
    body,
  })
})

test.each([...climbing, 'https://testserver/public/../admin/x', '/public/%2e%2e/admin/x?a=1'])(
  'an HttpCommunicator asks for %s as it is written, and gets the 400',
  async (at) => {
    expect((await new HttpCommunicator(application, 'GET', at).getResponse()).status).toBe(400)
  },
)
