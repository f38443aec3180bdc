import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { RedisClient } from '../../shared/backends/redis/redis-calls.ts'
import { RedisChannelStore } from '../../shared/backends/redis/redis-channel-store.ts'
import { createRedisClient } from '../../shared/backends/redis/redis-client.ts'
import type { ConnectionRecord } from '../../shared/stores/channel-store.ts'
import { type RedisProxy, startRedisProxy } from '../support/redis-proxy.ts'
import { askRedis, hasRedis, startTestRedis, type TestRedis } from '../support/redis.ts'

/** What docs/topics/redis.md says that each act costs. */
describe.skipIf(!hasRedis())('what an act costs in Redis', () => {
  let redis: TestRedis
  let proxy: RedisProxy
  let client: RedisClient
  let store: RedisChannelStore

  beforeEach(async () => {
    redis = await startTestRedis()
    proxy = await startRedisProxy(redis, 100)
    client = createRedisClient({ host: proxy.host, port: proxy.port, commandTimeoutMs: 30_000 })
    store = new RedisChannelStore({ client, timeoutMs: 30_000 })
    await warmUp()
  })

  afterEach(async () => {
    client.disconnect()
    await proxy[Symbol.asyncDispose]()
    await redis.close()
  })

  function record(connectionId: string, groups: readonly string[] = []): ConnectionRecord {
    const now = Date.now()
    const expiresAt = Math.floor(now / 1000) + 7_800
    return { connectionId, scope: {}, state: {}, version: 0, groups, connectedAt: now, expiresAt }
  }

  /** Scripts are sent once. */
  async function warmUp(): Promise<void> {
    await store.create(record('warm', ['warm']))
    await store.groupAdd('up', 'warm')
    await store.saveState('warm', { set: { a: 1 }, remove: [] })
    await store.remove('warm')
  }

  /** Commands that were sent, scripts being one each, and how often an answer was waited for. */
  async function costOf(act: () => Promise<unknown>): Promise<{ commands: number; roundTrips: number }> {
    askRedis(redis.port, 'CONFIG', 'RESETSTAT')
    const before = proxy.roundTrips()
    await act()
    const roundTrips = proxy.roundTrips() - before
    const calls = askRedis(redis.port, 'INFO', 'commandstats').matchAll(/cmdstat_([\w|]+):calls=(\d+)/g)
    const sent = new Map([...calls].map(([, name = '', count]) => [name, Number(count)]))
    // What runs within a script is counted too; scripts run none of these.
    const commands = ['evalsha', 'eval', 'hgetall', 'zrangebylex', 'zremrangebylex', 'hdel', 'zrem', 'del']
    return { commands: commands.reduce((sum, name) => sum + (sent.get(name) ?? 0), 0), roundTrips }
  }

  it('connects with one group by 2 commands in one round trip', async () => {
    expect(await costOf(() => store.create(record('a', ['room'])))).toEqual({ commands: 2, roundTrips: 1 })
  })

  it('connects with 24 groups in one round trip', async () => {
    const groups = Array.from({ length: 24 }, (_, index) => `room-${index}`)

    expect(await costOf(() => store.create(record('a', groups)))).toEqual({ commands: 25, roundTrips: 1 })
  })

  it('loads a connection by 1 command, and 250 by as many in 3 round trips', async () => {
    const ids = Array.from({ length: 250 }, (_, index) => `c${index}`)

    expect(await costOf(() => store.load('a'))).toEqual({ commands: 1, roundTrips: 1 })
    expect(await costOf(() => store.loadMany(ids))).toEqual({ commands: 250, roundTrips: 3 })
  })

  it('saves state by 1 command, on condition too', async () => {
    await store.create(record('a'))

    const write = { set: { a: 1 }, remove: [] }
    expect(await costOf(() => store.saveState('a', write))).toEqual({ commands: 1, roundTrips: 1 })
    expect(await costOf(() => store.saveStateIf('a', 1, write))).toEqual({ commands: 1, roundTrips: 1 })
    expect(await costOf(() => store.saveStateIf('a', 1, write))).toEqual({ commands: 1, roundTrips: 1 })
  })

  it('adds to a group by 2 commands one after the other, and discards by 2 at once', async () => {
    await store.create(record('a'))

    expect(await costOf(() => store.groupAdd('room', 'a'))).toEqual({ commands: 2, roundTrips: 2 })
    expect(await costOf(() => store.groupDiscard('room', 'a'))).toEqual({ commands: 2, roundTrips: 1 })
    expect(await costOf(() => store.groupAdd('room', 'gone'))).toEqual({ commands: 1, roundTrips: 1 })
  })

  it('reads 1000 members by 1 command', async () => {
    const ids = Array.from({ length: 1_000 }, (_, index) => `c${index}`)
    await Promise.all(ids.map((id) => store.create(record(id, ['room']))))

    expect(await costOf(() => store.members('room'))).toEqual({ commands: 1, roundTrips: 1 })
  })

  it('disconnects with G groups by 2 + G commands in 2 round trips, and a second time by 1', async () => {
    await store.create(record('a', ['x', 'y', 'z']))

    // The script's own HGETALL is counted besides.
    expect(await costOf(() => store.remove('a'))).toEqual({ commands: 2 + 3 + 1, roundTrips: 2 })
    expect(await costOf(() => store.remove('a'))).toEqual({ commands: 1, roundTrips: 1 })
  })
})
