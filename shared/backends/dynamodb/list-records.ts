import type { DynamoDBCalls } from './dynamodb-calls.ts'
import { PARTITION_KEY, RECORD_PARTITION } from './table.ts'
import type { Item } from './transport.ts'

/**
 * The connection id and the item of every record in the table, expired ones included. It reads the whole table, and pays
 * for what it leaves out too; eventually consistent, at half the price.
 */
export async function* listRecords(calls: DynamoDBCalls): AsyncGenerator<readonly [string, Item]> {
  let start: Item | undefined
  do {
    const output = await calls.call(
      'Scan',
      {
        TableName: calls.tableName,
        ConsistentRead: false,
        FilterExpression: 'begins_with(#pk, :records)',
        ExpressionAttributeNames: { '#pk': PARTITION_KEY },
        ExpressionAttributeValues: { ':records': { S: RECORD_PARTITION } },
        ...(start === undefined ? {} : { ExclusiveStartKey: start }),
      },
      `list the connections of table "${calls.tableName}"`,
    )
    for (const item of output.Items ?? []) {
      yield [(item[PARTITION_KEY]?.S ?? '').slice(RECORD_PARTITION.length), item]
    }
    start = output.LastEvaluatedKey
  } while (start !== undefined)
}
