import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { FetchEnvironment } from '../../shared/consumers/fetch-application.ts'
import { WebsocketConsumer } from '../../shared/consumers/websocket-consumer.ts'
import { createHttpHandler } from '../../shared/gateway/http-handler.ts'
import { ProtocolTypeRouter } from '../../shared/routing/protocol-type-router.ts'
import { GatewayWorld } from '../support/gateway-world.ts'
import { httpEvent } from '../support/http-events.ts'

class RoomConsumer extends WebsocketConsumer {}

/** What a request's path may be made of, and what URLs treat in a way of their own. */
const piece = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.constantFrom('/', '\\', '.', '..', '...', '%2e', '%2E%2e', '%2f', '%5c', '%', '%25'),
  },
  {
    weight: 2,
    arbitrary: fc.constantFrom('a', 'admin', '?', '#', '@', ':', ';', ' ', '\t', '\n', '\0', 'é', '\ud800'),
  },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 4 }) },
)
const requestPath = fc.array(piece, { maxLength: 12 }).map((pieces) => `/${pieces.join('')}`)

test.each([
  ['an HTTP API', 'abc123.execute-api.eu-west-1.amazonaws.com'],
  ['a function URL', 'abc123.lambda-url.eu-west-1.on.aws'],
])(
  'every view behind %s sees the path that routers and middleware saw, or the answer is 400',
  async (_name, domainName) => {
    const seen: { readonly routed: string; readonly viewed: string }[] = []
    const application = ProtocolTypeRouter({
      websocket: RoomConsumer.asApplication(),
      http: (request: Request, { scope }: FetchEnvironment) => {
        seen.push({ routed: scope.path, viewed: decodeURIComponent(new URL(request.url).pathname) })
        return new Response()
      },
    })
    const world = new GatewayWorld({ application, runtime: { endpoint: 'https://api.example/prod' } })
    const handler = createHttpHandler(application, world.runtime)

    await fc.assert(
      fc.asyncProperty(requestPath, async (path) => {
        seen.length = 0
        const { statusCode } = await handler(httpEvent({ path, domainName }))
        expect(statusCode).toBe(seen.length === 0 ? 400 : 200)
        expect(seen[0]?.viewed).toBe(seen[0]?.routed)
      }),
      {
        numRuns: 500,
        examples: [['/public/../admin'], ['/./'], ['/a\\..\\b'], ['/%2e%2e/x'], ['//admin/x']],
      },
    )
  },
)
