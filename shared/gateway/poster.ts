/** Options of every call of a {@link Poster}. */
export interface PostOptions {
  /** Ends the call early; it then rejects with the signal's reason. */
  readonly signal?: AbortSignal
}

/** What API Gateway knows of an open connection. */
export interface ConnectionInfo {
  /** Milliseconds since the epoch. */
  readonly connectedAt: number
  /** Milliseconds since the epoch. */
  readonly lastActiveAt: number
  readonly sourceIp: string | undefined
  readonly userAgent: string | undefined
}

/**
 * Reaches connections through one `@connections` endpoint.
 *
 * Every method rejects with {@link ConnectionGoneError} on 410, with {@link MessageTooLargeError} on 413, and
 * with {@link DeliveryError} on everything else, after a bounded number of tries where another try can help. A try is bounded in time, so
 * no call hangs. A post that timed out or was reset is tried again although it may have arrived: at least once.
 */
export interface Poster {
  /** Sends one text frame. Resolves when API Gateway has accepted it. */
  post(connectionId: string, text: string, options?: PostOptions): Promise<void>
  /** Closes the connection; the client sees 1000. */
  close(connectionId: string, options?: PostOptions): Promise<void>
  /** What API Gateway knows of the connection. */
  get(connectionId: string, options?: PostOptions): Promise<ConnectionInfo>
  /** Closes idle sockets. The poster can be used again afterwards. */
  destroy(): void
}
