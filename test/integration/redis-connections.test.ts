import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import type { RedisClient } from '../../shared/backends/redis/redis-calls.ts'
import { RedisChannelStore } from '../../shared/backends/redis/redis-channel-store.ts'
import { createRedisClient, type RedisClientOptions } from '../../shared/backends/redis/redis-client.ts'
import type { ConnectionRecord } from '../../shared/stores/channel-store.ts'
import { askRedis, freePort, hasRedis, startTestRedis } from '../support/redis.ts'
import { testCertificate } from '../support/test-certificate.ts'

const SLOW = 60_000
const certificate = testCertificate()

const record: ConnectionRecord = {
  connectionId: 'abc=',
  scope: { path: '/' },
  state: {},
  version: 0,
  groups: ['room'],
  connectedAt: Date.now(),
  expiresAt: Math.floor(Date.now() / 1000) + 7_800,
}

describe.skipIf(!hasRedis())('a connection to Redis', () => {
  const clients: RedisClient[] = []
  const folders: string[] = []

  afterEach(() => {
    for (const client of clients.splice(0)) client.disconnect()
    for (const folder of folders.splice(0)) rmSync(folder, { recursive: true })
  })

  function makeStore(options: RedisClientOptions): RedisChannelStore {
    const client = createRedisClient({ commandTimeoutMs: 30_000, ...options })
    clients.push(client)
    return new RedisChannelStore({ client, timeoutMs: SLOW })
  }

  function newFolder(): string {
    const folder = mkdtempSync(join(tmpdir(), 'test-redis-files-'))
    folders.push(folder)
    return folder
  }

  it('logs in with user and password to the database of a URL', async () => {
    await using redis = await startTestRedis()
    askRedis(redis.port, 'ACL', 'SETUSER', 'ada', 'on', '>p@ss', '~channels:*', '+@all')
    askRedis(redis.port, 'ACL', 'SETUSER', 'default', '+@all', 'nopass')
    const store = makeStore({ url: `redis://ada:p%40ss@${redis.host}:${redis.port}/3` })

    await store.create(record)

    expect(await store.load(record.connectionId)).toEqual(record)
    expect(askRedis(redis.port, '-n', '3', 'DBSIZE')).toBe('2')
    expect(askRedis(redis.port, 'DBSIZE')).toBe('0')
  })

  it('needs no more rights than the documentation lists', async () => {
    await using redis = await startTestRedis()
    const rights = '+@hash +@sortedset +@list +@string +@keyspace +@scripting +@connection -@dangerous'
    askRedis(redis.port, 'ACL', 'SETUSER', 'ada', 'on', '>pass', '~channels:*', ...rights.split(' '))
    const store = makeStore({ host: redis.host, port: redis.port, username: 'ada', password: 'pass' })

    await store.create(record)
    await store.groupAdd('hall', record.connectionId)
    await store.saveStateIf(record.connectionId, 0, { set: { a: 1 }, remove: ['b'] })
    await store.groupDiscard('hall', record.connectionId)
    await store.loadMany([record.connectionId])
    await store.members('room')

    expect(await store.remove(record.connectionId)).toMatchObject({ groups: ['room'] })
    const taking = store.messages.take('a!b')
    await store.messages.put('a!b', { type: 'hello' }, { capacity: 1, expiresAtMs: Date.now() + 60_000 })
    expect(await taking).toEqual({ type: 'hello' })
    await store.flush()
  })

  it('leaves what another prefix has alone', async () => {
    await using redis = await startTestRedis()
    const client = createRedisClient({ host: redis.host, port: redis.port })
    clients.push(client)
    const [one, other] = ['one', 'other'].map(
      (prefix) => new RedisChannelStore({ client, prefix, timeoutMs: SLOW }),
    )

    await one?.create(record)

    expect(await other?.load(record.connectionId)).toBeUndefined()
    expect(await other?.members('room')).toEqual({ members: [] })
    expect(() => new RedisChannelStore({ client, prefix: 'a{b}' })).toThrow(
      'prefix "a{b}" cannot begin a key',
    )
  })

  it.skipIf(!certificate)(
    'is encrypted with TLS, and refused if the certificate is not trusted',
    async () => {
      const { key = '', cert = '' } = certificate ?? {}
      const folder = newFolder()
      const certificatePaths = { key: join(folder, 'key.pem'), cert: join(folder, 'cert.pem') }
      writeFileSync(certificatePaths.key, key)
      writeFileSync(certificatePaths.cert, cert)
      await using redis = await startTestRedis({ certificatePaths })
      const url = `rediss://localhost:${redis.port}`

      const store = makeStore({ url, tls: { ca: cert } })
      await store.create(record)

      expect(await store.load(record.connectionId)).toEqual(record)
      await expect(makeStore({ url }).load('a')).rejects.toMatchObject({
        retryable: false,
        message: expect.stringContaining('check tls and its certificate'),
      })
    },
  )

  it('finds the primary by its sentinel, and the new one after a failover', async () => {
    await using first = await startTestRedis()
    await using second = await startTestRedis({ args: ['--replicaof', first.host, String(first.port)] })
    const config = join(newFolder(), 'sentinel.conf')
    writeFileSync(
      config,
      [
        `sentinel monitor mymaster ${first.host} ${first.port} 1`,
        'sentinel down-after-milliseconds mymaster 500',
        'sentinel failover-timeout mymaster 5000',
      ].join('\n'),
    )
    await using sentinel = await startTestRedis({ config, args: ['--sentinel'] })
    const store = makeStore({
      sentinels: [{ host: sentinel.host, port: sentinel.port }],
      sentinelName: 'mymaster',
      commandTimeoutMs: 1_000,
    })
    await store.create(record)
    await expect
      .poll(() => askRedis(sentinel.port, 'SENTINEL', 'replicas', 'mymaster'), {
        timeout: SLOW,
        interval: 200,
      })
      .toContain(String(second.port))
    await expect.poll(() => askRedis(second.port, 'DBSIZE'), { timeout: SLOW, interval: 100 }).toBe('2')

    await first.kill()

    expect(await store.groupAdd('hall', record.connectionId)).toBe(true)
    expect(askRedis(second.port, 'EXISTS', 'channels:g:{hall}')).toBe('1')
  }, 120_000)

  it('is told to whom it belongs when nobody listens on the port of the sentinels', async () => {
    const client = createRedisClient({
      sentinels: [{ host: '127.0.0.1', port: await freePort() }],
      sentinelName: 'm',
    })
    clients.push(client)
    const store = new RedisChannelStore({ client, timeoutMs: 500 })

    await expect(store.load('a')).rejects.toMatchObject({
      retryable: true,
      message: expect.stringContaining('redis "m", as the sentinels at 127.0.0.1:'),
    })
  })
})
