import type { Connection, StateHolder } from '../application.ts'
import type { ChannelLayer } from '../channel-layer.ts'
import type { Logger } from '../logger.ts'
import type { JsonObject, JsonValue } from '../message.ts'
import type { StateChanges } from '../state-changes.ts'

/**
 * One stream's view of the connection: its consumer's state, and what its middleware remembers, have keys of their own in
 * the connection's record. A stream's name has no dot, so no two streams share a key.
 */
export class StreamConnection implements Connection {
  readonly logger: Logger
  readonly isDevelopment: boolean
  readonly #connection: Connection
  readonly #prefix: string

  constructor(connection: Connection, stream: string) {
    this.#connection = connection
    this.#prefix = `${stream}.`
    this.logger = connection.logger
    this.isDevelopment = connection.isDevelopment
  }

  recall(key: string): JsonValue | undefined {
    return this.#connection.recall(this.#rememberedKey(key))
  }

  remember(key: string, value: JsonValue): void {
    this.#connection.remember(this.#rememberedKey(key), value)
  }

  endAt(at: number, code: number): void {
    this.#connection.endAt(at, code)
  }

  forgetQuery(name: string): void {
    this.#connection.forgetQuery(name)
  }

  async loadState(holder: StateHolder): Promise<JsonObject | undefined> {
    const all = await this.#connection.loadState({
      saveNow: () => holder.saveNow(),
      rebase: ({ set, remove }) => holder.rebase({ set: this.#own(set), remove: this.#ownKeys(remove) }),
    })
    return all && this.#own(all)
  }

  saveState({ set, remove }: StateChanges): Promise<boolean> {
    return this.#connection.saveState({
      set: this.#prefixed(set),
      remove: remove.map((key) => this.#prefix + key),
    })
  }

  async updateState(update: (state: JsonObject) => JsonObject): Promise<JsonObject | undefined> {
    const all = await this.#connection.updateState((state) => ({
      ...this.#others(state),
      ...this.#prefixed(update(this.#own(state))),
    }))
    return all && this.#own(all)
  }

  channelLayer(alias: string): ChannelLayer {
    return this.#connection.channelLayer(alias)
  }

  track<T>(work: () => Promise<T>): Promise<T> {
    return this.#connection.track(work)
  }

  servedBy(consumer: string): void {
    this.#connection.servedBy(consumer)
  }

  lostFields(consumer: string): Iterable<string> {
    return this.#connection.lostFields(consumer)
  }

  reportFields(consumer: string, fields: readonly string[]): void {
    this.#connection.reportFields(consumer, fields)
  }

  count(name: string): void {
    this.#connection.count(name)
  }

  #rememberedKey(key: string): string {
    return `stream.${this.#prefix}${key}`
  }

  #ownKeys(keys: readonly string[]): readonly string[] {
    return keys.filter((key) => key.startsWith(this.#prefix)).map((key) => key.slice(this.#prefix.length))
  }

  /** This stream's part of what is stored, by its own keys. */
  #own(stored: JsonObject): JsonObject {
    const entries = Object.entries(stored).filter(([key]) => key.startsWith(this.#prefix))
    // fromEntries defines properties, so a key named "__proto__" stays an ordinary key.
    return Object.fromEntries(entries.map(([key, value]) => [key.slice(this.#prefix.length), value]))
  }

  #others(stored: JsonObject): JsonObject {
    return Object.fromEntries(Object.entries(stored).filter(([key]) => !key.startsWith(this.#prefix)))
  }

  #prefixed(own: JsonObject): JsonObject {
    return Object.fromEntries(Object.entries(own).map(([key, value]) => [this.#prefix + key, value]))
  }
}
