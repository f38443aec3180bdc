import type { Application, HttpScope, WebsocketScope } from '../../shared/application.ts'
import { kickable } from '../../shared/auth/kick.ts'
import { ticketMiddleware } from '../../shared/auth/ticket-middleware.ts'
import { tokenMiddleware, type TokenUser } from '../../shared/auth/token-middleware.ts'
import type { AnonymousUser } from '../../shared/auth/user.ts'
import { MemoryTicketStore } from '../../shared/backends/memory/memory-ticket-store.ts'

const rules = { issuer: 'https://login.example', audience: 'chat', jwks: 'https://login.example/jwks' }
const store = new MemoryTicketStore()

interface Member {
  readonly id: number
  readonly role: string
}

declare const forTokenUsers: Application<WebsocketScope & { readonly user: TokenUser }>
declare const forMembers: Application<WebsocketScope & { readonly user: Member }>
declare const forAnybody: Application<WebsocketScope & { readonly user: TokenUser | AnonymousUser }>
declare const view: Application<
  HttpScope & { readonly user: TokenUser; readonly userExpiresAt: number | null }
>
declare const forNobodyKnown: Application<WebsocketScope>

// Behind the middleware nothing but the scope of its protocol is asked for.
tokenMiddleware(rules)(forTokenUsers) satisfies Application<WebsocketScope>
tokenMiddleware(rules)(view) satisfies Application<HttpScope>
tokenMiddleware(rules)(kickable(forTokenUsers)) satisfies Application<WebsocketScope>
tokenMiddleware({ ...rules, user: () => ({ id: 7, role: 'admin' }) })(
  forMembers,
) satisfies Application<WebsocketScope>
tokenMiddleware({ ...rules, allowAnonymous: true })(forAnybody) satisfies Application<WebsocketScope>
ticketMiddleware<Member>({ store })(forMembers) satisfies Application<WebsocketScope>

// Who lets in anybody has to serve anybody.
// @ts-expect-error: the user may be anonymous
tokenMiddleware({ ...rules, allowAnonymous: true })(forTokenUsers)

// @ts-expect-error: the tokens' user has no role
tokenMiddleware(rules)(forMembers)

// @ts-expect-error: nobody adds a user
kickable(forNobodyKnown) satisfies Application<WebsocketScope>
