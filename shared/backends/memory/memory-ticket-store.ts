import { type Clock, systemClock } from '../../clock.ts'
import type { JsonObject } from '../../message.ts'
import type { Ticket, TicketStore } from '../../stores/ticket-store.ts'

/** Options of {@link MemoryTicketStore}. */
export interface MemoryTicketStoreOptions {
  readonly clock?: Clock
}

/** Tickets in the memory of this process, for tests: in Lambda another container would not know them. */
export class MemoryTicketStore implements TicketStore {
  readonly #clock: Clock
  /** Data as text, so that nobody shares an object with the store. */
  readonly #tickets = new Map<string, { readonly text: string; readonly expiresAt: number }>()

  constructor({ clock = systemClock }: MemoryTicketStoreOptions = {}) {
    this.#clock = clock
  }

  async put(key: string, { data, expiresAt }: Ticket): Promise<void> {
    for (const [known, ticket] of this.#tickets) if (this.#hasExpired(ticket)) this.#tickets.delete(known)
    this.#tickets.set(key, { text: JSON.stringify(data), expiresAt })
  }

  async take(key: string): Promise<Ticket | undefined> {
    const ticket = this.#tickets.get(key)
    this.#tickets.delete(key)
    if (ticket === undefined || this.#hasExpired(ticket)) return undefined
    return { data: JSON.parse(ticket.text) as JsonObject, expiresAt: ticket.expiresAt }
  }

  #hasExpired({ expiresAt }: { readonly expiresAt: number }): boolean {
    return expiresAt * 1000 <= this.#clock.now()
  }
}
