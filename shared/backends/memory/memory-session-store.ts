import { type Clock, systemClock } from '../../clock.ts'
import type { JsonObject } from '../../message.ts'
import { withChanges } from '../../state-changes.ts'
import type { SessionRecord, SessionStore, SessionWrite } from '../../stores/session-store.ts'

/** Options of {@link MemorySessionStore}. */
export interface MemorySessionStoreOptions {
  readonly clock?: Clock
}

/** A session as it is kept: JSON as text, so that nobody shares an object with the store. */
interface StoredSession {
  readonly text: string
  readonly expiresAt: number
}

/** Sessions in the memory of this process: for tests, and for trying things out. */
export class MemorySessionStore implements SessionStore {
  readonly #clock: Clock
  readonly #sessions = new Map<string, StoredSession>()

  constructor({ clock = systemClock }: MemorySessionStoreOptions = {}) {
    this.#clock = clock
  }

  async load(key: string): Promise<SessionRecord | undefined> {
    return this.#load(key)
  }

  async create(key: string, record: SessionRecord): Promise<boolean> {
    this.#forgetExpired()
    if (this.#sessions.has(key)) return false
    this.#put(key, record)
    return true
  }

  async save(key: string, { set, remove, expiresAt }: SessionWrite): Promise<boolean> {
    const known = this.#load(key)
    if (known === undefined) return false
    this.#put(key, { data: withChanges(known.data, { set, remove }), expiresAt })
    return true
  }

  async delete(key: string): Promise<SessionRecord | undefined> {
    const known = this.#load(key)
    this.#sessions.delete(key)
    return known
  }

  async deleteIfEmpty(key: string): Promise<boolean> {
    const known = this.#load(key)
    return known !== undefined && Object.keys(known.data).length === 0 && this.#sessions.delete(key)
  }

  #load(key: string): SessionRecord | undefined {
    const stored = this.#sessions.get(key)
    if (stored === undefined || stored.expiresAt <= this.#nowSeconds()) return undefined
    return { data: JSON.parse(stored.text) as JsonObject, expiresAt: stored.expiresAt }
  }

  #put(key: string, { data, expiresAt }: SessionRecord): void {
    this.#sessions.set(key, { text: JSON.stringify(data), expiresAt })
  }

  #forgetExpired(): void {
    const now = this.#nowSeconds()
    for (const [key, { expiresAt }] of this.#sessions) if (expiresAt <= now) this.#sessions.delete(key)
  }

  #nowSeconds(): number {
    return Math.floor(this.#clock.now() / 1000)
  }
}
