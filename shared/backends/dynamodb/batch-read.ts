import type { Clock } from '../../clock.ts'
import { StoreError } from '../../errors.ts'
import { BATCH_ATTEMPTS, backOff } from './backoff.ts'
import type { DynamoDBCalls } from './dynamodb-calls.ts'
import type { ItemKey } from './table.ts'
import type { Item } from './transport.ts'

// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html
const KEYS_PER_BATCH = 100

/**
 * Reads items strongly consistently, 100 at a time; keys that DynamoDB leaves unprocessed are asked for again.
 * No two keys may be the same.
 *
 * @throws {@link StoreError} if some could not be read
 */
export async function batchRead(
  calls: DynamoDBCalls,
  clock: Clock,
  batch: { readonly keys: readonly ItemKey[]; readonly attempt: string },
): Promise<Item[]> {
  const starts = Array.from(
    { length: Math.ceil(batch.keys.length / KEYS_PER_BATCH) },
    (_, index) => index * KEYS_PER_BATCH,
  )
  const pages = await Promise.all(
    starts.map((start) =>
      readBatch(calls, clock, { ...batch, keys: batch.keys.slice(start, start + KEYS_PER_BATCH) }),
    ),
  )
  return pages.flat()
}

async function readBatch(
  calls: DynamoDBCalls,
  clock: Clock,
  batch: { readonly keys: readonly ItemKey[]; readonly attempt: string },
): Promise<Item[]> {
  const items: Item[] = []
  let keys = batch.keys.map((key): Item => ({ ...key }))
  for (let tries = 1; ; tries += 1) {
    const before = keys.length
    const request = { Keys: keys, ConsistentRead: true }
    const output = await calls.call(
      'BatchGetItem',
      { RequestItems: { [calls.tableName]: request } },
      batch.attempt,
    )
    items.push(...(output.Responses?.[calls.tableName] ?? []))
    keys = output.UnprocessedKeys?.[calls.tableName]?.Keys ?? []
    if (keys.length === 0) return items
    // An answer is cut at 16 MB, which is progress and no reason to give up or wait.
    if (keys.length < before) tries = 0
    else if (tries >= BATCH_ATTEMPTS) throw unfinished(batch.attempt, batch.keys.length, keys.length)
    else await backOff(clock, tries)
  }
}

function unfinished(attempt: string, count: number, left: number): StoreError {
  return new StoreError(
    `could not ${attempt}: ${count - left} of ${count} records were read, DynamoDB left ${left} unprocessed in ${BATCH_ATTEMPTS} tries: call again later, or raise the table's capacity`,
    { retryable: true },
  )
}
