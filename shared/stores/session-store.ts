import type { JsonObject } from '../message.ts'
import type { StateChanges } from '../state-changes.ts'

/** What is kept of one session. */
export interface SessionRecord {
  readonly data: JsonObject
  /** Seconds since the epoch; a session is never returned after it. */
  readonly expiresAt: number
}

/** What a write changes of a session: keys of its data that are not named stay as they are. */
export interface SessionWrite extends StateChanges {
  readonly expiresAt: number
}

/**
 * Where sessions are kept. Their keys are hashes of what the clients hold, so that nobody who reads the store can
 * pass for a client.
 *
 * Every method may throw {@link StoreError}; each is safe to call again after that. Reads see every write that was
 * acknowledged before they began.
 */
export interface SessionStore {
  /** The session, or `undefined` if there is none or it has expired. */
  load(key: string): Promise<SessionRecord | undefined>

  /**
   * Begins a session. False, and nothing written, if there is one under this key. Where the answer of a write is lost,
   * it may meet what it wrote itself, and say false.
   */
  create(key: string, record: SessionRecord): Promise<boolean>

  /** Writes these changes. False, and nothing written, if there is no such session: one that was deleted stays so. */
  save(key: string, write: SessionWrite): Promise<boolean>

  /**
   * Ends the session, and returns what it was at that moment: no write falls in between. `undefined` if there was none;
   * of several callers one gets it, or none, where the answer of a write is lost.
   */
  delete(key: string): Promise<SessionRecord | undefined>

  /** Ends the session if there is nothing in its data, at that moment. Whether it did. */
  deleteIfEmpty(key: string): Promise<boolean>
}
