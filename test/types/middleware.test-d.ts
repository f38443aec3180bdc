import type { Application, RoutedScope, Scope, WebsocketScope } from '../../shared/application.ts'
import {
  defineMiddleware,
  wrapApplication,
  type Middleware,
} from '../../shared/middleware/define-middleware.ts'
import { path } from '../../shared/routing/path.ts'
import { UrlRouter } from '../../shared/routing/url-router.ts'

// Checked by `tsc` alone: each `@ts-expect-error` fails the build if the line below it compiles.

interface Session {
  get(key: string): string | undefined
}
declare const session: Session

const sessionMiddleware = defineMiddleware({
  name: 'session',
  connect: (_scope: WebsocketScope) => ({ sessionId: 'abc', session }),
  resume: (scope) => ({ session: scope.sessionId === undefined ? session : session }),
})
const userMiddleware = defineMiddleware({
  name: 'user',
  connect: (scope: WebsocketScope & { readonly session: Session }) => ({
    user: scope.session.get('user') ?? 'nobody',
  }),
})
const explicit: Middleware<WebsocketScope, { readonly locale: string }> = defineMiddleware<
  WebsocketScope,
  { readonly locale: string }
>({ name: 'locale', connect: (scope) => Promise.resolve({ locale: scope.query['locale'] ?? 'en' }) })

declare const plain: Application<WebsocketScope>
declare const anything: Application
declare const needsUser: Application<WebsocketScope & { readonly user: string }>
declare const needsUserAndRoom: Application<
  RoutedScope<{ readonly room: string }> & { readonly user: string }
>
declare const needsLocale: Application<WebsocketScope & { readonly locale: string }>

// What a middleware adds, and what it needs, adds up through the stack.
const stack: Application<WebsocketScope> = sessionMiddleware(userMiddleware(needsUser))
const around: Application<WebsocketScope> = explicit(plain)
const aroundAnything: Application<WebsocketScope> = explicit(anything)
const located: Application<WebsocketScope> = explicit(needsLocale)
const routed: Application<WebsocketScope> = sessionMiddleware(
  userMiddleware(
    UrlRouter([path('chat/<str:room>/', needsUserAndRoom), path('x/', needsUser), path('y/', plain)]),
  ),
)
const inside: Application<WebsocketScope> = UrlRouter([
  path('chat/<str:room>/', sessionMiddleware(userMiddleware(needsUserAndRoom))),
])
const between: Application<WebsocketScope> = UrlRouter([
  path('rooms/<str:room>/', sessionMiddleware(userMiddleware(UrlRouter([path('', needsUserAndRoom)])))),
])

// The wrong order, or none, does not compile.
// @ts-expect-error session is missing: userMiddleware is outside sessionMiddleware
const wrongOrder: Application<WebsocketScope> = userMiddleware(sessionMiddleware(needsUser))
// @ts-expect-error user is missing
const noUser: Application<WebsocketScope> = sessionMiddleware(needsUser)
// @ts-expect-error room is missing, middleware between or not
const noRoom: Application<WebsocketScope> = UrlRouter([
  path('chat/', sessionMiddleware(userMiddleware(needsUserAndRoom))),
])
// @ts-expect-error room is a number here
UrlRouter([path('chat/<int:room>', sessionMiddleware(userMiddleware(needsUserAndRoom)))])

// A key of another type is refused where the middleware is applied.
declare const needsNumberedLocale: Application<WebsocketScope & { readonly locale: number }>
// @ts-expect-error locale is a string
explicit(needsNumberedLocale)

// resume sees what connect added, perhaps, and returns nothing else.
defineMiddleware<WebsocketScope, { readonly locale: string }>({
  name: 'locale',
  connect: () => ({ locale: 'en' }),
  // @ts-expect-error locale may be missing on a connection from before this middleware
  resume: (scope) => ({ locale: scope.locale.toUpperCase() }),
})
defineMiddleware<WebsocketScope, { readonly locale: string }>({
  name: 'locale',
  // @ts-expect-error connect has to return what the middleware adds
  connect: () => ({}),
})

// A plain function is middleware.
const logged = <S extends Scope>(inner: Application<S>): Application<S> =>
  wrapApplication(inner, async (scope, message, send) => {
    await inner(scope, message, send)
  })
const plainStack: Application<WebsocketScope> = logged(
  sessionMiddleware(logged(userMiddleware(logged(needsUser)))),
)

export const checked: readonly unknown[] = [
  stack,
  around,
  aroundAnything,
  located,
  routed,
  inside,
  between,
  wrongOrder,
  noUser,
  noRoom,
  plainStack,
]
