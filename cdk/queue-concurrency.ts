import { ConfigurationError } from '../shared/errors.ts'

/** What decides how many invocations a queue may start. */
export interface QueueConcurrency {
  /** What was asked for. */
  readonly asked?: number | undefined
  /** What of the account's concurrency is kept for the function, and all that it may have. */
  readonly reserved?: number | undefined
  /** How many queues the function reads. */
  readonly queues: number
}

/** SQS starts no fewer. */
const LEAST = 2
const MOST = 1000

/**
 * How many invocations each queue of a function may start at the same time: together no more than the function may have.
 *
 * What Lambda throttles was handed out, and counts as a failure: a queue that starts too many makes dead letters of messages
 * that no function has seen.
 * https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html
 *
 * @param who - `the worker "thumbnails"`
 * @throws {@link ConfigurationError} if the function may have fewer than its queues start
 */
export function concurrencyOf(
  who: string,
  { asked, reserved, queues }: QueueConcurrency,
): number | undefined {
  if (reserved === undefined) return asked
  const each = Math.floor(reserved / queues)
  if (each < LEAST) {
    throw new ConfigurationError(
      `${who} has reservedConcurrentExecutions ${reserved} for ${queues} ${queues === 1 ? 'queue' : 'queues'}: a queue starts at least ${LEAST} at the same time, so set it to ${LEAST * queues} or more, or leave it out`,
    )
  }
  if (asked === undefined) return Math.min(each, MOST)
  if (asked <= each) return asked
  throw new ConfigurationError(
    `${who} has maxConcurrency ${asked} for each of ${queues} ${queues === 1 ? 'queue' : 'queues'}, and reservedConcurrentExecutions ${reserved}: what is started beyond that is throttled, and counts as a failure of its messages; set maxConcurrency to at most ${each}, or reserve ${asked * queues}`,
  )
}
