import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { DynamoDBTicketStore } from '../../shared/backends/dynamodb/dynamodb-ticket-store.ts'
import { TIME_TO_LIVE_ATTRIBUTE } from '../../shared/backends/dynamodb/table.ts'
import { MemoryTicketStore } from '../../shared/backends/memory/memory-ticket-store.ts'
import { RedisTicketStore } from '../../shared/backends/redis/redis-ticket-store.ts'
import { StoreError } from '../../shared/errors.ts'
import { ticketStoreContract } from '../contracts/ticket-store.ts'
import { startTestDynamoDB, type TestDynamoDB } from '../support/dynamodb.ts'
import { oneRedis } from '../support/one-redis.ts'
import { hasRedis } from '../support/redis.ts'

const symmetricEncryptionKeys = ['the key of this very test run']
const expiresAt = Math.floor(Date.now() / 1000) + 60

ticketStoreContract('memory', (setup) => new MemoryTicketStore(setup))

describe('one DynamoDB', () => {
  let database: TestDynamoDB

  beforeAll(async () => {
    database = await startTestDynamoDB()
  }, 60_000)
  afterAll(() => database.close())

  const options = (): ConstructorParameters<typeof DynamoDBTicketStore>[0] => ({
    tableName: database.tableName,
    timeoutMs: 30_000,
    client: database.client,
  })

  ticketStoreContract('DynamoDB', (setup) => new DynamoDBTicketStore({ ...options(), ...setup }))

  ticketStoreContract(
    'DynamoDB without the SDK',
    (setup) => new DynamoDBTicketStore({ ...options(), transport: database.transport, ...setup }),
  )

  ticketStoreContract(
    'DynamoDB with encrypted values',
    (setup) => new DynamoDBTicketStore({ ...options(), symmetricEncryptionKeys, ...setup }),
  )

  it('a ticket costs two write units, and goes by its time to live if nobody takes it', async () => {
    const costs: string[] = []
    const store = new DynamoDBTicketStore({
      ...options(),
      onConsumedCapacity: (operation, units) => void costs.push(`${operation} ${units}`),
    })

    await store.put('cost', { data: { user: { id: 'ann' } }, expiresAt })
    const { Item: item } = await database.transport.GetItem(
      { TableName: database.tableName, Key: { pk: { S: 'T#cost' }, sk: { S: '#' } } },
      { abortSignal: AbortSignal.timeout(30_000) },
    )
    await store.take('cost')

    expect(costs).toEqual(['PutItem 1', 'DeleteItem 1'])
    expect(item?.[TIME_TO_LIVE_ATTRIBUTE]?.N).toBe(String(expiresAt))
  })

  it('a table that does not exist is a StoreError that says so', async () => {
    const store = new DynamoDBTicketStore({ ...options(), tableName: 'absent' })

    await expect(store.take('lost')).rejects.toThrow(StoreError)
    await expect(store.take('lost')).rejects.toThrow(/^could not take ticket "lost": /)
  })
})

describe.skipIf(!hasRedis())('one Redis', () => {
  const redis = oneRedis()

  ticketStoreContract('Redis', (setup) => new RedisTicketStore({ ...redis.options, ...setup }))

  ticketStoreContract(
    'Redis with encrypted values',
    (setup) =>
      new RedisTicketStore({ ...redis.options, prefix: 'sealed', symmetricEncryptionKeys, ...setup }),
  )

  it('a ticket expires in the server too, and is gone when it was taken', async () => {
    const store = new RedisTicketStore({ ...redis.options, prefix: 'ttl' })
    await store.put('a', { data: { a: 1 }, expiresAt })

    expect(Number(redis.ask('TTL', 'ttl:t:{a}'))).toBeGreaterThan(0)
    await store.take('a')

    expect(redis.ask('EXISTS', 'ttl:t:{a}')).toBe('0')
  })

  it('an encrypted ticket shows nothing of its user', async () => {
    const store = new RedisTicketStore({ ...redis.options, prefix: 'hidden', symmetricEncryptionKeys })

    await store.put('a', { data: { user: { id: 'ann of the north' } }, expiresAt })

    expect(redis.ask('GET', 'hidden:t:{a}')).not.toContain('ann')
  })
})
