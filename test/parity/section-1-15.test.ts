import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { createRedisClient, type RedisClient, RedisChannelStore } from '../../shared/backends/redis/index.ts'
import { type ChannelLayer, createChannelLayer, type Message } from '../../shared/index.ts'
import { ManualClock } from '../../shared/testing/index.ts'
import { askRedis, hasRedis, startTestRedis, type TestRedis } from '../support/redis.ts'

// 1.15 RedisChannelLayer

const PATIENT = { timeout: 30_000, interval: 20 }
const numbered = (n: number): Message => ({ type: 'numbered', n })

describe.skipIf(!hasRedis())('1.15 RedisChannelLayer', () => {
  let redis: TestRedis
  const clients: RedisClient[] = []

  beforeAll(async () => {
    redis = await startTestRedis()
  }, 60_000)

  afterEach(() => {
    for (const client of clients.splice(0)) client.disconnect()
  })

  afterAll(async () => await redis.close())

  /** A layer as another process has it: with connections of its own. */
  function newLayer({ prefix = 'asgi', url = '', clock = new ManualClock() } = {}): ChannelLayer {
    const client = createRedisClient({
      url: url === '' ? `redis://${redis.host}:${redis.port}` : url,
      commandTimeoutMs: 30_000,
    })
    clients.push(client)
    return createChannelLayer({
      store: new RedisChannelStore({ client, prefix, clock, timeoutMs: 30_000 }),
      clock,
    })
  }

  async function untilBlocked(count: number): Promise<void> {
    const isBlocked = (): void =>
      expect(askRedis(redis.port, 'INFO', 'clients')).toMatch(`blocked_clients:${count}\r`)
    await vi.waitFor(isBlocked, PATIENT)
  }

  test('`hosts` as URLs, users, TLS', async () => {
    askRedis(redis.port, 'ACL', 'SETUSER', 'ada', 'on', '>p@ss', '~asgi:*', '+@all')
    const layer = newLayer({ url: `redis://ada:p%40ss@${redis.host}:${redis.port}/3` })
    const channel = await layer.newChannel()

    await layer.send(channel, numbered(1))

    expect(askRedis(redis.port, '-n', '3', 'DBSIZE')).toBe('2')
    expect(await layer.receive(channel)).toEqual(numbered(1))
    const wrong = newLayer({ url: `redis://ada:wrong@${redis.host}:${redis.port}/3` })
    await expect(wrong.newChannel()).rejects.toMatchObject({ retryable: false })
  })

  test('`prefix`', async () => {
    const [one, other] = [newLayer({ prefix: 'one' }), newLayer({ prefix: 'other' })]
    const channel = await one.newChannel()
    await one.groupAdd('room', channel)

    expect(await other.groupSend('room', numbered(1))).toMatchObject({ delivered: 0 })
    expect(await one.groupSend('room', numbered(2))).toMatchObject({ delivered: 1 })

    expect(await one.receive(channel)).toEqual(numbered(2))
  })

  test('messages wait for who receives, across processes', async () => {
    const [one, other] = [newLayer(), newLayer()]
    const channel = await one.newChannel()

    await one.send(channel, numbered(1))
    expect(await other.receive(channel)).toEqual(numbered(1))

    const receiving = other.receive(channel)
    await untilBlocked(1)
    await one.send(channel, numbered(2))
    expect(await receiving).toEqual(numbered(2))
  })

  test('messages in flight can come twice, or be lost', async () => {
    const [one, other] = [newLayer(), newLayer()]
    const channel = await one.newChannel()
    const controller = new AbortController()
    const aborted = one.receive(channel, { signal: controller.signal })
    await untilBlocked(1)
    controller.abort()
    await expect(aborted).rejects.toThrow('aborted')

    await other.send(channel, numbered(1))
    await other.send(channel, numbered(2))

    expect([await one.receive(channel), await other.receive(channel)]).toEqual([numbered(1), numbered(2)])
  })

  test('expiry is not checked on receive', async () => {
    const clock = new ManualClock(Date.now())
    const layer = newLayer({ clock })
    const channel = await layer.newChannel()
    await layer.send(channel, numbered(1))
    await clock.advance(1)
    await layer.send(channel, numbered(2))

    await clock.advance(59_999)

    expect(await layer.receive(channel)).toEqual(numbered(2))
  })

  test('`flush`', async () => {
    const [one, other] = [newLayer({ prefix: 'one' }), newLayer({ prefix: 'other' })]
    const [mine, theirs] = [await one.newChannel(), await other.newChannel()]
    await one.groupAdd('room', mine)
    await other.groupAdd('room', theirs)

    await one.flush()

    expect(await one.groupSend('room', numbered(1))).toMatchObject({ delivered: 0 })
    expect(await other.groupSend('room', numbered(2))).toMatchObject({ delivered: 1 })
  })
})
