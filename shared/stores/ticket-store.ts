import type { JsonObject } from '../message.ts'

/** What a ticket stands for. */
export interface Ticket {
  readonly data: JsonObject
  /** Seconds since the epoch; from then on it cannot be taken. */
  readonly expiresAt: number
}

/**
 * Where tickets wait, each to be taken once. Their keys are hashes of what the clients hold, so that nobody who reads the
 * store can use one.
 *
 * Every method may throw {@link StoreError}.
 */
export interface TicketStore {
  /** Keeps `ticket` under `key`, which no other ticket has. */
  put(key: string, ticket: Ticket): Promise<void>

  /**
   * The ticket, which is gone by that: of several callers one gets it, and nobody later. `undefined` if there is none, if it was
   * taken, or if it has expired. A ticket whose answer was lost is gone as well.
   */
  take(key: string): Promise<Ticket | undefined>
}
