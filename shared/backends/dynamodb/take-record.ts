import type { Clock } from '../../clock.ts'
import { StoreError } from '../../errors.ts'
import { backOff } from './backoff.ts'
import type { DynamoDBCalls } from './dynamodb-calls.ts'
import { isThrottled } from './dynamodb-failure.ts'
import { recordKey } from './table.ts'
import type { Item } from './transport.ts'

const MAX_TRIES = 3

/**
 * Deletes the item of a connection's record. Resolves to the item as it was, expired or not, or to `undefined` if
 * there was none: of several callers exactly one gets it.
 *
 * @throws {@link StoreError} if it could not be deleted; or if it was, but the answer that held it was lost
 */
export async function takeRecord(
  calls: DynamoDBCalls,
  clock: Clock,
  connectionId: string,
): Promise<Item | undefined> {
  const attempt = `remove connection "${connectionId}"`
  const input = { TableName: calls.tableName, Key: { ...recordKey(connectionId) } }
  for (let tries = 1; ; tries += 1) {
    try {
      // Only the request that deletes the item is answered with it, so nobody may make a second one unseen.
      const output = await calls.callOnce('DeleteItem', { ...input, ReturnValues: 'ALL_OLD' }, attempt)
      return output.Attributes
    } catch (error) {
      if (!(error instanceof StoreError) || !error.retryable || tries === MAX_TRIES) throw error
      await backOff(clock, tries)
      if (isThrottled(error.cause)) continue
      const { Item: left } = await calls.call('GetItem', { ...input, ConsistentRead: true }, attempt)
      if (left === undefined) throw lostAnswer(attempt, error)
    }
  }
}

function lostAnswer(attempt: string, cause: StoreError): StoreError {
  return new StoreError(
    `could not finish to ${attempt}: the record is gone, but the answer of DynamoDB that held it was lost (${cause.message}). ` +
      'Calling again will not bring it back: disconnect() does not run unless another caller got the record, and the next send to its groups, or expiry, ends its memberships',
    { retryable: false, cause },
  )
}
