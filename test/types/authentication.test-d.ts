import type { Application, HttpScope, WebsocketScope } from '../../shared/application.ts'
import { authMiddlewareStack } from '../../shared/auth/auth-middleware-stack.ts'
import { authMiddleware } from '../../shared/auth/auth-middleware.ts'
import { kickable } from '../../shared/auth/kick.ts'
import { type AnonymousUser, isAuthenticated } from '../../shared/auth/user.ts'
import { cookieMiddleware } from '../../shared/middleware/cookie-middleware.ts'
import type { Session } from '../../shared/sessions/session.ts'
import { sessionMiddleware } from '../../shared/sessions/session-middleware.ts'
import type { SessionStore } from '../../shared/stores/session-store.ts'

// Checked by `tsc` alone: each `@ts-expect-error` fails the build if the line below it compiles.

interface Account {
  readonly id: number
  readonly email: string
  readonly passwordHash: string
}

interface Person {
  readonly id: number
  readonly email: string
}

declare const store: SessionStore
declare const account: Account

type WithUser<S, U> = S & { readonly session: Session; readonly user: U | AnonymousUser }

declare const chat: Application<WithUser<WebsocketScope, Person>>
declare const views: Application<WithUser<HttpScope, Person>>
declare const needsAccount: Application<WithUser<WebsocketScope, Account>>
declare const needsOthers: Application<WithUser<WebsocketScope, { readonly id: string }>>
declare const needsSession: Application<WebsocketScope & { readonly session: Session }>

const sessions = sessionMiddleware({ store, secrets: ['secret'] })
const auth = authMiddleware({
  getUser: () => account,
  scopeUser: ({ id, email }): Person => ({ id, email }),
})
const stack = authMiddlewareStack({
  store,
  secrets: ['secret'],
  getUser: async () => account,
  sessionHash: ({ passwordHash }) => passwordHash,
})

// One middleware serves both protocols, and gives each what its application asks for.
const websocket: Application<WebsocketScope> = cookieMiddleware(sessions(auth(chat)))
const http: Application<HttpScope> = cookieMiddleware(sessions(auth(views)))
const stacked: Application<WebsocketScope> = stack(chat)
const stackedViews: Application<HttpScope> = stack(views)
const wholeAccount: Application<WebsocketScope> = stack(needsAccount)
const kicked: Application<WebsocketScope> = stack(kickable(chat))
const withoutUser: Application<WebsocketScope> = stack(needsSession)

// The wrong order, or a part left out, does not compile.
// @ts-expect-error session is missing: sessionMiddleware is inside authMiddleware
const wrongOrder: Application<WebsocketScope> = cookieMiddleware(auth(sessions(chat)))
// @ts-expect-error cookies are missing
const withoutCookies: Application<WebsocketScope> = sessions(auth(chat))
// @ts-expect-error user is missing
const withoutAuth: Application<WebsocketScope> = cookieMiddleware(sessions(chat))

// @ts-expect-error scopeUser leaves the password's hash out
const leftOut: Application<WebsocketScope> = cookieMiddleware(sessions(auth(needsAccount)))
// @ts-expect-error these users have numbers for ids
const otherUsers: Application<WebsocketScope> = stack(needsOthers)

// @ts-expect-error a user has an id
authMiddleware({ getUser: () => ({ name: 'Ann' }) })
// @ts-expect-error a session keeps JSON alone
void (async (session: Session) => session.set('at', new Date()))

// Whether somebody is logged in narrows the type, either way.
export function emailOf(user: Person | AnonymousUser): string | undefined {
  if (user.id === null) return undefined
  return user.email
}
export function emailOfAuthenticated(user: Person | AnonymousUser): string | undefined {
  return isAuthenticated(user) ? user.email : undefined
}
// @ts-expect-error nobody has no email
export const emailOfNobody = (user: Person | AnonymousUser): string => user.email

export const applications = [websocket, http, stacked, stackedViews, wholeAccount, kicked, withoutUser]
export const refused = [wrongOrder, withoutCookies, withoutAuth, leftOut, otherUsers]
