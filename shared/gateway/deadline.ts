import { StoreError } from '../errors.ts'

/** Time kept back at the end of an invocation to put what is left into the delivery queue, in milliseconds. */
const RESERVE_MS = 2_500

/** How long calls that the end of the time aborts may take to end, in milliseconds. */
export const ABORT_MS = 250

/**
 * How much longer what is under way at the end of the time may go on, in milliseconds: a handler that is nearly done need
 * not fail. More than half of the reserve is left for the queue.
 */
export const GRACE_MS = 1_000

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
    return this.leftMs <= 0
  }

  /** For how many milliseconds something may still begin; without a context, Infinity. */
  get leftMs(): number {
    return this.#remaining - RESERVE_MS
  }

  get #remaining(): number {
    return this.#context?.getRemainingTimeInMillis() ?? Infinity
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

  /**
   * As `work`, or what `late` returns or throws once the time is over, and `graceMs` more have passed since; `work` goes
   * on unheard then. Work with a grace that begins even later has at least {@link ABORT_MS}.
   */
  orElse<T>(work: Promise<T>, late: () => T, graceMs = 0): Promise<T> {
    const { signal } = this
    if (signal === undefined) return work
    const { promise, resolve, reject } = Promise.withResolvers<T>()
    let timer: NodeJS.Timeout | undefined
    const giveUp = (): void => resolve(new Promise<T>((done) => done(late())))
    const isOver = (): void => {
      if (graceMs === 0) giveUp()
      else timer = setTimeout(giveUp, Math.max(ABORT_MS, this.leftMs + graceMs))
    }
    if (signal.aborted) isOver()
    else signal.addEventListener('abort', isOver, { once: true })
    void work.then(resolve, reject).finally(() => {
      signal.removeEventListener('abort', isOver)
      clearTimeout(timer)
    })
    return promise
  }
}

function tooLate(): StoreError {
  return new StoreError(
    `the store had not answered ${RESERVE_MS} ms before the end of the invocation, which are kept back for the delivery queue; a read that is late changes nothing: give the function more time if the store is well`,
    { retryable: true },
  )
}
