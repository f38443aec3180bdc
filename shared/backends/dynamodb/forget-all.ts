import type { Clock } from '../../clock.ts'
import { batchWrite } from './batch-write.ts'
import type { DynamoDBCalls } from './dynamodb-calls.ts'
import { isOwnPartition, PARTITION_KEY, SORT_KEY } from './table.ts'
import type { Item } from './transport.ts'

/**
 * Deletes every record and membership in the table, and nothing that others keep there. It reads the whole table: for
 * tests and development. What is written meanwhile may stay.
 */
export async function forgetAll(calls: DynamoDBCalls, clock: Clock): Promise<void> {
  const attempt = `delete all connections and groups of table "${calls.tableName}"`
  let start: Item | undefined
  do {
    const output = await calls.call(
      'Scan',
      {
        TableName: calls.tableName,
        ConsistentRead: true,
        ProjectionExpression: '#pk, #sk',
        ExpressionAttributeNames: { '#pk': PARTITION_KEY, '#sk': SORT_KEY },
        ...(start === undefined ? {} : { ExclusiveStartKey: start }),
      },
      attempt,
    )
    const keys = (output.Items ?? []).filter((item) => isOwnPartition(item[PARTITION_KEY]?.S ?? ''))
    await batchWrite(calls, clock, {
      requests: keys.map((Key) => ({ DeleteRequest: { Key } })),
      attempt,
    })
    start = output.LastEvaluatedKey
  } while (start !== undefined)
}
