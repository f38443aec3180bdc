import { StoreError } from '../errors.ts'
import type { ConnectionRecord } from '../stores/channel-store.ts'
import type { Runtime } from './runtime.ts'
import type { KnownConnection } from './scope-cache.ts'
import type { StoredScope } from './websocket-scope.ts'

/** What one invocation knows of connections: scopes from the container's cache, and records that it has read itself. */
export class KnownConnections {
  readonly #runtime: Runtime
  /** Each good for one event; in place of one that cannot be read, why. */
  readonly #records = new Map<string, ConnectionRecord | StoreError>()

  constructor(runtime: Runtime) {
    this.#runtime = runtime
  }

  /**
   * The connection; undefined if it has no record. Costs a read unless it is cached or fetched.
   *
   * @throws {@link StoreError}
   */
  async find(connectionId: string): Promise<KnownConnection | undefined> {
    const { scopes, store } = this.#runtime
    const known = scopes.get(connectionId)
    if (known) return known
    const record = this.#records.get(connectionId) ?? (await store.load(connectionId))
    if (record === undefined) return undefined
    if (record instanceof StoreError) {
      this.#records.delete(connectionId)
      throw record
    }
    this.#records.set(connectionId, record)
    const connection = knownBy(record)
    scopes.set(connection)
    return connection
  }

  /** Reads together the records of those that need one. Never rejects because of the store. */
  async fetch(connectionIds: readonly string[]): Promise<void> {
    const { scopes, store, logger } = this.#runtime
    const missing = connectionIds.filter(
      (id) => scopes.get(id)?.usesState !== false && !this.#records.has(id),
    )
    if (missing.length === 0) return
    try {
      for (const [id, record] of await store.loadMany(missing)) this.#records.set(id, record)
    } catch (error) {
      if (!(error instanceof StoreError)) throw error
      // Each member is loaded on its own then, or waits in the queue.
      logger.warn('records could not be fetched together', { members: missing.length, error })
    }
  }

  /**
   * The record, if it was read and nobody has taken it.
   *
   * @throws {@link StoreError} if it was read and is of no use
   */
  take(connectionId: string): ConnectionRecord | undefined {
    const record = this.#records.get(connectionId)
    this.#records.delete(connectionId)
    if (record instanceof StoreError) throw record
    return record
  }
}

/** What a record tells of its connection. */
export function knownBy(record: ConnectionRecord): KnownConnection {
  const { connectionId, connectedAt } = record
  // Only `storable()` writes scopes, so what is read has its shape.
  return { connectionId, connectedAt, scope: record.scope as unknown as StoredScope, usesState: false }
}
