import type { StoredScope } from './websocket-scope.ts'

/** What is known of a connection without asking the store. */
export interface KnownConnection {
  readonly connectionId: string
  readonly connectedAt: number
  readonly scope: StoredScope
  /** Whether its consumer was seen to use state, so that a fan-out fetches its record with the others. */
  usesState: boolean
}

/**
 * Scopes of connections that this container served lately. A scope never changes after `$connect` and a
 * connection id is never used again, so an entry can be old but not wrong.
 */
export class ScopeCache {
  readonly #entries = new Map<string, KnownConnection>()
  readonly #capacity: number

  /** @param capacity - entries kept; about 1 KB each */
  constructor(capacity = 20_000) {
    this.#capacity = capacity
  }

  get(connectionId: string): KnownConnection | undefined {
    return this.#entries.get(connectionId)
  }

  /** Keeps the scope, frozen: all later events of the connection share it, and none may change it for the others. */
  set(connection: KnownConnection): void {
    freezeJson(connection.scope)
    this.#entries.set(connection.connectionId, connection)
    if (this.#entries.size <= this.#capacity) return
    // The oldest goes: most are dead by then, and a live one costs a read when it comes back.
    const oldest = this.#entries.keys().next().value
    if (oldest !== undefined) this.#entries.delete(oldest)
  }

  delete(connectionId: string): void {
    this.#entries.delete(connectionId)
  }
}

function freezeJson(value: unknown): void {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return
  Object.freeze(value)
  for (const item of Object.values(value)) freezeJson(item)
}
