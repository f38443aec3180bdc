import { describe, expect, it } from 'vitest'
import { RedisChannelStore } from '../../shared/backends/redis/redis-channel-store.ts'
import type { ConnectionRecord, MemberPage, MemberRange } from '../../shared/stores/channel-store.ts'
import { ManualClock } from '../../shared/testing/manual-clock.ts'
import { channelStoreContract } from '../contracts/channel-store.ts'
import { connectionListingContract } from '../contracts/connection-listing.ts'
import { binarySerializer } from '../support/binary-serializer.ts'
import { oneRedis } from '../support/one-redis.ts'
import { hasRedis } from '../support/redis.ts'

describe.skipIf(!hasRedis())('one Redis', () => {
  const redis = oneRedis()

  // Slow machines are no failure: time-outs have a test of their own.
  channelStoreContract('Redis', (setup) => new RedisChannelStore({ ...redis.options, ...setup }))

  connectionListingContract('Redis', (setup) => new RedisChannelStore({ ...redis.options, ...setup }))

  channelStoreContract('Redis with encrypted values', (setup) => {
    const symmetricEncryptionKeys = ['the key of this very test run', 'the key of the run before it']
    const options = { ...redis.options, prefix: 'sealed', symmetricEncryptionKeys }
    return new RedisChannelStore({ ...options, ...setup })
  })

  channelStoreContract('Redis with a serializer of bytes', (setup) => {
    const options = { ...redis.options, prefix: 'binary', serializer: binarySerializer }
    return new RedisChannelStore({ ...options, ...setup })
  })

  function recordOf(connectionId: string, expiresAt: number): ConnectionRecord {
    const nothing = { scope: {}, state: {}, version: 0 }
    return { ...nothing, connectionId, groups: ['room'], connectedAt: Date.now(), expiresAt }
  }

  it('removes members that have expired from the group when it is read, page by page, and no others', async () => {
    const clock = new ManualClock(Date.now())
    const store = new RedisChannelStore({ ...redis.options, clock, prefix: 'expiring', pageSize: 2 })
    const now = Math.floor(clock.now() / 1000)
    const [short, long] = [
      ['a=', 'b=', 'c='],
      ['d=', 'e='],
    ]
    for (const id of short) await store.create(recordOf(id, now + 60))
    for (const id of long) await store.create(recordOf(id, now + 6_000))
    await clock.advance(60_000)

    const found: string[] = []
    for (let range: MemberRange | undefined = {}; range;) {
      const page: MemberPage = await store.members('room', range)
      found.push(...page.members.map(({ connectionId }) => connectionId))
      range = page.next === undefined ? undefined : { after: page.next }
    }

    expect(found.toSorted()).toEqual(long)
    expect(redis.ask('ZCARD', 'expiring:g:{room}')).toBe('2')
  })

  it('gives a record that cannot be read as the reason why, and the others of its batch as ever', async () => {
    const expiresAt = Math.floor(Date.now() / 1000) + 6_000
    const symmetricEncryptionKeys = ['the key of this very test run']
    const options = { ...redis.options, prefix: 'mixed' }
    const store = new RedisChannelStore(options)
    const [first, sealed, last] = ['first=', 'sealed=', 'last='].map((id) => recordOf(id, expiresAt))
    for (const record of [first, last]) await store.create(record ?? recordOf('', 0))
    await new RedisChannelStore({ ...options, symmetricEncryptionKeys }).create(sealed ?? recordOf('', 0))

    const loaded = await store.loadMany(['first=', 'sealed=', 'last='])

    expect([loaded.get('first='), loaded.get('last=')]).toEqual([first, last])
    expect(loaded.get('sealed=')).toMatchObject({
      code: 'STORE_FAILED',
      retryable: false,
      message: expect.stringContaining('is stored encrypted'),
    })
    const list = async (): Promise<void> => {
      for await (const record of store.connections()) expect(record).not.toBeInstanceOf(Error)
    }
    await expect(list()).rejects.toThrow('is stored encrypted')
  })
})
