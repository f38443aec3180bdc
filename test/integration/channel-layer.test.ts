import { afterAll, beforeAll, describe } from 'vitest'
import { MemoryChannelStore } from '../../shared/backends/memory/memory-channel-store.ts'
import type { RedisClient } from '../../shared/backends/redis/redis-calls.ts'
import { RedisChannelStore } from '../../shared/backends/redis/redis-channel-store.ts'
import { createRedisClient } from '../../shared/backends/redis/redis-client.ts'
import {
  channelLayerContract,
  channelMessagesContract,
  noMessagesContract,
} from '../contracts/channel-layer.ts'
import { startTestDynamoDB, type TestDynamoDB } from '../support/dynamodb.ts'
import { hasRedis, startTestRedis, type TestRedis } from '../support/redis.ts'

channelLayerContract('memory', (setup) => new MemoryChannelStore(setup))
channelMessagesContract('memory', (setup) => new MemoryChannelStore(setup))

describe.skipIf(!hasRedis())('one Redis', () => {
  let redis: TestRedis
  let client: RedisClient

  beforeAll(async () => {
    redis = await startTestRedis()
    client = createRedisClient({ host: redis.host, port: redis.port, commandTimeoutMs: 30_000 })
  }, 60_000)

  afterAll(async () => {
    client.disconnect()
    await redis.close()
  })

  for (const [name, options] of [
    ['Redis', {}],
    ['Redis with encrypted values', { symmetricEncryptionKeys: ['the key of this very test run'] }],
  ] as const) {
    const prefix = name.replaceAll(' ', '-')
    const makeStore = (setup: object): RedisChannelStore =>
      new RedisChannelStore({ client, prefix, timeoutMs: 30_000, ...options, ...setup })
    channelLayerContract(name, makeStore)
    channelMessagesContract(name, makeStore)
  }
})

describe('one DynamoDB', () => {
  let database: TestDynamoDB

  beforeAll(async () => {
    database = await startTestDynamoDB()
  }, 60_000)

  afterAll(async () => await database.close())

  for (const [name, transport] of [
    ['DynamoDB', () => ({})],
    ['DynamoDB without the SDK', () => ({ transport: database.transport })],
  ] as const) {
    channelLayerContract(name, (setup) => database.makeStore({ ...setup, ...transport() }))
    noMessagesContract(name, (setup) => database.makeStore({ ...setup, ...transport() }))
  }
})
