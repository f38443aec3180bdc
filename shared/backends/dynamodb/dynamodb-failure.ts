import { type ChannelsError, InvalidStateError, StoreError } from '../../errors.ts'
import { HttpFailure } from '../../http/http-failure.ts'

/** What was being done when DynamoDB failed. */
export interface FailureContext {
  /** Such as `load connection "abc="`. */
  readonly attempt: string
  readonly operation: string
  readonly tableName: string
  /** How long the call was given, in milliseconds. */
  readonly timeoutMs: number
}

interface Failure {
  readonly name: string
  readonly message: string
  readonly status: number | undefined
  /** Of a network failure that may pass, such as `ECONNRESET`, or the kind of an `HttpFailure`. */
  readonly networkCode: string | undefined
}

const THROTTLED = new Set([
  'ProvisionedThroughputExceededException',
  'RequestLimitExceeded',
  'ThrottlingException',
  'Throttling',
  'TooManyRequestsException',
])
const TIMED_OUT = new Set(['AbortError', 'TimeoutError'])
/** Of a socket that cannot be had or breaks off; not `ERR_MODULE_NOT_FOUND` and the like. */
const NETWORK_CODE = /^(?:E(?!RR_)[A-Z_]+|ERR_(?:SOCKET|STREAM|SSL|TLS)_\w+)$/
const REFUSED = new Set([
  'AccessDeniedException',
  'UnrecognizedClientException',
  'ExpiredTokenException',
  'CredentialsProviderError',
])

/** Says whether DynamoDB refused a write because its condition did not hold. */
export function isConditionFailure(error: unknown): boolean {
  return error instanceof Error && error.name === 'ConditionalCheckFailedException'
}

/** Says whether a call that failed so may succeed if it is made again at once. */
export function isWorthAnotherTry(error: unknown): boolean {
  return isRetryable(readFailure(error))
}

/** Says whether DynamoDB refused a call because there were too many, so that nothing was done. */
export function isThrottled(error: unknown): boolean {
  return error instanceof Error && THROTTLED.has(error.name)
}

/**
 * Turns what a transport threw into a {@link StoreError}, or an {@link InvalidStateError} for an item over DynamoDB's
 * limit. Recognised by name and status: classes differ between copies of the SDK.
 */
export function dynamodbFailure(error: unknown, context: FailureContext): ChannelsError {
  const failure = readFailure(error)
  const start = `could not ${context.attempt}: DynamoDB ${context.operation} on table "${context.tableName}"`
  if (/item size.*exceeded/i.test(failure.message)) {
    return new InvalidStateError(
      `${start} was refused because the item is over 400 KB (409600 bytes), the most DynamoDB stores: keep less in the scope and the state`,
      { cause: error },
    )
  }
  return new StoreError(`${start} ${diagnosis(failure, context)}`, {
    retryable: isRetryable(failure),
    cause: error,
  })
}

function isRetryable(failure: Failure): boolean {
  if (TIMED_OUT.has(failure.name) || THROTTLED.has(failure.name)) return true
  if (failure.status === undefined) return failure.networkCode !== undefined
  return failure.status === 429 || failure.status >= 500
}

function diagnosis(failure: Failure, context: FailureContext): string {
  const said = `${failure.name}: ${failure.message}`
  if (TIMED_OUT.has(failure.name)) {
    return `gave no answer in time (at most ${context.timeoutMs} ms); a write may or may not have been made: call again`
  }
  if (failure.name === 'ResourceNotFoundException') {
    return 'failed because there is no such table in this account and region: deploy the stack, or set the table name and region it was deployed with'
  }
  if (REFUSED.has(failure.name)) {
    return `was not allowed (${said}): give the function credentials that may read and write the table`
  }
  if (THROTTLED.has(failure.name) || failure.status === 429) {
    return `was throttled (${said}), nothing was done: call again later`
  }
  if (failure.status !== undefined && failure.status >= 500) {
    return `answered ${failure.status} (${said}); a write may or may not have been made: call again`
  }
  if (failure.networkCode !== undefined) {
    return `could not be reached or broke off (${failure.networkCode}: ${failure.message}); a write may or may not have been made: call again, or check endpoint and network`
  }
  return `failed (${failure.status ?? 'no status'}, ${said}), nothing was done: calling again will not help`
}

function readFailure(error: unknown): Failure {
  if (error instanceof HttpFailure) return readHttpFailure(error)
  const { name, message, code, $metadata } = error as {
    readonly name?: string
    readonly message?: string
    readonly code?: unknown
    readonly $metadata?: { readonly httpStatusCode?: number }
  }
  return {
    name: name ?? 'Error',
    message: message ?? String(error),
    status: $metadata?.httpStatusCode,
    networkCode: passingCode(code),
  }
}

function readHttpFailure({ kind, name, message, cause }: HttpFailure): Failure {
  const code = (cause as { readonly code?: unknown } | undefined)?.code
  return {
    name: kind === 'time-out' ? 'TimeoutError' : name,
    message,
    status: undefined,
    // A certificate that is not to be trusted is no better at the next try.
    networkCode: kind === 'connect' && code !== undefined ? passingCode(code) : kind,
  }
}

function passingCode(code: unknown): string | undefined {
  return typeof code === 'string' && NETWORK_CODE.test(code) ? code : undefined
}
