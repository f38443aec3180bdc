import { ConnectionGoneError, DeliveryError } from '../errors.ts'
import type { Outcome } from '../layers/delivery.ts'
import type { Poster } from './poster.ts'

/** What an {@link Outbox} needs from its invocation. */
export interface OutboxContext {
  readonly poster: Poster
  readonly connectionId: string
  /** The time after which posting is no use any more. */
  readonly signal: AbortSignal | undefined
  /** Whether a 410 does not prove the connection dead yet. */
  isOpening(): boolean
  /** Called once, before the first frame is kept for the queue. */
  onDeferred(): void
  /** Called once, when the connection is proved dead. */
  onGone(): Promise<void>
  /** Called for a frame that was sent after the application closed the connection: it goes nowhere. */
  onLate(): void
  /** Called for a frame that can't be delivered now or later. */
  onFailed(error: unknown): void
}

/**
 * The frames that one invocation sends to one connection, in order. Once one has to wait for the delivery
 * queue, all that follow wait behind it.
 */
export class Outbox {
  readonly #context: OutboxContext
  #tail: Promise<unknown> = Promise.resolve()
  #state: 'open' | 'deferring' | 'gone' | 'closed' = 'open'
  #frames: string[] = []
  #closeLast = false

  constructor(context: OutboxContext) {
    this.#context = context
  }

  /** Frames for the delivery queue, and whether the connection is to be closed after them. */
  get deferred(): { readonly frames: readonly string[]; readonly close: boolean } {
    return { frames: this.#frames, close: this.#closeLast }
  }

  /** Sends a frame behind all before it. Resolves to what became of it; never rejects. */
  send(text: string): Promise<Outcome> {
    return this.#enqueue(() => this.#send(text))
  }

  /** Closes the connection behind all frames before. Resolves to what became of that; never rejects. */
  close(): Promise<Outcome> {
    return this.#enqueue(() => this.#close())
  }

  /** Resolves when all that was sent so far is done. */
  async settled(): Promise<void> {
    await this.#tail
  }

  #enqueue(step: () => Promise<Outcome>): Promise<Outcome> {
    const result = this.#tail.then(step)
    this.#tail = result
    return result
  }

  async #send(text: string): Promise<Outcome> {
    if (this.#state === 'gone') return 'gone'
    if (this.#state === 'closed' || this.#closeLast) {
      this.#context.onLate()
      return 'gone'
    }
    if (this.#state === 'deferring') {
      this.#frames.push(text)
      return 'deferred'
    }
    return this.#attempt(
      () => this.#context.poster.post(this.#context.connectionId, text, this.#options),
      () => this.#frames.push(text),
    )
  }

  async #close(): Promise<Outcome> {
    if (this.#state === 'gone' || this.#state === 'closed') return 'gone'
    if (this.#state === 'deferring') {
      this.#closeLast = true
      return 'deferred'
    }
    const outcome = await this.#attempt(
      () => this.#context.poster.close(this.#context.connectionId, this.#options),
      () => (this.#closeLast = true),
    )
    if (outcome === 'delivered') this.#state = 'closed'
    return outcome
  }

  get #options(): { readonly signal?: AbortSignal } {
    return this.#context.signal === undefined ? {} : { signal: this.#context.signal }
  }

  async #attempt(step: () => Promise<void>, keep: () => void): Promise<Outcome> {
    try {
      await step()
      return 'delivered'
    } catch (error) {
      if (error instanceof ConnectionGoneError && !this.#context.isOpening()) {
        this.#state = 'gone'
        await this.#context.onGone()
        return 'gone'
      }
      if (!isWorthAnotherTry(error)) {
        this.#context.onFailed(error)
        return 'failed'
      }
      this.#state = 'deferring'
      this.#context.onDeferred()
      keep()
      return 'deferred'
    }
  }
}

function isWorthAnotherTry(error: unknown): boolean {
  if (error instanceof ConnectionGoneError) return true
  if (error instanceof DeliveryError) return error.retryable
  // Our own signal: the invocation's time is over.
  return error instanceof DOMException && (error.name === 'TimeoutError' || error.name === 'AbortError')
}
