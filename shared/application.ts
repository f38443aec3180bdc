import type { ChannelLayer } from './channel-layer.ts'
import type { Logger } from './logger.ts'
import type { JsonObject, JsonValue, Message } from './message.ts'
import type { StateChanges } from './state-changes.ts'

/**
 * One message from an application to the server, as in ASGI: `websocket.accept`, `websocket.send`,
 * `websocket.close`.
 */
export type Send = (message: Message) => Promise<void>

/**
 * The door between the application half and the server half: routers, middleware and consumers are all such
 * functions. Called once per event; resolves when the event is handled.
 */
export type Application<S extends Scope = Scope> = (scope: S, message: Message, send: Send) => Promise<void>

/** What every application is told about where a message comes from. */
export interface Scope {
  /** `websocket`, `http` or `channel`. */
  readonly type: string
  /** What the server lends to the application for the one event at hand. */
  readonly connection: EventContext
}

/** What a URL pattern captured. */
export interface UrlRoute<Kwargs = Readonly<Record<string, unknown>>> {
  /** Captures of unnamed groups, in order. */
  readonly args: readonly string[]
  /** Captures by name, converted: `<int:id>` is a number. */
  readonly kwargs: Kwargs
}

/** What an HTTP request and the handshake of a WebSocket have in common: middleware that needs no more serves both. */
export interface RequestScope extends Scope {
  /** The path, %-decoded. */
  readonly path: string
  /** The query parameters, decoded; of a repeated one the last value. */
  readonly query: Readonly<Record<string, string>>
  /** The headers by lower-case name. */
  readonly headers: Readonly<Record<string, readonly string[]>>
  /** The client's IP address as API Gateway saw it. Behind CloudFront it is the edge's. */
  readonly client: string | undefined
  /** The context that a Lambda authorizer returned; absent without one. */
  readonly authorizer?: JsonObject
}

/**
 * One WebSocket connection, as its handshake described it. Built at `$connect`, kept, and the same for every
 * later event of the connection.
 */
export interface WebsocketScope extends RequestScope {
  readonly type: 'websocket'
  /** The path, %-decoded. API Gateway has none: it is the `path` query parameter, or `/`. */
  readonly path: string
  /** The query parameters, decoded; of a repeated one the last value. `path` is not among them. */
  readonly query: Readonly<Record<string, string>>
  /**
   * The handshake's headers by lower-case name. Cookies, `authorization`, whatever else looks like a secret, and
   * the handshake's own (`sec-websocket-*` and the like) are here during `connect` only, and are never stored.
   */
  readonly headers: Readonly<Record<string, readonly string[]>>
  /** During `connect` what the client offered, in its order; later the accepted one alone, for the others may be tokens. */
  readonly subprotocols: readonly string[]
  /** When the connection was opened, in milliseconds since the epoch. */
  readonly connectedAt: number
  /** This connection's channel: its connection id. */
  readonly channelName: string
  readonly connection: Connection
}

/** One HTTP request. Its only message is `http.request`, which an application answers once. */
export interface HttpScope extends RequestScope {
  readonly type: 'http'
  /** In upper case: `GET`. */
  readonly method: string
  /** What the client used: `https` in AWS. */
  readonly scheme: string
  /** The path, %-decoded, without the API's stage. An HTTP API decodes it before anybody sees it: `%2F` is a slash. */
  readonly path: string
  /** The query string as the client sent it, without the `?`. {@link query} has the last value of each parameter. */
  readonly queryString: string
  /** The headers by lower-case name. Cookies are one value, `a=1; b=2`. API Gateway joins repeated headers by `,`. */
  readonly headers: Readonly<Record<string, readonly string[]>>
  /** The context that a Lambda authorizer returned, or `{ claims, scopes }` of a JWT authorizer; absent without one. */
  readonly authorizer?: JsonObject
}

/** Where a message for a worker comes from: a channel that a `ChannelNameRouter` names. */
export interface ChannelScope extends Scope {
  readonly type: 'channel'
  /** The channel's name. */
  readonly channel: string
  /** The same for every delivery of this job, and of no other: what to remember of jobs that must be done once only. */
  readonly jobId: string
  /** How often the job was handed out, this time included: 1 at first. SQS counts approximately. */
  readonly receiveCount: number
}

/** A scope whose URL route has these kwargs: what a consumer asks for that reads `scope.urlRoute.kwargs.room`. */
export type RoutedScope<Kwargs = Readonly<Record<string, unknown>>, S extends Scope = WebsocketScope> = S & {
  readonly urlRoute: UrlRoute<Kwargs>
}

/** Who holds a connection's state while an event is handled; the server calls it. */
export interface StateHolder {
  /**
   * Saves what has changed so far. Called before another event of the connection is handled inside this one (a consumer
   * that sends to its own group), so that the inner handler sees it.
   */
  saveNow(): Promise<void>
  /** Takes over what another event has just saved, but for keys that this one has changed. */
  rebase(saved: StateChanges): void
}

/** What the server lends to an application for one event, of whatever kind. Valid until the event is over. */
export interface EventContext {
  /** The channel layer under `alias`; throws {@link ConfigurationError} if there is none. */
  channelLayer(alias: string): ChannelLayer
  /**
   * Begins work that belongs to this event, and returns its promise: the invocation does not end before it. If it fails
   * and nobody has taken the promise by then, it counts as a failure of the event's handler.
   */
  track<T>(work: () => Promise<T>): Promise<T>
  /** Names the consumer that serves this event, for logs and metrics. */
  servedBy(consumer: string): void
  /** Counts something under a name that ends up in metrics and, at debug, in the log. */
  count(name: string): void
  readonly logger: Logger
  /** False in production: the checks that cost time are off. */
  readonly isDevelopment: boolean
}

/** What the server lends to an application for one event of a WebSocket connection, which keeps things between events. */
export interface Connection extends EventContext {
  /** The saved part of the scope under `key`: what an earlier event of this connection remembered. */
  recall(key: string): JsonValue | undefined
  /**
   * Keeps `value` with the connection, for later events to recall. Only `$connect` may: the scope is built once.
   */
  remember(key: string, value: JsonValue): void
  /**
   * Ends the connection at `at`, in milliseconds since the epoch: from then on no handler runs for it but `disconnect()`, and
   * it is closed with `code`, at its next event or by the delivery queue within seconds. Of several times the earliest
   * counts. Only `$connect` may.
   */
  endAt(at: number, code: number): void
  /** Keeps the query parameter `name` out of what is stored: it is a secret. Only `$connect` may. */
  forgetQuery(name: string): void
  /**
   * The connection's state as stored; `undefined` if the connection is gone. Costs at most one store read.
   *
   * @param holder - keeps the loaded state in step with other events of the connection that run meanwhile
   * @throws {@link StoreError} if it cannot be read. Let it pass: no handler has run, so the event can wait
   */
  loadState(holder: StateHolder): Promise<JsonObject | undefined>
  /** Saves changed keys, leaving all others alone. False if the connection is gone. */
  saveState(changes: StateChanges): Promise<boolean>
  /**
   * Replaces the state by what `update` makes of the stored one, on condition that nobody wrote in between;
   * `update` runs again if somebody did. Resolves to the new state, or `undefined` if the connection is gone.
   */
  updateState(update: (state: JsonObject) => JsonObject): Promise<JsonObject | undefined>
  /** Names of plain fields of `consumer` that an earlier event set and lost. Empty in production. */
  lostFields(consumer: string): Iterable<string>
  /** Tells which plain fields this event set. Does nothing in production. */
  reportFields(consumer: string, fields: readonly string[]): void
}
