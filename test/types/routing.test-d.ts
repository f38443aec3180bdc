import { Hono } from 'hono'
import type {
  Application,
  ChannelScope,
  HttpScope,
  RoutedScope,
  UrlRoute,
  WebsocketScope,
} from '../../shared/application.ts'
import type { FetchEnvironment } from '../../shared/consumers/fetch-application.ts'
import { HttpConsumer } from '../../shared/consumers/http-consumer.ts'
import { createPath, path, rePath, type PathParams } from '../../shared/routing/path.ts'
import { ProtocolTypeRouter } from '../../shared/routing/protocol-type-router.ts'
import { UrlRouter, type PathScope } from '../../shared/routing/url-router.ts'

// Checked by `tsc` alone: each `@ts-expect-error` fails the build if the line below it compiles.

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
function isTrue<_T extends true>(): void {}

declare const plain: Application<WebsocketScope>
declare const anything: Application
declare const needsAnyRoute: Application<RoutedScope>
declare const needsRoom: Application<RoutedScope<{ readonly room: string }>>
declare const needsPage: Application<RoutedScope<{ readonly page: number }>>
declare const needsBoth: Application<RoutedScope<{ readonly room: string; readonly page: number }>>
declare const needsMaybeRoom: Application<RoutedScope<{ readonly room?: string }>>
declare const needsUser: Application<WebsocketScope & { readonly user: string }>
interface ChatScope extends WebsocketScope {
  readonly urlRoute: UrlRoute<{ readonly room: string }>
}
declare const needsChatScope: Application<ChatScope>

// A path gives its parameters.
isTrue<Equal<PathParams<'ws/chat/<str:room>/<int:page>'>, { room: string; page: number }>>()
isTrue<
  Equal<PathParams<'<room>/<slug:a>/<uuid:b>/<path:c>'>, { room: string; a: string; b: string; c: string }>
>()
isTrue<Equal<keyof PathParams<'ws/chat/'>, never>>()

// What the path gives, the outside need not.
const fits: Application<WebsocketScope> = UrlRouter([
  path('plain/', plain),
  path('anything/', anything),
  path('any/<x>/', needsAnyRoute),
  path('chat/<str:room>/', needsRoom),
  path('chat/<room>', needsRoom),
  path('chat/<room>', needsChatScope),
  path('chat/<str:room>/<int:page>/', needsBoth),
  path('chat/<str:room>/<int:page>/', needsRoom),
  path('chat/', needsMaybeRoom),
  path('first/', needsPage, { page: 1 }),
  path('first/<room>/', needsBoth, { page: 1 }),
  path('over/<page>/', needsPage, { page: 1 }),
])
const empty: Application<WebsocketScope> = UrlRouter([])

// What it lacks must not be handed to the server.
// @ts-expect-error kwargs.room is given by no path
const lacksRoom: Application<WebsocketScope> = UrlRouter([
  path('plain/', plain),
  path('chat/<str:id>/', needsRoom),
])
// @ts-expect-error kwargs.page is given by no path
const lacksPage: Application<WebsocketScope> = UrlRouter([path('chat/<str:room>/', needsBoth)])
// @ts-expect-error no middleware adds user
const lacksUser: Application<WebsocketScope> = UrlRouter([path('plain/', plain), path('x/', needsUser)])
// @ts-expect-error http has no routes for a websocket
ProtocolTypeRouter({ websocket: UrlRouter([path('chat/', needsRoom)]) })

// A converter of another type is refused at path() itself.
// @ts-expect-error page is a number
path('<str:page>/', needsPage)
// @ts-expect-error room is a string
path('<int:room>/', needsRoom)
// @ts-expect-error page is a number, and kwargs win over the capture
path('<int:page>/', needsPage, { page: 'one' })

// Nested: what is missing inside is asked of the outer path.
const inner = UrlRouter([path('<int:page>/', needsBoth), path('', needsRoom)])
const nested: Application<WebsocketScope> = UrlRouter([path('rooms/<str:room>/', inner), path('', plain)])
// @ts-expect-error the outer path does not give room
const nestedLacksRoom: Application<WebsocketScope> = UrlRouter([path('rooms/', inner)])
// @ts-expect-error the outer path gives room as a number
path('rooms/<int:room>/', inner)

// Custom converters carry their type into the kwargs.
const datePath = createPath({ date: { regex: /\d+/, toValue: (text: string) => new Date(text) } })
declare const needsDate: Application<RoutedScope<{ readonly day: Date }>>
const dated: Application<WebsocketScope> = UrlRouter([
  datePath('<date:day>/', needsDate),
  datePath('<int:page>', needsPage),
])
// @ts-expect-error day is a Date
datePath('<date:day>/', null as unknown as Application<RoutedScope<{ readonly day: string }>>)

// A value that may be undefined is one that may be no match.
const flagPath = createPath({
  flag: { regex: /\w+/, toValue: (text: string) => (text === 'on' ? true : undefined) },
})
declare const needsFlag: Application<RoutedScope<{ readonly flag: boolean }>>
const flagged: Application<WebsocketScope> = UrlRouter([flagPath('<flag:flag>/', needsFlag)])

// rePath: groups are strings, which ones the compiler cannot know.
const byRegex: Application<WebsocketScope> = UrlRouter([
  rePath(/^chat\/(?<room>\w+)\/$/, needsRoom),
  rePath(/^page\/(?<room>\w+)\/$/, needsBoth, { page: 2 }),
  rePath(/^plain/, plain),
])
// @ts-expect-error a group is never a number
const regexPage: Application<WebsocketScope> = UrlRouter([rePath(/^(?<page>\d+)$/, needsPage)])

// A pattern that is not a literal promises everything, as rePath does.
declare const pattern: string
const dynamic: Application<WebsocketScope> = UrlRouter([path(pattern, needsBoth)])

// ProtocolTypeRouter gives each application its own scope.
declare const http: Application<HttpScope>
declare const channel: Application<ChannelScope>
const all = ProtocolTypeRouter({ websocket: fits, http, channel })
const asWebsocket: Application<WebsocketScope> = all
const asHttp: Application<HttpScope> = all
const asChannel: Application<ChannelScope> = all
const httpByPath: Application<HttpScope> = ProtocolTypeRouter({
  websocket: fits,
  http: UrlRouter([path('<int:page>/', null as unknown as Application<PathScope>)]),
})
// Views serve http as they are: a plain function, and Hono's.
const hono = new Hono<{ Bindings: FetchEnvironment }>()
const views: readonly Application<HttpScope>[] = [
  ProtocolTypeRouter({ websocket: fits, http: () => new Response('hello') }),
  ProtocolTypeRouter({ websocket: fits, http: async (request: Request) => new Response(request.url) }),
  ProtocolTypeRouter({
    websocket: fits,
    http: (_request: Request, env: FetchEnvironment) => new Response(env.scope.path),
  }),
  ProtocolTypeRouter({ websocket: fits, http: hono.fetch }),
]
// @ts-expect-error a view returns a Response
ProtocolTypeRouter({ websocket: fits, http: () => 'hello' })
// @ts-expect-error no middleware adds user
ProtocolTypeRouter({ websocket: fits, http: null as unknown as Application<HttpScope & { user: string }> })

// A path gives a request's parameters too.
declare const needsHttpRoom: Application<RoutedScope<{ readonly room: string }, HttpScope>>
const httpRouter: Application<HttpScope> = UrlRouter([path('rooms/<str:room>/', needsHttpRoom)])
// @ts-expect-error kwargs.room is given by no path
const httpLacksRoom: Application<HttpScope> = UrlRouter([path('rooms/', needsHttpRoom)])
// @ts-expect-error an application for requests cannot serve a websocket
const httpForWebsocket: Application<WebsocketScope> = UrlRouter([path('rooms/<str:room>/', needsHttpRoom)])

export class View extends HttpConsumer {
  override async handle(body: Buffer): Promise<void> {
    await this.sendResponse(200, body, { headers: { 'content-type': 'text/plain' } })
    await this.sendHeaders({ status: 200, headers: [['set-cookie', 'a=1']] })
    // @ts-expect-error a header is text
    await this.sendHeaders({ headers: { age: 1 } })
    // @ts-expect-error a body is text or bytes
    await this.sendBody({ json: true })
  }
}
// @ts-expect-error handle() is missing
export class Handleless extends HttpConsumer {}
export class Stateful extends View {
  state = { count: 0 }
}
export const statefulViews: readonly unknown[] = [
  View.asApplication(),
  // @ts-expect-error nothing keeps the state of a request
  Stateful.asApplication(),
]

// It takes what any function is invoked with; a request is a 404 where nothing serves http.
const noHttp: Application<HttpScope> = ProtocolTypeRouter({ websocket: fits })
// @ts-expect-error an http application cannot serve a websocket
ProtocolTypeRouter({ websocket: http })
// @ts-expect-error misspelt protocol
ProtocolTypeRouter({ websockets: fits })
// @ts-expect-error misspelt protocol
ProtocolTypeRouter({ websocket: fits, htp: http })

export const checked: readonly unknown[] = [
  empty,
  lacksRoom,
  lacksPage,
  lacksUser,
  nested,
  nestedLacksRoom,
  dated,
  flagged,
  byRegex,
  regexPage,
  dynamic,
  asWebsocket,
  asHttp,
  asChannel,
  httpByPath,
  noHttp,
  views,
  httpRouter,
  httpLacksRoom,
  httpForWebsocket,
]
