import { type ChannelsError, ConnectionGoneError, DeliveryError, MessageTooLargeError } from '../errors.ts'
import { MAX_MESSAGE_BYTES } from '../limits.ts'

const SHOWN_CHARACTERS = 200

/** One call of `@connections`, as error messages name it. */
export interface PostCall {
  readonly method: 'POST' | 'GET' | 'DELETE'
  readonly connectionId: string
  readonly signal?: AbortSignal | undefined
}

/** The error that a status other than 2xx means; `body` is quoted from its start. */
export function failureOfStatus(call: PostCall, status: number, body: string): ChannelsError {
  if (status === 410) {
    return new ConnectionGoneError(
      `connection ${JSON.stringify(call.connectionId)} is gone, or its $connect has not returned yet (410): ` +
        'clean up only if it is older than the grace period',
    )
  }
  const answer = `${describeCall(call)} was answered with ${status}${quote(body)}`
  if (status === 413) {
    return new MessageTooLargeError(`${answer}: a message has at most ${MAX_MESSAGE_BYTES} bytes, split it`)
  }
  return new DeliveryError(`${answer}: ${remedy(call, status)}`, {
    retryable: isRetryableStatus(status),
    status,
  })
}

/** The error of a try that brought no status: a reset, a time-out, a refused connection. */
export function failureOfTransport(call: PostCall, cause: unknown): DeliveryError {
  const what = cause instanceof Error ? cause.message || cause.name : String(cause)
  return new DeliveryError(
    `${describeCall(call)} brought no answer (${what}): it may or may not have arrived`,
    {
      retryable: true,
      cause,
    },
  )
}

/** The error of a try for which the credential provider had no credentials. */
export function failureOfCredentials(call: PostCall, cause: unknown): DeliveryError {
  const what = cause instanceof Error ? cause.message || cause.name : String(cause)
  return new DeliveryError(
    `${describeCall(call)} was not sent, there are no credentials to sign it (${what}): ` +
      'check the credential provider and the role of the function',
    { retryable: true, cause },
  )
}

function describeCall(call: PostCall): string {
  return `${call.method} of connection ${JSON.stringify(call.connectionId)}`
}

function isRetryableStatus(status: number): boolean {
  return status === 408 || status === 429 || status >= 500
}

function quote(body: string): string {
  const text = body.trim()
  if (text === '') return ''
  return ` (${text.length > SHOWN_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS)}…` : text})`
}

function remedy({ method }: PostCall, status: number): string {
  if (status === 403) {
    // The resource names the method, so a role may post and yet not close.
    return `allow execute-api:ManageConnections for ${method} on the API (arn:…:{api}/{stage}/${method}/@connections/*), and check the endpoint's host and stage (or mapping key)`
  }
  if (status === 400) return 'check that the connection id came from API Gateway'
  // 429 has two causes. Source: LimitExceededException in the service model.
  if (status === 429) return "the account's request rate, or this client's buffer, is full: send less at once"
  if (isRetryableStatus(status)) return 'try again later'
  return "check the endpoint's host and stage (or mapping key)"
}
