import { queueJson } from '../codec.ts'
import { MessageTooLargeError } from '../errors.ts'
import type { DeliveryTask } from '../stores/delivery-queue.ts'

/**
 * JSON bytes of the frames that wait together. An SQS message has at most 1 MiB, and a frame of 128 KB may need
 * six times that as JSON: any one frame fits.
 */
const MAX_WAITING_BYTES = 900_000

/**
 * Frames of one connection that wait for the delivery queue, in order. They fit into one message of it: between two
 * a standard queue keeps no order, and it has no place for a chain of them.
 */
export class WaitingFrames {
  #frames: string[] = []
  #bytes = 0
  #isFull = false

  get frames(): readonly string[] {
    return this.#frames
  }

  /**
   * Lets a frame wait behind those before it.
   *
   * @throws {@link MessageTooLargeError} if they do not fit together. From then on nothing does, so that the client
   * misses the end of what was sent and nothing in its middle
   */
  add(frame: string): void {
    const bytes = Buffer.byteLength(queueJson(frame)) + 1
    if (this.#isFull || this.#bytes + bytes > MAX_WAITING_BYTES) {
      this.#isFull = true
      throw new MessageTooLargeError(
        `a frame with ${bytes} bytes as JSON cannot wait behind frames with ${this.#bytes} bytes that wait for the same connection: ${MAX_WAITING_BYTES} bytes is the most that fits into one queue message. Send a large snapshot after connect(), when the client asks for it, in parts over several events, or send a link to it`,
      )
    }
    this.#frames.push(frame)
    this.#bytes += bytes
  }

  /** Returns the frames, which wait here no longer. */
  take(): readonly string[] {
    const frames = this.#frames
    this.#frames = []
    this.#bytes = 0
    return frames
  }
}

/** What waits for one connection. */
export interface Deferred {
  readonly connectionId: string
  readonly connectedAt: number
  readonly frames: readonly string[]
  readonly close: boolean
}

/** The task that delivers what waits for one connection. */
export function framesTask({ connectionId, connectedAt, frames, close }: Deferred): DeliveryTask {
  return { kind: 'frames', connectionId, connectedAt, frames, ...(close ? { close } : {}) }
}

/** How long a task waits in the queue: not at all at first; 2, 4, 8 … 300 seconds if it was in the queue before. */
export function delaySecondsOf(attempt: number): number {
  return attempt === 0 ? 0 : Math.min(2 ** attempt, 300)
}
