import type { Message } from '../message.ts'

/** Somebody who waits for a message. */
export interface Receiver {
  readonly signal: AbortSignal | undefined
  resolve(message: Message): void
  reject(reason: unknown): void
}

/** Those who wait for a message of one channel, first come first served. */
export class Receivers {
  #waiting: Receiver[] = []

  get isEmpty(): boolean {
    return this.#waiting.length === 0
  }

  /** Waits in line. Rejects with the signal's reason if it is aborted meanwhile. */
  wait(signal: AbortSignal | undefined): Promise<Message> {
    return new Promise((resolve, reject) => {
      const onAbort = (): void => {
        // Who is not in line may be about to get a message: see `putBack`.
        if (this.#waiting.includes(receiver)) receiver.reject(signal?.reason)
        this.#waiting = this.#waiting.filter((other) => other !== receiver)
      }
      const done = (): void => signal?.removeEventListener('abort', onAbort)
      const receiver: Receiver = {
        signal,
        resolve: (message) => {
          done()
          resolve(message)
        },
        reject: (reason) => {
          done()
          reject(reason)
        },
      }
      signal?.addEventListener('abort', onAbort)
      this.#waiting.push(receiver)
    })
  }

  /** The first in line, who waits there no longer. A signal does not reach them until they are put back. */
  takeFirst(): Receiver | undefined {
    return this.#waiting.shift()
  }

  /** Puts the first back for whom there was no message. */
  putBack(receiver: Receiver): void {
    if (receiver.signal?.aborted) receiver.reject(receiver.signal.reason)
    else this.#waiting.unshift(receiver)
  }

  /** Nobody waits any more: all are told why. */
  rejectAll(reason: unknown): void {
    for (const receiver of this.#waiting.splice(0)) receiver.reject(reason)
  }
}
