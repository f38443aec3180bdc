import type { Application, HttpScope, RoutedScope, WebsocketScope } from '../../shared/application.ts'
import { JsonWebsocketConsumer } from '../../shared/consumers/json-websocket-consumer.ts'
import { defineMiddleware } from '../../shared/middleware/define-middleware.ts'
import { Demultiplexer } from '../../shared/routing/demultiplexer.ts'
import { path } from '../../shared/routing/path.ts'
import { UrlRouter } from '../../shared/routing/url-router.ts'
import { allowedHostsOriginValidator, originValidator } from '../../shared/security/origin-validator.ts'
import { rateLimit } from '../../shared/security/rate-limit.ts'
import type { RateStore } from '../../shared/stores/rate-store.ts'

// Checked by `tsc` alone: each `@ts-expect-error` fails the build if the line below it compiles.

class ChatConsumer extends JsonWebsocketConsumer<RoutedScope<{ room: string }>> {}
class UserConsumer extends JsonWebsocketConsumer<
  WebsocketScope & { readonly user: { readonly id: string } }
> {}
class PlainConsumer extends JsonWebsocketConsumer {}

const chat = ChatConsumer.asApplication()
const user = UserConsumer.asApplication()
const plain = PlainConsumer.asApplication()
const withUser = defineMiddleware({
  name: 'user',
  connect: (_scope: WebsocketScope) => ({ user: { id: 'u1' } }),
})

export const alone: Application<WebsocketScope> = Demultiplexer({ plain })

export const complete: Application<WebsocketScope> = withUser(
  UrlRouter([path('ws/<room>/', Demultiplexer({ chat, user, plain }))]),
)

// @ts-expect-error the stream "user" needs a user
export const withoutUser: Application<WebsocketScope> = UrlRouter([
  path('<room>/', Demultiplexer({ chat, user })),
])

// @ts-expect-error the stream "chat" needs a room in the path
export const withoutRoom: Application<WebsocketScope> = withUser(
  UrlRouter([path('ws/', Demultiplexer({ chat, user }))]),
)

declare const http: Application<HttpScope>
// @ts-expect-error a stream is a WebSocket's
export const notWebsocket: Application<WebsocketScope> = Demultiplexer({ plain, http })

// @ts-expect-error there is no such option
export const misspelt: unknown = Demultiplexer({ plain }, { receiveInvald: () => undefined })

// A validator asks for what its application asks for, and adds nothing.
export const validated: Application<WebsocketScope> = withUser(
  originValidator(user, ['https://chat.example']),
)
// @ts-expect-error the user is still missing
export const unvalidated: Application<WebsocketScope> = originValidator(user, ['https://chat.example'])
export const hosts: Application<WebsocketScope> = allowedHostsOriginValidator(plain, { allowedHosts: [] })
// @ts-expect-error requests other than handshakes have no origin to check
export const requests: unknown = originValidator(http, ['https://chat.example'])

declare const store: RateStore
const limit = { messages: 20, perSeconds: 10, store }

export const byConnection: Application<WebsocketScope> = rateLimit(limit)(plain)
export const byUser: Application<WebsocketScope> = withUser(rateLimit({ ...limit, by: 'user' })(plain))
// @ts-expect-error by user asks for a user, even if its application does not
export const byNobody: Application<WebsocketScope> = rateLimit({ ...limit, by: 'user' })(plain)
export const byKey: Application<WebsocketScope> = withUser(
  rateLimit({
    ...limit,
    by: (scope: WebsocketScope & { readonly user: { readonly id: string } }) => scope.user.id,
  })(user),
)
export const byQuery: Application<WebsocketScope> = rateLimit({ ...limit, by: ({ query }) => query['key'] })(
  plain,
)
// @ts-expect-error a store is needed: what would count otherwise?
export const storeless: unknown = rateLimit({ messages: 20, perSeconds: 10 })
