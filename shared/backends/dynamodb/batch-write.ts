import type { Clock } from '../../clock.ts'
import { StoreError } from '../../errors.ts'
import { BATCH_ATTEMPTS, backOff } from './backoff.ts'
import type { DynamoDBCalls } from './dynamodb-calls.ts'
import { PARTITION_KEY, SORT_KEY } from './table.ts'
import type { WriteRequest } from './transport.ts'

// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html
const ITEMS_PER_BATCH = 25

/**
 * Puts and deletes items, 25 at a time and in order, each batch one request; what DynamoDB leaves unprocessed is
 * sent again. No two requests may have the same key.
 *
 * @throws {@link StoreError} saying which items were not written
 */
export async function batchWrite(
  calls: DynamoDBCalls,
  clock: Clock,
  batch: { readonly requests: readonly WriteRequest[]; readonly attempt: string },
): Promise<void> {
  const { requests, attempt } = batch
  for (let start = 0; start < requests.length; start += ITEMS_PER_BATCH) {
    const end = start + ITEMS_PER_BATCH
    const left = await writeOnce(calls, clock, {
      requests: requests.slice(start, end),
      attempt: start === 0 ? attempt : `${attempt} (${start} of ${requests.length} items are written)`,
    })
    if (left.length > 0) throw unfinished(attempt, requests.length, [...left, ...requests.slice(end)])
  }
}

async function writeOnce(
  calls: DynamoDBCalls,
  clock: Clock,
  batch: { readonly requests: WriteRequest[]; readonly attempt: string },
): Promise<readonly WriteRequest[]> {
  let left = batch.requests
  for (let sent = 1; ; sent += 1) {
    const output = await calls.call(
      'BatchWriteItem',
      { RequestItems: { [calls.tableName]: left } },
      batch.attempt,
    )
    left = output.UnprocessedItems?.[calls.tableName] ?? []
    if (left.length === 0 || sent === BATCH_ATTEMPTS) return left
    await backOff(clock, sent)
  }
}

function unfinished(attempt: string, count: number, undone: readonly WriteRequest[]): StoreError {
  const shown = undone.slice(0, 3).map((request) => {
    const key = request.PutRequest?.Item ?? request.DeleteRequest?.Key
    return `${key?.[PARTITION_KEY]?.S} ${key?.[SORT_KEY]?.S}`
  })
  return new StoreError(
    `could not ${attempt}: ${count - undone.length} of ${count} items were written, DynamoDB left ${undone.length} unprocessed in ${BATCH_ATTEMPTS} tries (${shown.join(', ')}${undone.length > 3 ? ', …' : ''}): call again later, or raise the table's capacity`,
    { retryable: true },
  )
}
