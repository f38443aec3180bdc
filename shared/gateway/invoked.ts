import { Deadline, GRACE_MS, type LambdaContext } from './deadline.ts'
import type { Runtime } from './runtime.ts'

/** A Lambda handler whose result is a `Result`. */
type LambdaHandler<Result> = (event: unknown, context?: LambdaContext) => Promise<Result>

/**
 * `serve` as a Lambda handler: the runtime is told when an invocation begins, and its metrics are flushed when it ends, also
 * if it throws. Neither can fail the invocation, nor keep its result until the time is over.
 */
export function invoked<Result>(
  runtime: Runtime,
  serve: (event: unknown, context: LambdaContext | undefined) => Promise<Result>,
): LambdaHandler<Result> {
  return async (event, context) => {
    begin(runtime, context)
    try {
      return await serve(event, context)
    } finally {
      await flush(runtime, context)
    }
  }
}

/** If `onInvocation` is asynchronous, nobody waits for it, but its failure is heard. */
function begin({ onInvocation, logger }: Runtime, context: LambdaContext | undefined): void {
  const begun = async (): Promise<void> => onInvocation(context)
  begun().catch((error: unknown) => logger.error('onInvocation failed', { error }))
}

async function flush({ metrics, logger }: Runtime, context: LambdaContext | undefined): Promise<void> {
  const late = (): void =>
    logger.error('metrics were not flushed before the time was over: what was counted may be lost')
  try {
    const flushed = metrics.flush()
    // Metrics that are written to the log are so by now, and need no timer.
    if (flushed !== undefined) await new Deadline(context).orElse(flushed, late, GRACE_MS)
  } catch (error) {
    logger.error('metrics could not be flushed', { error })
  }
}
