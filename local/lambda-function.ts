/** How one invocation ended, as the Lambda service tells its caller. */
export type LambdaResult =
  | {
      readonly kind: 'ok'
      /** What the handler returned, after JSON; `undefined` became `null`. */
      readonly value: unknown
    }
  | {
      readonly kind: 'error'
      /** The class of the error, such as `TypeError`, or one of Lambda's own, such as `Runtime.ExitError`. */
      readonly errorType: string
      readonly message: string
      /** Lines of the stack. */
      readonly trace: readonly string[]
    }
  | {
      /** Lambda's own time limit ended the invocation. */
      readonly kind: 'timeout'
      readonly timeoutMs: number
    }

/** The error type of an invocation that was still running, or still waiting, when its function was closed. */
export const CLOSED = 'Runtime.Closed'

/** The stack of a result that has one, for a line of log. */
export function traceOf(result: { readonly kind: string; readonly trace?: readonly string[] }): object {
  return result.trace !== undefined && result.trace.length > 0 ? { trace: result.trace } : {}
}

/** The result of an invocation that was still running, or still waiting, when its function was closed. */
export const closedResult: LambdaResult = {
  kind: 'error',
  errorType: CLOSED,
  message: 'the function was closed before it answered',
  trace: [],
}

/** The result of an invocation whose execution environment was killed. */
export const killedResult: LambdaResult = {
  kind: 'error',
  errorType: 'Runtime.Killed',
  message:
    'the execution environment was killed half-way: a fault that was switched on, see killNextDeliveries',
  trace: [],
}

/** Options of {@link LambdaFunction.invoke}. */
export interface InvokeOptions {
  /** Kills the execution environment when it is aborted, as running out of memory does. */
  readonly signal?: AbortSignal | undefined
}

/** A Lambda function as the gateway and the queue see it: an event goes in, a result comes out. */
export interface LambdaFunction {
  /** Runs the handler once. Never rejects: a failing handler is a result of kind `error`. */
  invoke(event: object, options?: InvokeOptions): Promise<LambdaResult>
  /** Frees what the function holds. Invocations still running end with an error. */
  close?(): Promise<void>
}

/** The second argument of a Lambda handler, as far as Node.js functions use it. */
export interface LambdaContext {
  readonly awsRequestId: string
  readonly functionName: string
  readonly functionVersion: string
  readonly invokedFunctionArn: string
  readonly memoryLimitInMB: string
  readonly logGroupName: string
  readonly logStreamName: string
  callbackWaitsForEmptyEventLoop: boolean
  /** Milliseconds until Lambda ends this invocation. */
  getRemainingTimeInMillis(): number
}

/** What a context is made of. */
export interface ContextParts {
  readonly awsRequestId: string
  readonly functionName: string
  readonly memoryMB: number
  /** Names the execution environment; the same for all invocations it serves. */
  readonly logStreamName: string
  readonly remainingMs: () => number
}

/** Makes the context of one invocation, with the ids of an account and region that do not exist. */
export function lambdaContext(parts: ContextParts): LambdaContext {
  return {
    awsRequestId: parts.awsRequestId,
    functionName: parts.functionName,
    functionVersion: '$LATEST',
    invokedFunctionArn: `arn:aws:lambda:us-east-1:000000000000:function:${parts.functionName}`,
    memoryLimitInMB: String(parts.memoryMB),
    logGroupName: `/aws/lambda/${parts.functionName}`,
    logStreamName: parts.logStreamName,
    callbackWaitsForEmptyEventLoop: true,
    getRemainingTimeInMillis: parts.remainingMs,
  }
}

/** Turns anything a handler threw into the result that Lambda reports. */
export function errorResult(thrown: unknown): LambdaResult {
  if (thrown instanceof Error) {
    return { kind: 'error', errorType: thrown.name, message: thrown.message, trace: stackOf(thrown) }
  }
  return { kind: 'error', errorType: typeof thrown, message: describeThrown(thrown), trace: [] }
}

function stackOf(error: Error): string[] {
  const lines = (error.stack ?? '').split('\n')
  if (error.cause !== undefined) lines.push(`caused by: ${describeThrown(error.cause)}`)
  return lines
}

function describeThrown(thrown: unknown): string {
  if (thrown instanceof Error) return thrown.stack ?? String(thrown)
  if (typeof thrown === 'string') return thrown
  try {
    return JSON.stringify(thrown) ?? String(thrown)
  } catch {
    // Cyclic or a BigInt inside: its type is all that can be told.
    return Object.prototype.toString.call(thrown)
  }
}
