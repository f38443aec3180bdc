import { describe } from 'vitest'
import { createRedisClient } from '../../shared/backends/redis/redis-client.ts'
import { RedisChannelStore } from '../../shared/backends/redis/redis-channel-store.ts'
import { testHandlers } from '../contracts/handlers.ts'
import { hasRedis, startTestRedis } from '../support/redis.ts'

describe.skipIf(!hasRedis())('with a redis-server', () => {
  testHandlers('Redis', async () => {
    const redis = await startTestRedis()
    const client = createRedisClient({ host: redis.host, port: redis.port })
    const close = async (): Promise<void> => {
      client.disconnect()
      await redis.close()
    }
    return { store: new RedisChannelStore({ client }), close }
  })
})
