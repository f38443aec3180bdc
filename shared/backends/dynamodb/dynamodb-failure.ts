import { type ChannelsError, InvalidStateError, StoreError } from '../../errors.ts'

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
  /** Of a network failure, such as `ECONNRESET`. */
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
const REFUSED = new Set(['AccessDeniedException', 'UnrecognizedClientException', 'ExpiredTokenException', 'CredentialsProviderError'])

/** Says whether DynamoDB refused a write because its condition did not hold. */
export function isConditionFailure(error: unknown): boolean {
  return error instanceof Error && error.name === 'ConditionalCheckFailedException'
}

/**
 * Turns what the SDK threw into a {@link StoreError}, or an {@link InvalidStateError} for an item over DynamoDB's
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
  const { text, retryable } = verdict(failure, context)
  return new StoreError(`${start} ${text}`, { retryable, cause: error })
}

function verdict(failure: Failure, context: FailureContext): { text: string; retryable: boolean } {
  const said = `${failure.name}: ${failure.message}`
  if (TIMED_OUT.has(failure.name)) {
    return { text: `gave no answer within ${context.timeoutMs} ms; a write may or may not have been made: call again`, retryable: true }
  }
  if (failure.name === 'ResourceNotFoundException') {
    return { text: 'failed because there is no such table in this account and region: deploy the stack, or set the table name and region it was deployed with', retryable: false }
  }
  if (REFUSED.has(failure.name)) {
    return { text: `was not allowed (${said}): grant the function read and write access to the table`, retryable: false }
  }
  if (THROTTLED.has(failure.name) || failure.status === 429) {
    return { text: `was throttled (${said}), nothing was done: call again later`, retryable: true }
  }
  if (failure.status !== undefined && failure.status >= 500) {
    return { text: `answered ${failure.status} (${said}); a write may or may not have been made: call again`, retryable: true }
  }
  if (failure.networkCode !== undefined) {
    return { text: `could not be reached or broke off (${failure.networkCode}: ${failure.message}): call again, or check endpoint and network`, retryable: true }
  }
  return { text: `failed (${failure.status ?? 'no status'}, ${said}), nothing was done: calling again will not help`, retryable: false }
}

function readFailure(error: unknown): Failure {
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
    networkCode: typeof code === 'string' && /^(E[A-Z_]+|UND_ERR_[A-Z_]+|ERR_[A-Z_]+)$/.test(code) ? code : undefined,
  }
}
