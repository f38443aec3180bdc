/** What a consumer throws on purpose: it ends the event without being a failure, and is never logged as one. */
export abstract class Signal extends Error {
  override get name(): string {
    return this.constructor.name
  }
}

/** Thrown inside `connect()`: accept the connection. */
export class AcceptConnection extends Signal {}

/** Thrown inside `connect()`: refuse the connection. */
export class DenyConnection extends Signal {
  /** The HTTP status that the client's handshake fails with. */
  readonly status: number

  constructor(status = 403) {
    super(`connection denied with ${status}`)
    this.status = status
  }
}

/** Thrown by any handler: this consumer is done. The connection is closed and cleaned up. */
export class StopConsumer extends Signal {}
