import { afterAll, beforeAll, describe } from 'vitest'
import type { RedisClient } from '../../shared/backends/redis/redis-calls.ts'
import { RedisChannelStore } from '../../shared/backends/redis/redis-channel-store.ts'
import { createRedisClient } from '../../shared/backends/redis/redis-client.ts'
import { channelStoreContract } from '../contracts/channel-store.ts'
import { connectionListingContract } from '../contracts/connection-listing.ts'
import { binarySerializer } from '../support/binary-serializer.ts'
import { hasRedis, startTestRedis, type TestRedis } from '../support/redis.ts'

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

  // Slow machines are no failure: time-outs have a test of their own.
  channelStoreContract('Redis', (setup) => new RedisChannelStore({ client, timeoutMs: 30_000, ...setup }))

  connectionListingContract(
    'Redis',
    (setup) => new RedisChannelStore({ client, timeoutMs: 30_000, ...setup }),
  )

  channelStoreContract('Redis with encrypted values', (setup) => {
    const symmetricEncryptionKeys = ['the key of this very test run', 'the key of the run before it']
    const options = { client, prefix: 'sealed', timeoutMs: 30_000, symmetricEncryptionKeys }
    return new RedisChannelStore({ ...options, ...setup })
  })

  channelStoreContract('Redis with a serializer of bytes', (setup) => {
    const options = { client, prefix: 'binary', timeoutMs: 30_000, serializer: binarySerializer }
    return new RedisChannelStore({ ...options, ...setup })
  })
})
