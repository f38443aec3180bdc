import type { Connection, StateHolder, WebsocketScope } from '../../shared/application.ts'
import type { ChannelLayer } from '../../shared/channel-layer.ts'
import { ConfigurationError } from '../../shared/errors.ts'
import type { Logger } from '../../shared/logger.ts'
import type { JsonObject, JsonValue } from '../../shared/message.ts'
import type { StateChanges } from '../../shared/state-changes.ts'

/** One line that was logged. */
export interface LogLine {
  readonly level: keyof Logger
  readonly message: string
  readonly details: object | undefined
}

/** A logger that remembers. */
export class FakeLogger implements Logger {
  readonly lines: LogLine[] = []

  debug(message: string, details?: object): void {
    this.lines.push({ level: 'debug', message, details })
  }
  info(message: string, details?: object): void {
    this.lines.push({ level: 'info', message, details })
  }
  warn(message: string, details?: object): void {
    this.lines.push({ level: 'warn', message, details })
  }
  error(message: string, details?: object): void {
    this.lines.push({ level: 'error', message, details })
  }
}

/** What a {@link FakeConnection} starts with. */
export interface FakeConnectionOptions {
  readonly layers?: Readonly<Record<string, ChannelLayer>>
  readonly state?: JsonObject
  readonly isDevelopment?: boolean
}

/**
 * A connection in memory. Whatever it keeps goes through JSON, so that a test notices what a store would lose.
 * Use the same one for all events of a connection.
 */
export class FakeConnection implements Connection {
  /** What applications remembered, as JSON text by key. */
  readonly remembered = new Map<string, string>()
  /** Counters by name. */
  readonly counts = new Map<string, number>()
  /** Consumers that named themselves, in order. */
  readonly servers: string[] = []
  /** Plain fields that consumers reported, by consumer; later events are told that they are lost. */
  readonly reported = new Map<string, readonly string[]>()
  readonly logger: FakeLogger = new FakeLogger()
  readonly isDevelopment: boolean
  /** How often the state was loaded. */
  loads = 0
  #state: JsonObject | undefined
  #holder: StateHolder | undefined
  readonly #layers: Readonly<Record<string, ChannelLayer>>

  constructor(options: FakeConnectionOptions = {}) {
    this.#layers = options.layers ?? {}
    this.#state = options.state ?? {}
    this.isDevelopment = options.isDevelopment ?? true
  }

  /** The state as stored; `undefined` once the connection is gone. */
  get state(): JsonObject | undefined {
    return this.#state
  }

  /** Makes the connection gone, as a lost `$disconnect` or a sweep does. */
  vanish(): void {
    this.#state = undefined
  }

  channelLayer(alias: string): ChannelLayer {
    const layer = this.#layers[alias]
    if (layer === undefined)
      throw new ConfigurationError(`no channel layer "${alias}": give the fake connection one`)
    return layer
  }

  recall(key: string): JsonValue | undefined {
    const text = this.remembered.get(key)
    return text === undefined ? undefined : parse(text)
  }

  remember(key: string, value: JsonValue): void {
    this.remembered.set(key, JSON.stringify(value))
  }

  /** When the application wants the connection to end, and with which code. */
  end: { readonly at: number; readonly code: number } | undefined
  /** Query parameters that are not to be stored. */
  readonly forgotten = new Set<string>()

  endAt(at: number, code: number): void {
    if (at < (this.end?.at ?? Infinity)) this.end = { at, code }
  }

  forgetQuery(name: string): void {
    this.forgotten.add(name)
  }

  loadState(holder: StateHolder): Promise<JsonObject | undefined> {
    this.loads += 1
    this.#holder = holder
    return Promise.resolve(this.#state && copy(this.#state))
  }

  /** Saves what the consumer at hand has changed so far, as a server does before a nested event. */
  async saveNow(): Promise<void> {
    await this.#holder?.saveNow()
  }

  saveState({ set, remove }: StateChanges): Promise<boolean> {
    if (this.#state === undefined) return Promise.resolve(false)
    const kept = Object.entries(this.#state).filter(([key]) => !remove.includes(key))
    this.#state = copy({ ...Object.fromEntries(kept), ...set })
    return Promise.resolve(true)
  }

  updateState(update: (state: JsonObject) => JsonObject): Promise<JsonObject | undefined> {
    if (this.#state === undefined) return Promise.resolve(undefined)
    this.#state = copy(update(copy(this.#state)))
    return Promise.resolve(copy(this.#state))
  }

  track<T>(work: () => Promise<T>): Promise<T> {
    return work()
  }

  servedBy(consumer: string): void {
    this.servers.push(consumer)
  }

  lostFields(consumer: string): Iterable<string> {
    return this.reported.get(consumer) ?? []
  }

  reportFields(consumer: string, fields: readonly string[]): void {
    this.reported.set(consumer, [...new Set([...this.lostFields(consumer), ...fields])])
  }

  count(name: string): void {
    this.counts.set(name, (this.counts.get(name) ?? 0) + 1)
  }
}

/** A WebSocket scope at `path`, with a fresh {@link FakeConnection} unless one is given. */
export function fakeScope(overrides: Partial<WebsocketScope> = {}): WebsocketScope {
  return {
    type: 'websocket',
    path: '/',
    query: {},
    headers: {},
    subprotocols: [],
    client: '127.0.0.1',
    connectedAt: 0,
    channelName: 'fake-connection=',
    connection: new FakeConnection(),
    ...overrides,
  }
}

function copy(state: JsonObject): JsonObject {
  const parsed: JsonObject = JSON.parse(JSON.stringify(state))
  return parsed
}

function parse(text: string): JsonValue {
  const value: JsonValue = JSON.parse(text)
  return value
}
