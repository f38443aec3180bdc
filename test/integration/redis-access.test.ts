import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { redisAccessString } from '../../cdk/redis-access.ts'
import type { RedisClient } from '../../shared/backends/redis/redis-calls.ts'
import { RedisChannelStore } from '../../shared/backends/redis/redis-channel-store.ts'
import { createRedisClient } from '../../shared/backends/redis/redis-client.ts'
import { RedisRateStore } from '../../shared/backends/redis/redis-rate-store.ts'
import { RedisSessionStore } from '../../shared/backends/redis/redis-session-store.ts'
import { RedisTicketStore } from '../../shared/backends/redis/redis-ticket-store.ts'
import { channelLayerContract, channelMessagesContract } from '../contracts/channel-layer.ts'
import { channelStoreContract } from '../contracts/channel-store.ts'
import { connectionListingContract } from '../contracts/connection-listing.ts'
import { rateStoreContract } from '../contracts/rate-store.ts'
import { sessionStoreContract } from '../contracts/session-store.ts'
import { ticketStoreContract } from '../contracts/ticket-store.ts'
import { startTestCache, type TestCache } from '../support/elasticache.ts'
import { hasRedis } from '../support/redis.ts'
import { testCertificate } from '../support/test-certificate.ts'

const SLOW = 30_000

describe.skipIf(!hasRedis() || !testCertificate())('a cache whose user may what cdk/ gives it', () => {
  let cache: TestCache
  let client: RedisClient

  beforeAll(async () => {
    cache = await startTestCache({ isCluster: true, accessString: redisAccessString('chat') })
    cache.acceptOnly('pass')
    const url = cache.url.replace('//', '//chat:pass@')
    client = createRedisClient({ url, tls: { ca: cache.ca }, commandTimeoutMs: SLOW })
  }, 60_000)

  afterAll(async () => {
    client.disconnect()
    await cache[Symbol.asyncDispose]()
  })

  // Below the prefix that is allowed, each has its own.
  const options = (kind: string): { client: RedisClient; prefix: string; timeoutMs: number } => {
    return { client, prefix: `chat:${kind}`, timeoutMs: SLOW }
  }
  const name = 'Redis with the rights of a function'
  channelStoreContract(name, (setup) => new RedisChannelStore({ ...options('store'), ...setup }))
  connectionListingContract(name, (setup) => new RedisChannelStore({ ...options('listing'), ...setup }))
  channelLayerContract(name, (setup) => new RedisChannelStore({ ...options('layer'), ...setup }))
  channelMessagesContract(name, (setup) => new RedisChannelStore({ ...options('messages'), ...setup }))
  sessionStoreContract(name, (setup) => new RedisSessionStore({ ...options('sessions'), ...setup }))
  ticketStoreContract(name, (setup) => new RedisTicketStore({ ...options('tickets'), ...setup }))
  rateStoreContract(name, (setup) => new RedisRateStore({ ...options('rates'), ...setup }))

  it.each([
    ['keys of others', () => client.hget('other:c:{a}', 'scope')],
    ['what deletes everything', () => client.flushall()],
    ['what tells all keys', () => client.keys('*')],
    ['the settings', () => client.config('GET', '*')],
    ['publishing', () => client.publish('chat:news', 'hello')],
    ['the cluster', () => client.cluster('RESET')],
    ['users', () => client.acl('LIST')],
  ])('%s may not be touched', async (_, attempt) => {
    await expect(attempt()).rejects.toThrow(/NOPERM/)
  })
})
