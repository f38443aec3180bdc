import type { Connection } from '../application.ts'
import type { ChannelLayer } from '../channel-layer.ts'
import { ConfigurationError } from '../errors.ts'
import type { Logger } from '../logger.ts'
import type { JsonObject, JsonValue } from '../message.ts'
import type { StateChanges } from '../state-changes.ts'

const quiet: Logger = { debug() {}, info() {}, warn() {}, error() {} }

/** What a server lends to an application, kept in memory as JSON: for tests of one application without a gateway. */
export class TestConnection implements Connection {
  readonly isDevelopment = true
  readonly logger: Logger
  /** What was counted, in order. */
  readonly counted: string[] = []
  #state = '{}'
  readonly #remembered = new Map<string, string>()
  readonly #lostFields = new Map<string, Set<string>>()
  readonly #layer: ChannelLayer | undefined

  constructor({
    layer,
    logger = quiet,
  }: { readonly layer?: ChannelLayer | undefined; readonly logger?: Logger } = {}) {
    this.#layer = layer
    this.logger = logger
  }

  channelLayer(alias: string): ChannelLayer {
    if (this.#layer && alias === 'default') return this.#layer
    throw new ConfigurationError(
      `there is no channel layer "${alias}" in this test: give the communicator a layer, or use a WebsocketCommunicator`,
    )
  }

  recall(key: string): JsonValue | undefined {
    const text = this.#remembered.get(key)
    return text === undefined ? undefined : (JSON.parse(text) as JsonValue)
  }

  remember(key: string, value: JsonValue): void {
    this.#remembered.set(key, JSON.stringify(value))
  }

  /** When the application wants the connection to end, in milliseconds since the epoch. Nobody ends it here. */
  endsAt: number | undefined

  endAt(at: number): void {
    this.endsAt = Math.min(at, this.endsAt ?? Infinity)
  }

  forgetQuery(): void {}

  async loadState(): Promise<JsonObject> {
    return JSON.parse(this.#state) as JsonObject
  }

  async saveState({ set, remove }: StateChanges): Promise<boolean> {
    const kept = Object.entries(await this.loadState()).filter(([key]) => !remove.includes(key))
    this.#state = JSON.stringify({ ...Object.fromEntries(kept), ...set })
    return true
  }

  async updateState(update: (state: JsonObject) => JsonObject): Promise<JsonObject> {
    this.#state = JSON.stringify(update(await this.loadState()))
    return this.loadState()
  }

  track<T>(work: () => Promise<T>): Promise<T> {
    return work()
  }

  servedBy(): void {}

  lostFields(consumer: string): Iterable<string> {
    return this.#lostFields.get(consumer) ?? []
  }

  reportFields(consumer: string, fields: readonly string[]): void {
    this.#lostFields.set(consumer, new Set([...this.lostFields(consumer), ...fields]))
  }

  count(name: string): void {
    this.counted.push(name)
  }
}
