import { expect, it } from 'vitest'
import { dynamodbFailure, isConditionFailure } from '../../../../shared/backends/dynamodb/dynamodb-failure.ts'
import { InvalidStateError, StoreError } from '../../../../shared/errors.ts'
import { HttpFailure } from '../../../../shared/http/http-failure.ts'
import { sdkError } from '../../../support/fake-transport.ts'

const context = {
  attempt: 'load connection "abc="',
  operation: 'GetItem',
  tableName: 'channels',
  timeoutMs: 5_000,
}

const networkError = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' })

it.each([
  ['a throttled table', sdkError('ProvisionedThroughputExceededException', 400), true],
  ['a throttled account', sdkError('ThrottlingException', 400), true],
  ['a hot key', sdkError('RequestLimitExceeded', 400), true],
  ['status 429', sdkError('Unheard', 429), true],
  ['status 500', sdkError('InternalServerError', 500), true],
  ['status 503', sdkError('ServiceUnavailable', 503), true],
  ['a time-out', sdkError('TimeoutError', undefined), true],
  ['an abort', sdkError('AbortError', undefined), true],
  ['a network failure', networkError, true],
  ['a refused connection', new HttpFailure('connect', 'no connection', networkError), true],
  ['a connection that takes too long', new HttpFailure('connect', 'no connection in 5 ms'), true],
  ['an answer that breaks off', new HttpFailure('reset', 'the socket was closed'), true],
  ['an answer that takes too long', new HttpFailure('time-out', 'no answer'), true],
  ['an answer that is damaged', new HttpFailure('garbage', 'the peer sent a bad checksum'), true],
  [
    'a certificate that is not trusted',
    new HttpFailure(
      'connect',
      'no connection',
      Object.assign(new Error('bad'), { code: 'CERT_HAS_EXPIRED' }),
    ),
    false,
  ],
  ['a table that does not exist', sdkError('ResourceNotFoundException', 400), false],
  ['a missing grant', sdkError('AccessDeniedException', 400), false],
  ['missing credentials', sdkError('CredentialsProviderError', undefined), false],
  ['an invalid request', sdkError('ValidationException', 400), false],
  ['a missing region', new Error('Region is missing'), false],
  [
    'a package that is missing',
    Object.assign(new Error('Cannot find package'), { code: 'ERR_MODULE_NOT_FOUND' }),
    false,
  ],
  ['something that is no error', 'a string', false],
])('%s is a StoreError with retryable as it should be', (_, error, retryable) => {
  const failure = dynamodbFailure(error, context)

  expect(failure).toBeInstanceOf(StoreError)
  expect(failure).toMatchObject({ retryable, code: 'STORE_FAILED', cause: error })
  expect(failure.message).toMatch(/^could not load connection "abc=": DynamoDB GetItem on table "channels" /)
})

it('an item that is too large is an InvalidStateError with the limit, whichever operation says it', () => {
  for (const message of [
    'Item size has exceeded the maximum allowed size',
    'Item size to update has exceeded the maximum allowed size',
  ]) {
    const failure = dynamodbFailure(sdkError('ValidationException', 400, message), context)

    expect(failure).toBeInstanceOf(InvalidStateError)
    expect(failure.message).toContain('400 KB')
  }
})

it('says what to do about a table that does not exist', () => {
  const failure = dynamodbFailure(sdkError('ResourceNotFoundException', 400), context)

  expect(failure.message).toMatchInlineSnapshot(
    `"could not load connection "abc=": DynamoDB GetItem on table "channels" failed because there is no such table in this account and region: deploy the stack, or set the table name and region it was deployed with"`,
  )
})

it.each([sdkError('TimeoutError', undefined), new HttpFailure('time-out', 'no answer in 5 ms')])(
  'says of %o that a write may have been made',
  (error) => {
    expect(dynamodbFailure(error, context).message).toContain('gave no answer in time (at most 5000 ms)')
  },
)

it('knows a condition that did not hold by its name', () => {
  expect(isConditionFailure(sdkError('ConditionalCheckFailedException', 400))).toBe(true)
  expect(isConditionFailure(sdkError('ValidationException', 400))).toBe(false)
  expect(isConditionFailure({ name: 'ConditionalCheckFailedException' })).toBe(false)
})
