import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { RedisClient } from '../../shared/backends/redis/redis-calls.ts'
import { RedisChannelStore } from '../../shared/backends/redis/redis-channel-store.ts'
import { createRedisClient } from '../../shared/backends/redis/redis-client.ts'
import { RedisSessionStore } from '../../shared/backends/redis/redis-session-store.ts'
import { StoreError } from '../../shared/errors.ts'
import { sessionStoreContract } from '../contracts/session-store.ts'
import { askRedis, freePort, hasRedis, startTestRedis, type TestRedis } from '../support/redis.ts'

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

  sessionStoreContract('Redis', (setup) => new RedisSessionStore({ client, timeoutMs: 30_000, ...setup }))

  sessionStoreContract('Redis with encrypted values', (setup) => {
    const symmetricEncryptionKeys = ['the key of this very test run']
    const options = { client, prefix: 'sealed', timeoutMs: 30_000, symmetricEncryptionKeys }
    return new RedisSessionStore({ ...options, ...setup })
  })

  describe('sessions in Redis', () => {
    const expiresAt = Math.floor(Date.now() / 1000) + 3_600

    it('expire in the server too, and last longer when they are saved', async () => {
      const store = new RedisSessionStore({ client, prefix: 'ttl', timeoutMs: 30_000 })
      const secondsLeft = (): number => Number(askRedis(redis.port, 'TTL', 'ttl:s:{key}'))

      await store.create('key', { data: { a: 1 }, expiresAt })
      const before = secondsLeft()
      await store.save('key', { set: {}, remove: [], expiresAt: expiresAt + 3_600 })

      expect(before).toBeGreaterThan(0)
      expect(before).toBeLessThanOrEqual(3_600)
      expect(secondsLeft()).toBeGreaterThan(3_600)
    })

    it('stay when the channel layer of the same prefix is flushed', async () => {
      const options = { client, prefix: 'shared', timeoutMs: 30_000 }
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
