import { afterAll, beforeAll, describe } from 'vitest'
import { MemoryChannelStore } from '../../shared/backends/memory/memory-channel-store.ts'
import { RedisChannelStore } from '../../shared/backends/redis/redis-channel-store.ts'
import {
  channelLayerContract,
  channelMessagesContract,
  noMessagesContract,
} from '../contracts/channel-layer.ts'
import { startTestDynamoDB, type TestDynamoDB } from '../support/dynamodb.ts'
import { oneRedis } from '../support/one-redis.ts'
import { hasRedis } from '../support/redis.ts'

channelLayerContract('memory', (setup) => new MemoryChannelStore(setup))
channelMessagesContract('memory', (setup) => new MemoryChannelStore(setup))

describe.skipIf(!hasRedis())('one Redis', () => {
  const redis = oneRedis()

  for (const [name, options] of [
    ['Redis', {}],
    ['Redis with encrypted values', { symmetricEncryptionKeys: ['the key of this very test run'] }],
  ] as const) {
    const prefix = name.replaceAll(' ', '-')
    const makeStore = (setup: object): RedisChannelStore =>
      new RedisChannelStore({ ...redis.options, prefix, ...options, ...setup })
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
