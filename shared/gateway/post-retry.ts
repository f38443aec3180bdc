import type { Clock } from '../clock.ts'
import { DeliveryError } from '../errors.ts'
import { HttpFailure } from '../http/http-failure.ts'

const FIRST_BACKOFF_MS = 100
const LONGEST_BACKOFF_MS = 2000

/** How often, and on whose clock, a poster tries. */
export interface RetryPolicy {
  /** Tries in all, the first included. */
  readonly maxTries: number
  readonly clock: Clock
  /** A number from 0 up to 1; `Math.random` unless a test says otherwise. */
  readonly random?: () => number
}

/**
 * Runs `attempt` until it succeeds, fails for good, or `maxTries` is used up.
 *
 * Only a retryable {@link DeliveryError} is tried again, after a random part of a wait that doubles (100 ms,
 * 200 ms, … 2 s): posts that were throttled together do not come back together.
 *
 * @throws {@link DeliveryError} with the last failure as its cause, when the tries are used up
 * @throws the signal's reason, as soon as it is aborted
 */
export async function retryPost<T>(
  policy: RetryPolicy,
  signal: AbortSignal | undefined,
  attempt: () => Promise<T>,
): Promise<T> {
  signal?.throwIfAborted()
  for (let tries = 1; ; tries += 1) {
    try {
      return await attempt()
    } catch (error) {
      signal?.throwIfAborted()
      if (!(error instanceof DeliveryError) || !error.retryable) throw error
      if (tries >= policy.maxTries) throw givenUp(error, tries)
      if (!isStale(error)) await wait(policy, tries, signal)
    }
  }
}

// The next try gets a fresh socket, so there is nothing to wait for.
function isStale(error: DeliveryError): boolean {
  return error.cause instanceof HttpFailure && error.cause.kind === 'stale'
}

async function wait(policy: RetryPolicy, tries: number, signal: AbortSignal | undefined): Promise<void> {
  const longest = Math.min(LONGEST_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** (tries - 1))
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
