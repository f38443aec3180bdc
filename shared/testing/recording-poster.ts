import type { ConnectionInfo, Poster } from '../gateway/poster.ts'

/** One frame that a {@link RecordingPoster} was given. */
export interface PostedFrame {
  readonly connectionId: string
  readonly text: string
}

/**
 * A {@link Poster} that reaches nobody and keeps what it was given: for tests that make a runtime of their own.
 *
 * @example
 * ```ts
 * const poster = new RecordingPoster()
 * const runtime = new Runtime({ createPoster: () => poster, ...others })
 * ```
 */
export class RecordingPoster implements Poster {
  /** Every frame that was accepted, in order. */
  readonly frames: PostedFrame[] = []
  /** The connections that were closed, in order. */
  readonly closed: string[] = []
  readonly #failures = new Map<string, Error>()

  /** The texts that one connection was sent, in order. */
  textsTo(connectionId: string): readonly string[] {
    return this.frames.filter((frame) => frame.connectionId === connectionId).map(({ text }) => text)
  }

  /**
   * From now on every call for this connection rejects with `failure`: a {@link ConnectionGoneError} for one that is dead,
   * a {@link DeliveryError} for one that cannot be reached. `undefined` ends it.
   */
  failFor(connectionId: string, failure: Error | undefined): void {
    if (failure) this.#failures.set(connectionId, failure)
    else this.#failures.delete(connectionId)
  }

  async post(connectionId: string, text: string): Promise<void> {
    this.#requireReachable(connectionId)
    this.frames.push({ connectionId, text })
  }

  async close(connectionId: string): Promise<void> {
    this.#requireReachable(connectionId)
    this.closed.push(connectionId)
  }

  async get(connectionId: string): Promise<ConnectionInfo> {
    this.#requireReachable(connectionId)
    return { connectedAt: 0, lastActiveAt: 0, sourceIp: undefined, userAgent: undefined }
  }

  destroy(): void {}

  #requireReachable(connectionId: string): void {
    const failure = this.#failures.get(connectionId)
    if (failure) throw failure
  }
}
