import { PutItemCommand, ScanCommand } from '@aws-sdk/client-dynamodb'
import { expect, it } from 'vitest'
import { startTestDynamoDB } from '../support/dynamodb.ts'

it('flush leaves alone what is no connection and no group, and nothing else, however many pages the table has', async () => {
  await using database = await startTestDynamoDB()
  const store = database.makeStore()
  const now = Date.now()
  const longGroup = 'g'.repeat(99)
  await Promise.all(
    // Together more than the 1 MB that one page of a scan has.
    Array.from({ length: 40 }, (_, index) =>
      store.create({
        connectionId: `c${index}=`,
        scope: {},
        state: { text: 'x'.repeat(60_000) },
        version: 0,
        groups: ['room', longGroup],
        connectedAt: now,
        expiresAt: Math.floor(now / 1000) + 7_800,
      }),
    ),
  )
  const other = { pk: { S: 'S#session' }, sk: { S: '#' } }
  await database.client.send(new PutItemCommand({ TableName: database.tableName, Item: other }))

  await store.flush()

  const left = await database.client.send(new ScanCommand({ TableName: database.tableName }))
  expect(left.Items).toEqual([other])
}, 60_000)
