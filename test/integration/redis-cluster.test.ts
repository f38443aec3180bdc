import type { Cluster } from 'ioredis'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { RedisClient } from '../../shared/backends/redis/redis-calls.ts'
import { RedisChannelStore } from '../../shared/backends/redis/redis-channel-store.ts'
import { createRedisClient } from '../../shared/backends/redis/redis-client.ts'
import { StoreError } from '../../shared/errors.ts'
import { channelLayerContract, channelMessagesContract } from '../contracts/channel-layer.ts'
import { channelStoreContract } from '../contracts/channel-store.ts'
import { connectionListingContract } from '../contracts/connection-listing.ts'
import { askRedis, hasRedis, startTestRedisCluster, type TestRedisCluster } from '../support/redis.ts'

describe.skipIf(!hasRedis())('a cluster of three nodes', () => {
  let cluster: TestRedisCluster
  let client: RedisClient

  beforeAll(async () => {
    cluster = await startTestRedisCluster()
    client = createRedisClient({ cluster: [...cluster.nodes], commandTimeoutMs: 30_000 })
  }, 120_000)

  afterAll(async () => {
    client.disconnect()
    await cluster.close()
  })

  channelStoreContract('Redis cluster', (setup) => {
    return new RedisChannelStore({ client, timeoutMs: 30_000, ...setup })
  })

  connectionListingContract('Redis cluster', (setup) => {
    return new RedisChannelStore({ client, timeoutMs: 30_000, ...setup })
  })

  for (const contract of [channelLayerContract, channelMessagesContract]) {
    contract('Redis cluster', (setup) => {
      return new RedisChannelStore({ client, prefix: 'layers', timeoutMs: 30_000, ...setup })
    })
  }

  it('spreads connections and groups over all nodes, and none outlives its time', async () => {
    const store = new RedisChannelStore({ client, prefix: 'spread', timeoutMs: 30_000 })
    const now = Date.now()
    const records = Array.from({ length: 60 }, (_, index) => ({
      connectionId: `spread-${index}=`,
      scope: {},
      state: {},
      version: 0,
      groups: [`room-${index}`, 'all'],
      connectedAt: now,
      expiresAt: Math.floor(now / 1000) + 7_800,
    }))

    await Promise.all(records.map((record) => store.create(record)))

    const keys = cluster.nodes.map(({ port }) => ({ port, keys: keysOf(port, 'spread:*') }))
    expect(Math.min(...keys.map(({ keys }) => keys.length))).toBeGreaterThan(10)
    expect(keys.flatMap(({ keys }) => keys)).toHaveLength(121)
    for (const { port, keys: own } of keys) {
      for (const key of own.slice(0, 5)) expect(Number(askRedis(port, 'TTL', key))).toBeGreaterThan(7_000)
    }
    await Promise.all(records.map(({ connectionId }) => store.remove(connectionId)))
    expect(cluster.nodes.flatMap(({ port }) => keysOf(port, 'spread:*'))).toEqual([])
  })

  describe('in which a membership cannot be ended', () => {
    const now = Date.now()
    const record = { scope: {}, state: {}, version: 0, groups: ['left'], connectedAt: now }
    const expiresAt = Math.floor(now / 1000) + 7_800
    const refused = Object.assign(new Error('NOPERM no'), { name: 'ReplyError' })

    /** A store whose client carries out everything but the end of a membership. */
    function hinderedStore(): RedisChannelStore {
      const hindered = new Proxy(client, {
        get: (target, name) => {
          if (name === 'zremrangebylex') return () => Promise.reject(refused)
          const value: unknown = Reflect.get(target, name, target)
          return typeof value === 'function' ? value.bind(target) : value
        },
      })
      return new RedisChannelStore({ client: hindered, prefix: 'hindered', timeoutMs: 30_000 })
    }

    // The record is on another node than the group, so the two can't be changed together.
    it('groupDiscard leaves the record naming the group, so that the end of the connection ends it', async () => {
      const store = new RedisChannelStore({ client, prefix: 'hindered', timeoutMs: 30_000 })
      await store.create({ ...record, expiresAt, connectionId: 'discarded=' })

      await expect(hinderedStore().groupDiscard('left', 'discarded=')).rejects.toThrow(StoreError)

      expect((await store.load('discarded='))?.groups).toEqual(['left'])
      await store.remove('discarded=')
      expect((await store.members('left')).members).toEqual([])
    })

    it('remove leaves what names it, so that whoever removes the connection again ends it', async () => {
      const store = new RedisChannelStore({ client, prefix: 'hindered', timeoutMs: 30_000 })
      await store.create({ ...record, expiresAt, connectionId: 'removed=' })

      const removed = await hinderedStore().remove('removed=')

      expect(removed?.membershipFailure).toBeInstanceOf(StoreError)
      expect((await store.members('left')).members).toHaveLength(1)
      expect(await store.remove('removed=')).toBeUndefined()
      expect((await store.members('left')).members).toEqual([])
    })
  })

  it('finds the whole cluster through a URL that names one node', async () => {
    const [first] = cluster.nodes
    const one = createRedisClient({ url: `redis://${first?.host}:${first?.port}?cluster=true` })
    const store = new RedisChannelStore({ client: one, timeoutMs: 30_000 })

    expect((await store.loadMany(['a', 'b', 'c', 'd', 'e', 'f'])).size).toBe(0)

    expect((one as Cluster).nodes('master')).toHaveLength(3)
    one.disconnect()
  })

  it('fails in bounded time for what a dead node has, goes on for the rest, and recovers', async () => {
    const own = createRedisClient({ cluster: [...cluster.nodes], commandTimeoutMs: 1_000 })
    const hasty = new RedisChannelStore({ client: own, timeoutMs: 1_000 })
    const patient = new RedisChannelStore({ client: own, timeoutMs: 60_000 })
    const ids = Array.from({ length: 12 }, (_, index) => `fault-${index}`)
    await patient.loadMany(ids)

    await cluster.nodes[2]?.kill()
    const outcomes = await Promise.allSettled(ids.map((id) => hasty.load(id)))
    await cluster.nodes[2]?.start()

    const failed = outcomes.filter(({ status }) => status === 'rejected')
    expect(failed.length).toBeGreaterThan(0)
    expect(failed.length).toBeLessThan(ids.length)
    for (const outcome of failed) {
      expect(outcome).toMatchObject({ reason: { code: 'STORE_FAILED', retryable: true } })
    }
    expect((await patient.loadMany(ids)).size).toBe(0)
    own.disconnect()
  }, 120_000)

  it('says what is missing when a client of one server is given a node of a cluster', async () => {
    const [first] = cluster.nodes
    const single = createRedisClient({ host: first?.host ?? '', port: first?.port ?? 0 })
    const store = new RedisChannelStore({ client: single, timeoutMs: 30_000 })

    const failures = await Promise.all(
      ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l'].map((id) =>
        store.load(id).catch((error: unknown) => error),
      ),
    )

    expect(failures).toContainEqual(
      expect.objectContaining({
        code: 'STORE_FAILED',
        retryable: false,
        message: expect.stringContaining('set cluster (in a URL, "?cluster=true")'),
      }),
    )
    single.disconnect()
  })
})

function keysOf(port: number, pattern: string): string[] {
  return askRedis(port, '--scan', '--pattern', pattern)
    .split('\n')
    .filter((key) => key !== '')
}
