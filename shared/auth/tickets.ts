import { createHash, randomBytes } from 'node:crypto'
import { type Clock, systemClock } from '../clock.ts'
import { ConfigurationError } from '../errors.ts'
import { DenyConnection } from '../signals.ts'
import type { TicketStore } from '../stores/ticket-store.ts'
import { requireStorableUser } from './storable-user.ts'
import type { AnonymousUser, User } from './user.ts'
import { Refusal, type Identity } from './user-middleware.ts'

const LONGEST_SECONDS = 600
// 32 bytes in base64url.
const TICKET = /^[\w-]{43}$/

/** Whom a ticket is for: any scope with a user. */
export interface TicketHolder {
  /** Kept as JSON, and the `scope.user` of the connection that is opened with the ticket. */
  readonly user: User | AnonymousUser
  /** When the connection ends at the latest, in milliseconds since the epoch, as in the scope of `tokenMiddleware`. */
  readonly userExpiresAt?: number | null
}

/** Options of {@link mintTicket}. */
export interface TicketOptions {
  readonly store: TicketStore
  /** How long the ticket can be used; 60 by default, at most 600. */
  readonly seconds?: number
  readonly clock?: Clock
}

/**
 * Returns a ticket for one WebSocket handshake: 256 random bits, of which the store keeps only a hash. Hand it to a client that
 * has proved over HTTP who it is. It opens one connection, as that user and for no longer than what the user came with, and
 * is worth nothing from then on.
 *
 * @throws {@link DenyConnection} with 401, if nobody is logged in: the response is a 401
 * @throws {@link ConfigurationError} for a user who is not JSON or has a key that speaks of a secret, or a time over 600
 * seconds
 * @throws {@link StoreError}
 *
 * @example
 * ```ts
 * app.post('/ticket', async (c) => c.json({ ticket: await mintTicket(c.env.scope, { store }) }))
 * ```
 */
export async function mintTicket(
  { user, userExpiresAt = null }: TicketHolder,
  { store, seconds = 60, clock = systemClock }: TicketOptions,
): Promise<string> {
  if (!Number.isInteger(seconds) || seconds < 1 || seconds > LONGEST_SECONDS) {
    throw new ConfigurationError(
      `mintTicket has seconds: ${seconds}: use a whole number from 1 to ${LONGEST_SECONDS}, for a ticket is used at once`,
    )
  }
  if (user.id === null) throw new DenyConnection(401)
  const kept = requireStorableUser(user, {
    name: 'the user of mintTicket',
    where: 'with the ticket, and with the connection that it opens',
    remedy:
      'give it only what consumers need, as plain data, { user: { id: user.id } }, or give authMiddleware a scopeUser',
  })
  const ticket = randomBytes(32).toString('base64url')
  const expiresAt = Math.floor(clock.now() / 1000) + seconds
  await store.put(keyOf(ticket), { data: { user: kept, userExpiresAt }, expiresAt })
  return ticket
}

/** Takes a ticket: whom it is for, or why it is refused. */
export async function takeTicket<U>(
  ticket: string,
  { store, clock }: { readonly store: TicketStore; readonly clock: Clock },
): Promise<Identity<U> | Refusal> {
  if (!TICKET.test(ticket)) return new Refusal('the ticket is malformed')
  const taken = await store.take(keyOf(ticket))
  if (taken === undefined) return new Refusal('the ticket is unknown, has expired, or was used')
  // What is stored under the hash of a ticket is what `mintTicket` has put there.
  const { user, userExpiresAt } = taken.data as unknown as Identity<U>
  if (userExpiresAt !== null && userExpiresAt <= clock.now())
    return new Refusal('what the ticket was made for has expired')
  return { user, userExpiresAt }
}

function keyOf(ticket: string): string {
  return createHash('sha256').update(ticket).digest('base64url')
}
