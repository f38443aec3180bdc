import { ConnectionGoneError, DeliveryError } from '../errors.ts'
import type { Outcome } from '../layers/delivery.ts'
import { WaitingFrames } from './deferred-tasks.ts'
import type { Poster } from './poster.ts'

/** What an {@link Outbox} needs from its invocation. */
export interface OutboxContext {
  readonly poster: Poster
  readonly connectionId: string
  /** The time after which posting is no use any more. */
  readonly signal: AbortSignal | undefined
  /** Whether a 410 does not prove the connection dead yet. */
  isOpening(): boolean
  /** Called when something waits for the queue that nobody was told of. */
  onDeferred(): void
  /** Called once, when the connection is proved dead. */
  onGone(): Promise<void>
  /** Called for a frame that was sent after the application closed the connection: it goes nowhere. */
  onLate(): void
  /** Called for a frame that can't be delivered now or later, or has no room to wait; and for a close like it. */
  onFailed(error: unknown, what: 'frame' | 'close'): void
}

/**
 * The frames that one invocation sends to one connection, in order. Once one has to wait for the delivery
 * queue, all that follow wait behind it.
 */
export class Outbox {
  readonly #context: OutboxContext
  #tail: Promise<unknown> = Promise.resolve()
  #underWay = 0
  #state: 'open' | 'deferring' | 'gone' | 'closed' = 'open'
  readonly #waiting = new WaitingFrames()
  #closeLast = false
  #isTold = false

  constructor(context: OutboxContext) {
    this.#context = context
  }

  /** Whether what is sent next will wait. */
  get isDeferring(): boolean {
    return this.#state === 'deferring'
  }

  /** Whether a new outbox would do as well: nothing is under way or waits, and it was not closed. */
  get isIdle(): boolean {
    return (this.#state === 'open' || this.#state === 'gone') && this.#underWay === 0
  }

  /** Hands out what waits: frames for the delivery queue, and whether the connection is to be closed after them. */
  takeDeferred(): { readonly frames: readonly string[]; readonly close: boolean } {
    const close = this.#closeLast
    if (close) this.#state = 'closed'
    this.#closeLast = false
    this.#isTold = false
    return { frames: this.#waiting.take(), close }
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

  #enqueue(step: () => Outcome | Promise<Outcome>): Promise<Outcome> {
    this.#underWay += 1
    const result = this.#tail.then(() => this.#perform(step))
    this.#tail = result
    return result
  }

  async #perform(step: () => Outcome | Promise<Outcome>): Promise<Outcome> {
    try {
      return await step()
    } finally {
      this.#underWay -= 1
    }
  }

  #send(text: string): Outcome | Promise<Outcome> {
    if (this.#state === 'gone') return 'gone'
    if (this.#state === 'closed' || this.#closeLast) {
      this.#context.onLate()
      return 'gone'
    }
    if (this.#state === 'deferring') return this.#keep(text)
    return this.#attempt(
      () => this.#context.poster.post(this.#context.connectionId, text, this.#options),
      () => this.#keep(text),
      'frame',
    )
  }

  async #close(): Promise<Outcome> {
    if (this.#state === 'gone' || this.#state === 'closed') return 'gone'
    if (this.#state === 'deferring') return this.#keepClose()
    const outcome = await this.#attempt(
      () => this.#context.poster.close(this.#context.connectionId, this.#options),
      () => this.#keepClose(),
      'close',
    )
    if (outcome === 'delivered') this.#state = 'closed'
    return outcome
  }

  #keep(text: string): Outcome {
    try {
      this.#waiting.add(text)
    } catch (error) {
      this.#context.onFailed(error, 'frame')
      return 'failed'
    }
    this.#tell()
    return 'deferred'
  }

  #keepClose(): Outcome {
    this.#closeLast = true
    this.#tell()
    return 'deferred'
  }

  #tell(): void {
    if (this.#isTold) return
    this.#isTold = true
    this.#context.onDeferred()
  }

  get #options(): { readonly signal?: AbortSignal } {
    return this.#context.signal === undefined ? {} : { signal: this.#context.signal }
  }

  async #attempt(step: () => Promise<void>, keep: () => Outcome, what: 'frame' | 'close'): Promise<Outcome> {
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
        this.#context.onFailed(error, what)
        return 'failed'
      }
      this.#state = 'deferring'
      return keep()
    }
  }
}

function isWorthAnotherTry(error: unknown): boolean {
  if (error instanceof ConnectionGoneError) return true
  if (error instanceof DeliveryError) return error.retryable
  // Our own signal: the invocation's time is over.
  return error instanceof DOMException && (error.name === 'TimeoutError' || error.name === 'AbortError')
}
