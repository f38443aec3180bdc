import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { containerPool } from '../../local/container-pool.ts'
import { askRedis, hasRedis, startTestRedis, type TestRedis } from '../support/redis.ts'
import { connectEvent } from '../support/websocket-events.ts'

describe.skipIf(!hasRedis())('the function for websockets, with the Redis layer', () => {
  let redis: TestRedis

  beforeAll(async () => {
    redis = await startTestRedis()
  }, 30_000)

  afterAll(async () => {
    await redis?.close()
  })

  /** Runs `$connect` of a connection in a container with these variables. */
  async function connect(connectionId: string, env: Record<string, string> = {}): Promise<unknown> {
    const pool = containerPool({
      entry: new URL('../../functions/websocket.ts', import.meta.url),
      env: {
        CHANNELS_LAYER: 'redis',
        CHANNELS_REDIS_URL: `redis://${redis.host}:${redis.port}`,
        CHANNELS_DELIVERY_QUEUE_URL: 'http://127.0.0.1:1/000000000000/delivery',
        CHANNELS_ALLOWED_HOSTS: 'chat.example',
        ...env,
      },
    })
    const query = { path: '/ws/chat/lobby/' }
    try {
      return await pool.invoke(connectEvent(connectionId, { connectedAt: Date.now(), query }))
    } finally {
      await pool.close()
    }
  }

  test('keeps connections and groups at its URL, below its prefix, and needs no table', async () => {
    expect(await connect('a=')).toMatchObject({ kind: 'ok', value: { statusCode: 200 } })
    expect(await connect('b=', { CHANNELS_REDIS_PREFIX: 'chat' })).toMatchObject({
      value: { statusCode: 200 },
    })

    expect(askRedis(redis.port, 'HGET', 'channels:c:{a=}', 'scope')).toContain('/ws/chat/lobby/')
    expect(askRedis(redis.port, 'EXISTS', 'chat:c:{b=}', 'chat:g:{chat_lobby}')).toBe('2')
  })

  test('encrypts with the keys of its environment', async () => {
    const env = { CHANNELS_SYMMETRIC_ENCRYPTION_KEYS: 'a key of more than 16 characters' }

    expect(await connect('c=', env)).toMatchObject({ value: { statusCode: 200 } })

    expect(askRedis(redis.port, 'HLEN', 'channels:c:{c=}')).not.toBe('0')
    expect(askRedis(redis.port, 'HGETALL', 'channels:c:{c=}')).not.toContain('/ws/chat/lobby/')
  })
})
