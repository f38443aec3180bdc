import type { Connection } from '../application.ts'
import type { ChannelLayer } from '../channel-layer.ts'
import { ConfigurationError, ProtocolError, StoreError } from '../errors.ts'
import { isJsonValue } from '../codec.ts'
import type { Logger } from '../logger.ts'
import { isPlainObject, type JsonObject, type JsonValue } from '../message.ts'
import type { StateChanges } from '../state-changes.ts'
import type { ChannelStore, ConnectionRecord } from '../stores/channel-store.ts'
import type { Runtime } from './runtime.ts'
import type { KnownConnection } from './scope-cache.ts'

/** The key under which development keeps the names of fields that `connect` set. */
const FIELDS = 'fields'

/** Tries of one `updateState` against other writers. */
const MAX_UPDATE_TRIES = 30

/** What a {@link ConnectionContext} is made of. */
export interface ConnectionContextOptions {
  readonly runtime: Runtime
  readonly connection: KnownConnection
  readonly layer: ChannelLayer
  /** The runtime's store, or a view of it while the connection opens or after it has ended. */
  readonly store: ChannelStore
  /** The record, if this very event has loaded it. */
  readonly record?: ConnectionRecord | undefined
  /** Takes what the application remembers; only while the connection opens. */
  readonly remember?: (key: string, value: JsonValue) => void
}

/** What is lent to the application for one event of one connection. */
export class ConnectionContext implements Connection {
  readonly logger: Logger
  readonly isDevelopment: boolean
  /** The consumer that serves the event, once it is known. */
  consumer: string | undefined
  readonly #options: ConnectionContextOptions
  #record: ConnectionRecord | undefined
  #saveNow: () => Promise<void> = async () => {}

  constructor(options: ConnectionContextOptions) {
    this.#options = options
    this.#record = options.record
    this.logger = options.runtime.logger
    this.isDevelopment = options.runtime.isDevelopment
  }

  channelLayer(alias: string): ChannelLayer {
    if (alias === 'default') return this.#options.layer
    throw new ConfigurationError(`there is no channel layer "${alias}": this runtime has "default"`)
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
    if (this.#options.remember) return this.#options.remember(key, value)
    throw new ProtocolError(
      `remember("${key}") after $connect: the scope is built once, so remember things while the connection opens`,
    )
  }

  async loadState(saveNow: () => Promise<void>): Promise<JsonObject | undefined> {
    this.#saveNow = saveNow
    this.#options.connection.usesState = true
    const record = this.#record ?? (await this.#load())
    this.#record = undefined
    return record?.state
  }

  saveState(changes: StateChanges): Promise<boolean> {
    return this.#options.store.saveState(this.#options.connection.connectionId, changes)
  }

  async updateState(update: (state: JsonObject) => JsonObject): Promise<JsonObject | undefined> {
    const { runtime, connection, store } = this.#options
    for (let tries = 1; tries <= MAX_UPDATE_TRIES; tries++) {
      const record = await this.#load()
      if (record === undefined) return undefined
      const next = update(record.state)
      const remove = Object.keys(record.state).filter((key) => !Object.hasOwn(next, key))
      const outcome = await store.saveStateIf(connection.connectionId, record.version, { set: next, remove })
      if (outcome === 'saved') return next
      if (outcome === 'gone') return undefined
      await runtime.clock.sleep(Math.random() * Math.min(200, 5 * 2 ** tries))
    }
    throw new StoreError(
      `updateState of connection ${connection.connectionId} lost against other events ${MAX_UPDATE_TRIES} times and wrote nothing: keep what many events write at once outside the connection's state`,
      { retryable: true },
    )
  }

  servedBy(consumer: string): void {
    this.consumer = consumer
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
    this.#options.remember?.(FIELDS, { [consumer]: fields })
  }

  count(name: string): void {
    this.#options.runtime.metrics.count(name, 1)
  }

  /** Saves what the consumer of this event has changed so far. */
  async saveNow(): Promise<void> {
    await this.#saveNow()
  }

  #load(): Promise<ConnectionRecord | undefined> {
    return this.#options.store.load(this.#options.connection.connectionId)
  }
}
