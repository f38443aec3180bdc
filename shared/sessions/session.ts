import type { JsonValue } from '../message.ts'

/** Options of {@link Session.cycleKey}. */
export interface CycleOptions {
  /**
   * Go on under the new id even if the session is ended by somebody else while this request runs, with the data as it was
   * read. Only where the client has just proved who it is, as `login()` does; false by default.
   */
  readonly evenIfEnded?: boolean
}

/**
 * What is remembered of one client, from request to request and in all of its WebSocket connections.
 *
 * It is read from the store when it is first asked for anything, and saved once, when the event is over, if it was changed:
 * changed keys only, so of two requests at a time that change different keys both keep their change. Values are JSON;
 * what `get` returns is a copy.
 */
export interface Session {
  /**
   * What the store keeps it under: a hash, not the id that the client has, so it may be logged. `undefined` if the client
   * has no session, as far as is known before it is read.
   */
  readonly key: string | undefined
  /** Whether something is to be saved. */
  readonly isModified: boolean

  /** The value under `key`. All reads may throw {@link StoreError}. */
  get(key: string): Promise<JsonValue | undefined>
  has(key: string): Promise<boolean>
  keys(): Promise<readonly string[]>
  /** Whether there is nothing in it. Such a session is not kept, and its cookie is deleted, unless others put something in. */
  isEmpty(): Promise<boolean>

  /**
   * Sets the value under `key`. It begins a session if the client has none.
   *
   * @throws {@link InvalidStateError} for a value that is not JSON
   * @throws {@link ProtocolError} if the client has no session and cannot be told of one: over a WebSocket, and once the
   * response has begun
   */
  set(key: string, value: JsonValue): Promise<void>
  /** Removes `key`. False if it was not there. */
  delete(key: string): Promise<boolean>

  /** Ends the session, at once: its data is deleted, whatever the event comes to. What is set afterwards begins another. */
  flush(): Promise<void>

  /**
   * Gives the session another id when it is saved, and keeps its data, with what others have saved by then: whoever knew
   * the old id knows nothing then.
   *
   * @throws {@link ProtocolError} where the client cannot be told
   */
  cycleKey(options?: CycleOptions): Promise<void>

  /**
   * How long it is kept, from the last time it was saved: seconds, `browser` for as long as the browser is open (the
   * store keeps it for the default time), or `undefined` for the default.
   */
  setExpiry(expiry: number | 'browser' | undefined): Promise<void>

  /**
   * Saves it now rather than when the event is over. False if it was deleted meanwhile: nothing was saved.
   *
   * @throws {@link InvalidStateError} if it is too large
   * @throws {@link StoreError}
   */
  save(): Promise<boolean>
}
