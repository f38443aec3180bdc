import type { Clock } from '../clock.ts'
import { DeliveryError } from '../errors.ts'
import { HttpFailure } from '../http/http-failure.ts'
import type { PostCall } from './post-failure.ts'
import type { PostPace } from './post-pace.ts'

const FIRST_BACKOFF_MS = 100
const LONGEST_BACKOFF_MS = 2000

/** Whoever is throttled again after so long, six windows of the pace, does not read: the account is not to blame. */
const OWN_THROTTLING_MS = 300

/** How often, how fast, and on whose clock, a poster tries. */
export interface RetryPolicy {
  /** Tries in all, the first included, but for those that were throttled together with many others. */
  readonly maxTries: number
  readonly clock: Clock
  /** One per poster. */
  readonly pace: PostPace
  /** A number from 0 up to 1; `Math.random` unless a test says otherwise. */
  readonly random?: () => number
}

/**
 * Runs `attempt`, in the pace of the poster, until it succeeds, fails for good, or `maxTries` is used up.
 *
 * Only a retryable {@link DeliveryError} is tried again, after a random part of a wait that doubles (100 ms,
 * 200 ms, … 2 s): posts that were throttled together do not come back together. While many connections are throttled,
 * a 429 is the account's and not this connection's: as many of them as `maxTries` are not counted.
 *
 * @throws {@link DeliveryError} with the last failure as its cause, when the tries are used up
 * @throws the signal's reason, as soon as it is aborted
 */
export async function retryPost<T>(
  policy: RetryPolicy,
  call: PostCall,
  attempt: () => Promise<T>,
): Promise<T> {
  const { pace } = policy
  const { signal } = call
  signal?.throwIfAborted()
  let tries: Tries | undefined
  for (;;) {
    const turn = pace.enter(signal)
    if (turn) await turn
    const round = tries === undefined ? pace.round : undefined
    try {
      const result = await attempt()
      pace.leave(round)
      return result
    } catch (error) {
      const isCounted = pace.leave(round, isThrottling(error) ? call.connectionId : undefined)
      signal?.throwIfAborted()
      tries ??= new Tries(policy, isCounted)
      await tries.next(error, signal)
    }
  }
}

/** The tries of one call that has failed once. */
class Tries {
  readonly #policy: RetryPolicy
  readonly #failedAt: number
  #isCounted: boolean
  #made = 0
  #left: number
  #uncountedLeft: number

  /** @param isCounted - whether the pace counts the first failure against the account */
  constructor(policy: RetryPolicy, isCounted: boolean) {
    this.#policy = policy
    this.#failedAt = policy.clock.now()
    this.#isCounted = isCounted
    this.#left = policy.maxTries
    this.#uncountedLeft = policy.maxTries
  }

  /** Resolves when it is time for another try after one that failed with `error`; rejects if there is none. */
  async next(error: unknown, signal: AbortSignal | undefined): Promise<void> {
    if (!(error instanceof DeliveryError) || !error.retryable) throw error
    this.#made += 1
    if (isThrottling(error)) this.#giveBack()
    if (isThrottling(error) && this.#policy.pace.isThrottled && this.#uncountedLeft > 0)
      this.#uncountedLeft -= 1
    else this.#left -= 1
    if (this.#left === 0) throw givenUp(error, this.#made)
    if (!isStale(error)) await wait(this.#policy, this.#policy.maxTries - this.#left, signal)
  }

  // The pace has slowed down by now, so the account hits hardly anybody twice.
  #giveBack(): void {
    const { pace, clock } = this.#policy
    if (!this.#isCounted || clock.now() - this.#failedAt < OWN_THROTTLING_MS) return
    this.#isCounted = false
    pace.giveBack()
  }
}

function isThrottling(error: unknown): boolean {
  return error instanceof DeliveryError && error.status === 429
}

// The next try gets a fresh socket, so there is nothing to wait for.
function isStale(error: DeliveryError): boolean {
  return error.cause instanceof HttpFailure && error.cause.kind === 'stale'
}

/** @param used - how many tries were used up */
async function wait(policy: RetryPolicy, used: number, signal: AbortSignal | undefined): Promise<void> {
  const longest = Math.min(LONGEST_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** Math.max(0, used - 1))
  try {
    await policy.clock.sleep((policy.random ?? Math.random)() * longest, signal)
  } catch (error) {
    // The timers of Node reject with an AbortError of their own, not with the reason.
    signal?.throwIfAborted()
    throw error
  }
}

function givenUp(last: DeliveryError, tries: number): DeliveryError {
  return new DeliveryError(`gave up after ${tries} ${tries === 1 ? 'try' : 'tries'}: ${last.message}`, {
    retryable: true,
    cause: last,
    ...(last.status === undefined ? {} : { status: last.status }),
  })
}
