import { StoreError } from '../errors.ts'

/** Time kept back at the end of an invocation to put what is left into the delivery queue, in milliseconds. */
const RESERVE_MS = 2_500

/** What Lambda's context object tells. */
export interface LambdaContext {
  getRemainingTimeInMillis(): number
}

/** The end of the time in which an invocation may still begin something. Without a context there is none. */
export class Deadline {
  /** Aborts when it is over, so that a call under way ends. */
  readonly signal: AbortSignal | undefined
  readonly #context: LambdaContext | undefined

  constructor(context: LambdaContext | undefined) {
    this.#context = context
    const remaining = context?.getRemainingTimeInMillis()
    this.signal =
      remaining === undefined
        ? undefined
        : AbortSignal.timeout(Math.max(0, Math.floor(remaining - RESERVE_MS)))
  }

  get isOver(): boolean {
    // Its timer may be a little ahead of Lambda's clock.
    if (this.signal?.aborted) return true
    const remaining = this.#context?.getRemainingTimeInMillis()
    return remaining !== undefined && remaining <= RESERVE_MS
  }

  /**
   * As `read`, but rejects once the time is over, whether or not the store ever answers.
   *
   * @throws {@link StoreError} then
   */
  bound<T>(read: Promise<T>): Promise<T> {
    return this.orElse(read, () => {
      throw tooLate()
    })
  }

  /** As `work`, or what `late` returns or throws once the time is over; `work` goes on unheard then. */
  orElse<T>(work: Promise<T>, late: () => T): Promise<T> {
    const { signal } = this
    if (signal === undefined) return work
    const { promise, resolve, reject } = Promise.withResolvers<T>()
    const giveUp = (): void => resolve(new Promise<T>((done) => done(late())))
    if (signal.aborted) giveUp()
    signal.addEventListener('abort', giveUp, { once: true })
    void work.then(resolve, reject).finally(() => signal.removeEventListener('abort', giveUp))
    return promise
  }
}

function tooLate(): StoreError {
  return new StoreError(
    `the store had not answered ${RESERVE_MS} ms before the end of the invocation, which are kept back for the delivery queue; a read that is late changes nothing: give the function more time if the store is well`,
    { retryable: true },
  )
}
