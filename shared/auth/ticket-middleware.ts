import { type Clock, systemClock } from '../clock.ts'
import type { TicketStore } from '../stores/ticket-store.ts'
import { type CredentialSource, requireSources } from './credentials.ts'
import { takeTicket } from './tickets.ts'
import type { AnonymousUser, User } from './user.ts'
import { type CredentialScheme, type UserMiddleware, userMiddleware } from './user-middleware.ts'

/** Where a client has its ticket: as for a token, but that `authorization` is for tokens. */
export type TicketSource = Exclude<CredentialSource, 'authorization'>

/** Options of {@link ticketMiddleware}. */
export interface TicketMiddlewareOptions {
  readonly store: TicketStore
  /** Where a client has its ticket: by default among the subprotocols, as `ticket.…`. */
  readonly from?: readonly TicketSource[]
  /** Lets in who has none, as `anonymousUser`. */
  readonly allowAnonymous?: boolean
  readonly clock?: Clock
}

/**
 * Adds `scope.user` of a ticket that {@link mintTicket} made: as it was then, as JSON. Each ticket opens one connection; without
 * one, or with one that was used, has expired or was never made, the handshake is refused with 401, counted as
 * `ticketRefused`.
 *
 * @typeParam U - what your tickets are minted for
 * @throws {@link ConfigurationError} for sources that are none
 */
export function ticketMiddleware<U extends User = User>(
  options: TicketMiddlewareOptions & { readonly allowAnonymous: true },
): UserMiddleware<U | AnonymousUser>
export function ticketMiddleware<U extends User = User>(
  options: TicketMiddlewareOptions & { readonly allowAnonymous?: false },
): UserMiddleware<U>
export function ticketMiddleware<U extends User>(
  options: TicketMiddlewareOptions,
): UserMiddleware<U | AnonymousUser> {
  const { store, from = ['subprotocol'], allowAnonymous = false, clock = systemClock } = options
  requireSources('ticketMiddleware', from)
  const schemes = [ticketScheme<U>({ store, from, clock })]
  return userMiddleware({ name: 'ticket', schemes, counter: 'ticketRefused', allowAnonymous })
}

/** How tickets are checked. */
export function ticketScheme<U>(options: {
  readonly store: TicketStore
  readonly from: readonly TicketSource[]
  readonly clock: Clock
}): CredentialScheme<U> {
  return { scheme: 'ticket', from: options.from, check: (ticket) => takeTicket<U>(ticket, options) }
}
