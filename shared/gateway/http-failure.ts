/**
 * Why an HTTP exchange brought no response.
 *
 * - `connect`: no connection could be made
 * - `stale`: a kept-alive socket turned out to be closed, before any byte of a response
 * - `reset`: the socket was closed before the response was complete
 * - `time-out`: no complete response in the time of one try
 * - `garbage`: what came was not HTTP, or more than we accept
 */
export type HttpFailureKind = 'connect' | 'stale' | 'reset' | 'time-out' | 'garbage'

/** An HTTP exchange that brought no response. Never leaves a poster: it becomes the cause of a `DeliveryError`. */
export class HttpFailure extends Error {
  readonly kind: HttpFailureKind

  constructor(kind: HttpFailureKind, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.kind = kind
  }

  override get name(): string {
    return 'HttpFailure'
  }
}
