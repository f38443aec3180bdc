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
      remaining === undefined ? undefined : AbortSignal.timeout(Math.max(0, remaining - RESERVE_MS))
  }

  get isOver(): boolean {
    const remaining = this.#context?.getRemainingTimeInMillis()
    return remaining !== undefined && remaining <= RESERVE_MS
  }
}
