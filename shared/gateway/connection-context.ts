import type { Connection, StateHolder } from '../application.ts'
import { ConfigurationError, ProtocolError, StoreError } from '../errors.ts'
import { isJsonValue } from '../codec.ts'
import { isPlainObject, type JsonObject, type JsonValue } from '../message.ts'
import { isUnchanged, type StateChanges, stateChanges } from '../state-changes.ts'
import type { ChannelStore, ConnectionRecord } from '../stores/channel-store.ts'
import { DEFAULT_LAYER } from './runtime.ts'
import type { KnownConnection } from './scope-cache.ts'
import { ServerContext, type ServerContextOptions } from './server-context.ts'

/** The key under which development keeps the names of fields that `connect` set. */
const FIELDS = 'fields'

/** Tries of one `updateState` against other writers. */
const MAX_UPDATE_TRIES = 30

/** What a {@link ConnectionContext} is made of; the stores are views while the connection opens and after it has ended. */
export interface ConnectionContextOptions extends Omit<ServerContextOptions, 'place'> {
  readonly connection: KnownConnection
  /** The record, if this very event has loaded it. */
  readonly record?: ConnectionRecord | undefined
  /** Takes what the application remembers; only while the connection opens. */
  readonly remember?: (key: string, value: JsonValue) => void
  /** Take what else is decided then. */
  readonly endAt?: (at: number, code: number) => void
  readonly forgetQuery?: (name: string) => void
  /** Called when the event has saved something of its connection's state. */
  readonly onSaved?: (changes: StateChanges) => void
}

/** What is lent to the application for one event of one connection. */
export class ConnectionContext extends ServerContext implements Connection {
  /** Whether the state was asked for and the connection found gone: no handler has run. */
  isGone = false
  /** What the store has thrown at the server itself, before a handler ran or between two: no handler's failure. */
  storeFailure: StoreError | undefined
  readonly #options: ConnectionContextOptions
  readonly #store: ChannelStore
  #record: ConnectionRecord | undefined
  #holder: StateHolder | undefined

  constructor(options: ConnectionContextOptions) {
    super({ ...options, place: { channelName: options.connection.connectionId } })
    this.#options = options
    this.#record = options.record
    this.#store = options.storeOf(DEFAULT_LAYER)
  }

  recall(key: string): JsonValue | undefined {
    const { remembered } = this.#options.connection.scope
    return Object.hasOwn(remembered, key) ? remembered[key] : undefined
  }

  remember(key: string, value: JsonValue): void {
    if (!isJsonValue(value))
      throw new ConfigurationError(
        `remember("${key}") got a value that is not JSON: keep an id and rebuild the rest`,
      )
    // A copy: it is frozen once it is cached, and may be a constant of the application's.
    if (this.#options.remember) return this.#options.remember(key, structuredClone(value))
    throw new ProtocolError(
      `remember("${key}") after $connect: the scope is built once, so remember things while the connection opens`,
    )
  }

  endAt(at: number, code: number): void {
    if (!Number.isFinite(at)) {
      throw new ConfigurationError(
        `endAt got ${String(at)} for the end of a connection: give milliseconds since the epoch`,
      )
    }
    if (this.#options.endAt) return this.#options.endAt(at, code)
    throw new ProtocolError(
      'endAt() after $connect: when a connection ends is stored with its scope, so say it while the connection opens',
    )
  }

  forgetQuery(name: string): void {
    if (this.#options.forgetQuery) return this.#options.forgetQuery(name)
    throw new ProtocolError(
      `forgetQuery("${name}") after $connect: the query is stored by then, so say it while the connection opens`,
    )
  }

  async loadState(holder: StateHolder): Promise<JsonObject | undefined> {
    this.#holder = holder
    this.#options.connection.usesState = true
    const record = this.#record ?? (await this.#noting(() => this.#load()))
    this.#record = undefined
    this.isGone = record === undefined
    return record?.state
  }

  async saveState(changes: StateChanges): Promise<boolean> {
    const isSaved = await this.#store.saveState(this.#options.connection.connectionId, changes)
    if (isSaved) this.#options.onSaved?.(changes)
    return isSaved
  }

  async updateState(update: (state: JsonObject) => JsonObject): Promise<JsonObject | undefined> {
    const { runtime, connection } = this.#options
    for (let tries = 1; tries <= MAX_UPDATE_TRIES; tries++) {
      const record = await this.#load()
      if (record === undefined) return undefined
      // A copy: what `update` changes in place must differ from what was stored.
      const next = update(structuredClone(record.state))
      const changes = stateChanges(record.state, next)
      if (isUnchanged(changes)) return next
      const outcome = await this.#store.saveStateIf(connection.connectionId, record.version, changes)
      if (outcome === 'saved') this.#options.onSaved?.(changes)
      if (outcome === 'saved') return next
      if (outcome === 'gone') return undefined
      await runtime.clock.sleep(Math.random() * Math.min(200, 5 * 2 ** tries))
    }
    throw new StoreError(
      `updateState of connection ${connection.connectionId} lost against other events ${MAX_UPDATE_TRIES} times and wrote nothing: keep what many events write at once outside the connection's state`,
      { retryable: true },
    )
  }

  lostFields(consumer: string): Iterable<string> {
    const stored = this.recall(FIELDS)
    const ofConnect = isPlainObject(stored) ? stored[consumer] : undefined
    return new Set([
      ...(Array.isArray(ofConnect) ? ofConnect.map(String) : []),
      ...(this.#options.runtime.lostFields.get(consumer) ?? []),
    ])
  }

  reportFields(consumer: string, fields: readonly string[]): void {
    const known = this.#options.runtime.lostFields.get(consumer) ?? new Set<string>()
    for (const field of fields) known.add(field)
    this.#options.runtime.lostFields.set(consumer, known)
    // Another container serves the next event, so what `connect` set travels with the connection.
    const others = this.recall(FIELDS)
    this.#options.remember?.(FIELDS, {
      ...(isPlainObject(others) ? others : {}),
      [consumer]: fields,
    })
  }

  get connectionId(): string {
    return this.#options.connection.connectionId
  }

  get connectedAt(): number {
    return this.#options.connection.connectedAt
  }

  /** Saves what the consumer of this event has changed so far. */
  async saveNow(): Promise<void> {
    await this.#noting(async () => this.#holder?.saveNow())
  }

  /** Hands on what another event of the connection has just saved. */
  rebase(saved: StateChanges): void {
    this.#holder?.rebase(saved)
  }

  async #noting<T>(step: () => Promise<T>): Promise<T> {
    try {
      return await step()
    } catch (error) {
      if (error instanceof StoreError) this.storeFailure = error
      throw error
    }
  }

  #load(): Promise<ConnectionRecord | undefined> {
    return this.#store.load(this.#options.connection.connectionId)
  }
}
