import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { MemoryRateStore } from '../../shared/backends/memory/memory-rate-store.ts'
import { DynamoDBRateStore } from '../../shared/backends/dynamodb/dynamodb-rate-store.ts'
import { TIME_TO_LIVE_ATTRIBUTE } from '../../shared/backends/dynamodb/table.ts'
import { RedisRateStore } from '../../shared/backends/redis/redis-rate-store.ts'
import { StoreError } from '../../shared/errors.ts'
import { ManualClock } from '../../shared/testing/manual-clock.ts'
import { rateStoreContract } from '../contracts/rate-store.ts'
import { startTestDynamoDB, type TestDynamoDB } from '../support/dynamodb.ts'
import { oneRedis } from '../support/one-redis.ts'
import { hasRedis } from '../support/redis.ts'

rateStoreContract('memory', (setup) => new MemoryRateStore(setup))

it('memory forgets counts of windows that are over', async () => {
  const clock = new ManualClock()
  const store = new MemoryRateStore({ clock })
  for (let client = 0; client < 100; client += 1) await store.hit(`messages.${client}`, 10)
  await store.hit('messages.long', 60)

  await clock.advance(10_000)
  await store.hit('messages.next', 10)

  expect(store.size).toBe(2)
})

describe('one DynamoDB', () => {
  let database: TestDynamoDB

  beforeAll(async () => {
    database = await startTestDynamoDB()
  }, 60_000)
  afterAll(() => database.close())

  const options = (): ConstructorParameters<typeof DynamoDBRateStore>[0] => ({
    tableName: database.tableName,
    timeoutMs: 30_000,
    client: database.client,
  })

  rateStoreContract('DynamoDB', (setup) => new DynamoDBRateStore({ ...options(), ...setup }))

  rateStoreContract(
    'DynamoDB without the SDK',
    (setup) => new DynamoDBRateStore({ ...options(), transport: database.transport, ...setup }),
  )

  it('a hit costs one write unit, and its item goes by its time to live when the window is over', async () => {
    const units: [string, number][] = []
    const store = new DynamoDBRateStore({
      ...options(),
      transport: database.transport,
      onConsumedCapacity: (operation, count) => void units.push([operation, count]),
    })

    await store.hit('messages.ttl', 10)

    expect(units).toEqual([['UpdateItem', 1]])
    const { Items = [] } = await database.transport.Scan(
      {
        TableName: database.tableName,
        ConsistentRead: true,
        ProjectionExpression: '#pk, #ttl',
        ExpressionAttributeNames: { '#pk': 'pk', '#ttl': TIME_TO_LIVE_ATTRIBUTE },
      },
      { abortSignal: AbortSignal.timeout(30_000) },
    )
    const item = Items.find(({ pk }) => pk?.S === 'R#messages.ttl')
    expect(Number(item?.[TIME_TO_LIVE_ATTRIBUTE]?.N) % 10).toBe(0)
    expect(Number(item?.[TIME_TO_LIVE_ATTRIBUTE]?.N)).toBeGreaterThan(Date.now() / 1000 - 60)
  })

  it('connections are forgotten by a flush, and hits are not', async () => {
    const clock = new ManualClock()
    const store = new DynamoDBRateStore({ ...options(), transport: database.transport, clock })
    await store.hit('messages.kept', 86_400)

    await database.makeStore().flush()

    expect(await store.hit('messages.kept', 86_400)).toBe(2)
  })

  it('a table that does not exist is a StoreError that says so', async () => {
    const store = new DynamoDBRateStore({ ...options(), tableName: 'absent' })

    const failure: unknown = await store.hit('messages.a', 10).catch((error: unknown) => error)

    expect(failure).toBeInstanceOf(StoreError)
    expect(failure).toMatchObject({
      message: expect.stringContaining('could not count a hit of "messages.a"') as string,
    })
  })
})

describe.skipIf(!hasRedis())('one Redis', () => {
  const redis = oneRedis()

  rateStoreContract('Redis', (setup) => new RedisRateStore({ ...redis.options, ...setup }))

  it('a count expires soon after its window', async () => {
    await new RedisRateStore({ ...redis.options, prefix: 'expiring' }).hit('messages.a', 10)

    const [key = ''] = redis.ask('KEYS', 'expiring:*').split('\n')
    expect(key).toMatch(/^expiring:r:\{messages\.a:10:\d+\}$/)
    expect(Number(redis.ask('TTL', key))).toBeGreaterThan(10)
    expect(Number(redis.ask('TTL', key))).toBeLessThanOrEqual(70)
  })
})
