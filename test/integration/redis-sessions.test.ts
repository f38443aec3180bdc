import { describe, expect, it } from 'vitest'
import { RedisChannelStore } from '../../shared/backends/redis/redis-channel-store.ts'
import { createRedisClient } from '../../shared/backends/redis/redis-client.ts'
import { RedisSessionStore } from '../../shared/backends/redis/redis-session-store.ts'
import { StoreError } from '../../shared/errors.ts'
import { sessionStoreContract } from '../contracts/session-store.ts'
import { oneRedis } from '../support/one-redis.ts'
import { freePort, hasRedis } from '../support/redis.ts'

describe.skipIf(!hasRedis())('one Redis', () => {
  const redis = oneRedis()

  sessionStoreContract('Redis', (setup) => new RedisSessionStore({ ...redis.options, ...setup }))

  sessionStoreContract('Redis with encrypted values', (setup) => {
    const symmetricEncryptionKeys = ['the key of this very test run']
    const options = { ...redis.options, prefix: 'sealed', symmetricEncryptionKeys }
    return new RedisSessionStore({ ...options, ...setup })
  })

  describe('sessions in Redis', () => {
    const expiresAt = Math.floor(Date.now() / 1000) + 3_600

    it('expire in the server too, and last longer when they are saved', async () => {
      const store = new RedisSessionStore({ ...redis.options, prefix: 'ttl' })
      const secondsLeft = (): number => Number(redis.ask('TTL', 'ttl:s:{key}'))

      await store.create('key', { data: { a: 1 }, expiresAt })
      const before = secondsLeft()
      await store.save('key', { set: {}, remove: [], expiresAt: expiresAt + 3_600 })

      expect(before).toBeGreaterThan(0)
      expect(before).toBeLessThanOrEqual(3_600)
      expect(secondsLeft()).toBeGreaterThan(3_600)
    })

    it('stay when the channel layer of the same prefix is flushed', async () => {
      const options = { ...redis.options, prefix: 'shared' }
      const store = new RedisSessionStore(options)
      await store.create('key', { data: { a: 1 }, expiresAt })

      await new RedisChannelStore(options).flush()

      expect((await store.load('key'))?.data).toEqual({ a: 1 })
    })

    it('say which session could not be loaded when the server is down', async () => {
      await using resources = new AsyncDisposableStack()
      const nowhere = createRedisClient({ host: '127.0.0.1', port: await freePort() })
      resources.defer(() => nowhere.disconnect())

      const failure = new RedisSessionStore({ client: nowhere, timeoutMs: 200 }).load('lost')

      await expect(failure).rejects.toThrow(StoreError)
      await expect(failure).rejects.toThrow(/^could not load session "lost": /)
    })
  })
})
