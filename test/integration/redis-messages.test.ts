import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import type { RedisClient } from '../../shared/backends/redis/redis-calls.ts'
import { RedisChannelStore } from '../../shared/backends/redis/redis-channel-store.ts'
import { createRedisClient } from '../../shared/backends/redis/redis-client.ts'
import type { ValueCodecOptions } from '../../shared/stores/value-codec.ts'
import type { ChannelLayer } from '../../shared/channel-layer.ts'
import { StoreError } from '../../shared/errors.ts'
import { createChannelLayer } from '../../shared/layers/create-channel-layer.ts'
import { askRedis, hasRedis, startTestRedis, type TestRedis } from '../support/redis.ts'

const PATIENT = { timeout: 30_000, interval: 20 }

describe.skipIf(!hasRedis())('messages in Redis', () => {
  let redis: TestRedis
  const clients: RedisClient[] = []

  beforeAll(async () => {
    redis = await startTestRedis()
  }, 60_000)

  afterEach(() => {
    for (const client of clients.splice(0)) client.disconnect()
  })

  afterAll(async () => await redis.close())

  /** A store as another process has it: with connections of its own. */
  function newStore(prefix = 'channels', options: ValueCodecOptions = {}): RedisChannelStore {
    const client = createRedisClient({ host: redis.host, port: redis.port, commandTimeoutMs: 30_000 })
    clients.push(client)
    return new RedisChannelStore({ client, prefix, timeoutMs: 30_000, ...options })
  }

  async function untilBlocked(count: number): Promise<void> {
    await vi.waitFor(
      () => expect(askRedis(redis.port, 'INFO', 'clients')).toMatch(`blocked_clients:${count}\r`),
      PATIENT,
    )
  }

  it('come from another process to one that waits', async () => {
    const [waiting, sending] = [
      createChannelLayer({ store: newStore() }),
      createChannelLayer({ store: newStore() }),
    ]
    const channel = await waiting.newChannel()
    const receiving = waiting.receive(channel)
    await untilBlocked(1)

    await sending.send(channel, { type: 'hello' })

    expect(await receiving).toEqual({ type: 'hello' })
  })

  it('are not lost by a receive that is aborted while Redis lets it wait, and keep their time to live', async () => {
    const layer = createChannelLayer({ store: newStore() })
    const channel = await layer.newChannel()
    const controller = new AbortController()
    const receiving = layer.receive(channel, { signal: controller.signal })
    await untilBlocked(1)
    controller.abort()
    await expect(receiving).rejects.toThrow('aborted')

    await layer.send(channel, { type: 'hello' })
    await untilBlocked(0)

    const key = `channels:m:{${channel}}`
    expect(Number(askRedis(redis.port, 'PTTL', key))).toBeGreaterThan(0)
    expect(Number(askRedis(redis.port, 'PTTL', key))).toBeLessThanOrEqual(60_000)
    expect(await layer.receive(channel)).toEqual({ type: 'hello' })
    expect(askRedis(redis.port, 'EXISTS', key)).toBe('0')
  })

  it('go each to one of several processes that wait', async () => {
    const layers = [1, 2, 3].map(() => createChannelLayer({ store: newStore() }))
    const channel = `shared.${randomUUID()}!all`
    const received: unknown[] = []
    const receivers = layers.map(async (layer) => {
      for (;;) {
        const { n } = await layer.receive(channel)
        if (n === -1) return
        received.push(n)
      }
    })
    await untilBlocked(3)

    for (let n = 0; n < 30; n += 1) await layers[0]?.send(channel, { type: 'numbered', n })
    for (const layer of layers) await layer.send(channel, { type: 'numbered', n: -1 })
    await Promise.all(receivers)

    expect(received.toSorted((a, b) => Number(a) - Number(b))).toEqual(
      Array.from({ length: 30 }, (_, n) => n),
    )
  })

  it('are waited for over a restart of the server', async () => {
    const layer = createChannelLayer({ store: newStore() })
    const channel = await layer.newChannel()
    const receiving = layer.receive(channel)
    await untilBlocked(1)

    await redis.kill()
    await redis.start()
    await untilBlocked(1)
    await layer.send(channel, { type: 'hello' })

    expect(await receiving).toEqual({ type: 'hello' })
  })

  it('are waited for over one more connection, used again, which ends with the client', async () => {
    const store = newStore()
    const layer = createChannelLayer({ store })
    // The one that asks, and none of another test.
    await vi.waitFor(() => expect(connections()).toBe(1), PATIENT)
    for (let times = 0; times < 3; times += 1) {
      const channel = await layer.newChannel()
      const receiving = layer.receive(channel)
      await untilBlocked(1)
      await layer.send(channel, { type: 'hello' })
      await receiving
      await untilBlocked(0)
    }
    expect(connections()).toBe(3)

    const waiting = layer.receive(await layer.newChannel())
    await untilBlocked(1)
    clients[0]?.disconnect()

    await expect(waiting).rejects.toThrow(StoreError)
    await vi.waitFor(() => expect(connections()).toBe(1), PATIENT)
  })

  it('and all else of one prefix are forgotten by flush, and nothing of others', async () => {
    const [one, other] = [newStore('app'), newStore('app:c')]
    askRedis(redis.port, 'SET', 'app:own', 'kept')
    const channels = await Promise.all(
      [one, other].map(async (store) => {
        const layer = createChannelLayer({ store })
        const channel = await layer.newChannel()
        await layer.groupAdd('room', channel)
        await layer.send(channel, { type: 'hello' })
        return channel
      }),
    )

    await one.flush()

    expect(askRedis(redis.port, '--scan', '--pattern', 'app:*').split('\n').toSorted()).toEqual([
      `app:c:c:{${channels[1]}}`,
      'app:c:g:{room}',
      `app:c:m:{${channels[1]}}`,
      'app:own',
    ])
  })

  it('that cannot be read fail the receiver who took them, and nobody else', async () => {
    const layerWith = (key: string): ChannelLayer =>
      createChannelLayer({ store: newStore('shared', { symmetricEncryptionKeys: [key] }) })
    const [own, foreign] = [
      layerWith('the key of this very test run'),
      layerWith('the key of another program'),
    ]
    const channel = 'shared!a'
    const received = [1, 2, 3].map(() => own.receive(channel).catch((error: unknown) => error))
    await untilBlocked(1)

    await foreign.send(channel, { type: 'foreign' })
    const failure = await received[0]
    for (const n of [2, 3]) await own.send(channel, { type: 'own', n })

    expect(failure).toBeInstanceOf(StoreError)
    expect(failure).toMatchObject({
      retryable: false,
      message: expect.stringContaining('message in channel "shared!a"'),
    })
    expect(await Promise.all(received.slice(1))).toEqual([
      { type: 'own', n: 2 },
      { type: 'own', n: 3 },
    ])
  })

  it('fail all who wait when the server fails for good', async () => {
    const layer = createChannelLayer({ store: newStore() })
    askRedis(redis.port, 'SET', 'channels:m:{taken!a}', 'a text of another program')

    const failures = await Promise.all(
      [1, 2, 3].map(() => layer.receive('taken!a').catch((error: unknown) => error)),
    )

    for (const failure of failures) expect(failure).toBeInstanceOf(StoreError)
  })

  it('are encrypted, and cannot be read from another channel', async () => {
    const symmetricEncryptionKeys = ['the key of this very test run']
    const layer = createChannelLayer({ store: newStore('sealed', { symmetricEncryptionKeys }) })
    await layer.send('one!a', { type: 'secret.message', text: 'hello' })

    const stored = askRedis(redis.port, 'LRANGE', 'sealed:m:{one!a}', '0', '-1')
    expect(stored).not.toContain('secret')
    askRedis(redis.port, 'RPUSH', 'sealed:m:{other!a}', stored)

    await expect(layer.receive('other!a')).rejects.toThrow(StoreError)
    expect(await layer.receive('one!a')).toEqual({ type: 'secret.message', text: 'hello' })
  })

  function connections(): number {
    return askRedis(redis.port, 'CLIENT', 'LIST', 'TYPE', 'normal').split('\n').length
  }
})
