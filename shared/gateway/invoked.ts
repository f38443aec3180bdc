import type { LambdaContext } from './deadline.ts'
import type { Runtime } from './runtime.ts'

/** A Lambda handler whose result is a `Result`. */
type LambdaHandler<Result> = (event: unknown, context?: LambdaContext) => Promise<Result>

/**
 * `serve` as a Lambda handler: the runtime is told when an invocation begins, and its metrics are flushed when it ends, also
 * if it throws. Neither can fail the invocation.
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
      await flush(runtime)
    }
  }
}

function begin({ onInvocation, logger }: Runtime, context: LambdaContext | undefined): void {
  try {
    onInvocation(context)
  } catch (error) {
    logger.error('onInvocation failed', { error })
  }
}

async function flush({ metrics, logger }: Runtime): Promise<void> {
  try {
    await metrics.flush()
  } catch (error) {
    logger.error('metrics could not be flushed', { error })
  }
}
