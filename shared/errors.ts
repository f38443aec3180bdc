/** A stable name for each failure, for logs, metrics and `switch`. */
export type ErrorCode =
  | 'CHANNEL_FULL'
  | 'CONFIGURATION'
  | 'CONNECTION_GONE'
  | 'DELIVERY_FAILED'
  | 'INVALID_EVENT'
  | 'INVALID_MESSAGE'
  | 'INVALID_NAME'
  | 'INVALID_STATE'
  | 'MESSAGE_TOO_LARGE'
  | 'NOT_SUPPORTED'
  | 'NO_HANDLER'
  | 'PROTOCOL'
  | 'ROUTE_NOT_FOUND'
  | 'STORE_FAILED'
  | 'UNKNOWN_CHANNEL'

/** The base of every failure this library throws. `code` is stable across releases; `message` is for people. */
export abstract class ChannelsError extends Error {
  abstract readonly code: ErrorCode

  override get name(): string {
    return this.constructor.name
  }
}

/** Wrong wiring: thrown at start-up or at the first event. The message says what to change. */
export class ConfigurationError extends ChannelsError {
  override readonly code = 'CONFIGURATION'
}

/** A channel or group name that breaks the grammar of `names.ts`. */
export class InvalidNameError extends ChannelsError {
  override readonly code = 'INVALID_NAME'
}

/** A message that cannot travel: no `type`, a value that is not JSON, or a reserved type. */
export class InvalidMessageError extends ChannelsError {
  override readonly code = 'INVALID_MESSAGE'
}

/** An event whose type no method of the consumer handles. */
export class NoHandlerError extends ChannelsError {
  override readonly code = 'NO_HANDLER'
}

/** A frame or message over a limit of API Gateway, counted in bytes; thrown before anything is sent. */
export class MessageTooLargeError extends ChannelsError {
  override readonly code = 'MESSAGE_TOO_LARGE'
}

/** As many messages wait in a channel as it takes: nobody receives from it, or too slowly. Nothing was put into it. */
export class ChannelFullError extends ChannelsError {
  override readonly code = 'CHANNEL_FULL'
  readonly channelName: string
  /** How many messages the channel takes. */
  readonly capacity: number

  constructor(message: string, options: { readonly channelName: string; readonly capacity: number }) {
    super(message)
    this.channelName = options.channelName
    this.capacity = options.capacity
  }
}

/** What this channel layer cannot do with its store, or with that kind of channel. */
export class NotSupportedError extends ChannelsError {
  override readonly code = 'NOT_SUPPORTED'
}

/** Consumer state that is not JSON, or too large for a connection's record. */
export class InvalidStateError extends ChannelsError {
  override readonly code = 'INVALID_STATE'
}

/** A Lambda event that is none of ours; the message names what was seen. */
export class InvalidEventError extends ChannelsError {
  override readonly code = 'INVALID_EVENT'
}

/** A step that the WebSocket protocol, or API Gateway, does not allow at this moment. */
export class ProtocolError extends ChannelsError {
  override readonly code = 'PROTOCOL'
}

/** No application is configured for this protocol, path or channel. For a handshake or a request it is a quiet 404. */
export class RouteNotFoundError extends ChannelsError {
  override readonly code = 'ROUTE_NOT_FOUND'
}

/** Something was sent to a name that is neither a worker channel nor, as it is written, a connection. */
export class UnknownChannelError extends ChannelsError {
  override readonly code = 'UNKNOWN_CHANNEL'
}

/** API Gateway answered 410. Proof of death only for a connection older than the grace period. */
export class ConnectionGoneError extends ChannelsError {
  override readonly code = 'CONNECTION_GONE'
}

/** A frame that could not be handed to API Gateway for a reason that does not prove the connection dead. */
export class DeliveryError extends ChannelsError {
  override readonly code = 'DELIVERY_FAILED'
  /** Whether a later try can succeed: true for 429, 5xx, a reset or a time-out. */
  readonly retryable: boolean
  /** The HTTP status, where there was one. */
  readonly status: number | undefined

  constructor(
    message: string,
    options: { readonly retryable: boolean; readonly status?: number; readonly cause?: unknown },
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.retryable = options.retryable
    this.status = options.status
  }
}

/** A store or queue that is down, throttles or refuses; the message says what was and was not done. */
export class StoreError extends ChannelsError {
  override readonly code = 'STORE_FAILED'
  /** Whether the same call may succeed later. */
  readonly retryable: boolean
  /** Of several deliveries those, by their place, that a queue did not take; the others are in it. Unknown without it. */
  readonly refused: readonly number[] | undefined

  constructor(
    message: string,
    options: { readonly retryable: boolean; readonly cause?: unknown; readonly refused?: readonly number[] },
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.retryable = options.retryable
    this.refused = options.refused
  }
}
