import { randomUUID } from 'node:crypto'
import { type Clock, systemClock } from '../shared/clock.ts'
import { after } from './deadlines.ts'
import {
  errorResult,
  type InvokeOptions,
  killedResult,
  lambdaContext,
  type LambdaContext,
  type LambdaFunction,
  type LambdaResult,
} from './lambda-function.ts'

/** A Lambda handler. Async only: Node.js 24 on Lambda has no callbacks. */
export type LambdaHandler<Event = never> = (event: Event, context: LambdaContext) => unknown

/** Options of {@link inProcessFunction}. */
export interface InProcessOptions {
  /** When Lambda gives up on an invocation, in milliseconds. Default 29 000. */
  readonly timeoutMs?: number
  readonly clock?: Clock
  readonly functionName?: string
}

/**
 * A Lambda function that runs `handler` in this process: for tests.
 *
 * Event and result go through JSON, as on the wire, so nothing is shared by reference. Module state *is*
 * shared and any number of invocations run at once; `containerPool` has neither property. A handler that
 * overruns is reported as timed out, and one that is killed as killed, but both keep running.
 */
export function inProcessFunction<Event>(
  handler: (event: Event, context: LambdaContext) => unknown,
  options: InProcessOptions = {},
): LambdaFunction {
  const { timeoutMs = 29_000, clock = systemClock, functionName = 'in-process' } = options
  const logStreamName = `in-process/${randomUUID()}`

  async function run(event: object): Promise<LambdaResult> {
    const deadline = clock.now() + timeoutMs
    const context = lambdaContext({
      awsRequestId: randomUUID(),
      functionName,
      memoryMB: 1024,
      logStreamName,
      remainingMs: () => Math.max(0, deadline - clock.now()),
    })
    try {
      const value: unknown = await handler(JSON.parse(JSON.stringify(event)) as Event, context)
      return { kind: 'ok', value: throughJson(value) }
    } catch (error) {
      return errorResult(error)
    }
  }

  function invoke(event: object, { signal }: InvokeOptions = {}): Promise<LambdaResult> {
    return new Promise((resolve) => {
      if (signal?.aborted) return resolve(killedResult)
      signal?.addEventListener('abort', () => resolve(killedResult), { once: true })
      const cancel = after(clock, timeoutMs, () => resolve({ kind: 'timeout', timeoutMs }))
      void run(event).then((result) => {
        cancel()
        resolve(result)
      })
      return undefined
    })
  }

  return { invoke }
}

function throughJson(value: unknown): unknown {
  return value === undefined ? null : JSON.parse(JSON.stringify(value))
}
