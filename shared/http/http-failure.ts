/**
 * Why an HTTP exchange brought no response.
 *
 * - `connect`: no connection could be made
 * - `stale`: a kept-alive socket turned out to be closed, before any byte of a response
 * - `reset`: the socket was closed before the response was complete
 * - `time-out`: no complete response in the time of one try
 * - `garbage`: what came was not HTTP, more than we accept, or damaged
 */
export type HttpFailureKind = 'connect' | 'stale' | 'reset' | 'time-out' | 'garbage'

/** An HTTP exchange that brought no response. Callers of a poster or a store meet it as the cause of an error. */
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
