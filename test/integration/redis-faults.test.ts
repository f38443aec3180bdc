import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { RedisClient } from '../../shared/backends/redis/redis-calls.ts'
import {
  RedisChannelStore,
  type RedisChannelStoreOptions,
} from '../../shared/backends/redis/redis-channel-store.ts'
import { createRedisClient, type RedisClientOptions } from '../../shared/backends/redis/redis-client.ts'
import { StoreError } from '../../shared/errors.ts'
import type { ConnectionRecord } from '../../shared/stores/channel-store.ts'
import { startRedisProxy } from '../support/redis-proxy.ts'
import { askRedis, freePort, hasRedis, startTestRedis, type TestRedis } from '../support/redis.ts'

const SLOW = 60_000
let made = 0

function newRecord(changes: Partial<ConnectionRecord> = {}): ConnectionRecord {
  made += 1
  return {
    connectionId: `c${made}=`,
    scope: { path: '/' },
    state: {},
    version: 0,
    groups: [],
    connectedAt: Date.now(),
    expiresAt: Math.floor(Date.now() / 1000) + 7_800,
    ...changes,
  }
}

async function failureOf(call: Promise<unknown>): Promise<StoreError> {
  const failure = await call.then(
    () => undefined,
    (error: unknown) => error,
  )
  expect(failure).toBeInstanceOf(StoreError)
  return failure as StoreError
}

describe.skipIf(!hasRedis())('a Redis that fails', () => {
  let redis: TestRedis
  const clients: RedisClient[] = []

  beforeEach(async () => {
    redis = await startTestRedis()
  })

  afterEach(async () => {
    for (const client of clients.splice(0)) client.disconnect()
    await redis.close()
  })

  function makeClient(options: Partial<RedisClientOptions> = {}): RedisClient {
    const client = createRedisClient({
      host: redis.host,
      port: redis.port,
      commandTimeoutMs: 1_000,
      ...options,
    })
    clients.push(client)
    return client
  }

  function makeStore(options: Partial<RedisChannelStoreOptions> = {}): RedisChannelStore {
    return new RedisChannelStore({ client: makeClient(), timeoutMs: 20_000, ...options })
  }

  it('is a StoreError that says where it was looked for and what to do, if there is none', async () => {
    const port = await freePort()
    const store = makeStore({ client: makeClient({ port }), timeoutMs: 1_500 })

    const failure = await failureOf(store.load('abc='))

    expect(failure.retryable).toBe(true)
    expect(failure.message).toContain(
      `could not load connection "abc=": redis at 127.0.0.1:${port} did not answer`,
    )
    expect(failure.message).toContain('ECONNREFUSED')
    expect(failure.message).toContain('--layer dynamodb')
  })

  it(
    'fails every call while it is down, each within its time, and serves again after a restart',
    async () => {
      const store = makeStore({ timeoutMs: 500 })
      const patient = makeStore({ timeoutMs: SLOW })
      await patient.create(newRecord())

      await redis.kill()
      const calls = [
        store.load('a'),
        store.loadMany(['a', 'b']),
        store.create(newRecord({ groups: ['room'] })),
        store.saveState('a', { set: {}, remove: [] }),
        store.saveStateIf('a', 0, { set: {}, remove: [] }),
        store.groupAdd('room', 'a'),
        store.groupDiscard('room', 'a'),
        store.members('room'),
        store.remove('a'),
      ]
      const failures = await Promise.all(calls.map((call) => failureOf(call)))
      await redis.start()

      expect(failures.every(({ retryable }) => retryable)).toBe(true)
      const record = newRecord({ groups: ['room'] })
      await patient.create(record)
      expect(await patient.load(record.connectionId)).toEqual(record)
    },
    SLOW,
  )

  it(
    'does nothing later of what it has reported as failed without a connection',
    async () => {
      const client = makeClient()
      const store = makeStore({ client, timeoutMs: 300 })
      const patient = makeStore({ client, timeoutMs: SLOW })
      await patient.load('warm')
      await redis.kill()
      await failureOf(store.create(newRecord({ groups: ['room'] })))

      await redis.start()
      await patient.load('again')

      expect(askRedis(redis.port, 'DBSIZE')).toBe('0')
    },
    SLOW,
  )

  it(
    'carries a call over a restart that is shorter than the time of the call',
    async () => {
      const store = makeStore({ timeoutMs: SLOW })
      await store.load('warm')
      await redis.kill()

      const record = newRecord()
      const creating = store.create(record)
      await redis.start()
      await creating

      expect(await store.load(record.connectionId)).toEqual(record)
    },
    SLOW,
  )

  it(
    'gives up a connection that is silent, and works on a new one',
    async () => {
      const store = makeStore({ client: makeClient({ commandTimeoutMs: 300 }), timeoutMs: 900 })
      const patient = makeStore({ timeoutMs: SLOW })
      const record = newRecord()
      await store.create(record)

      redis.freeze()
      const failure = await failureOf(store.load(record.connectionId))
      redis.thaw()

      expect(failure.retryable).toBe(true)
      await expect
        .poll(() => store.load(record.connectionId).catch(() => 'not yet'), { timeout: SLOW })
        .toEqual(record)
      expect(await patient.load(record.connectionId)).toEqual(record)
    },
    SLOW,
  )

  it('knows scripts again that a restart has made it forget', async () => {
    const store = makeStore()
    const record = newRecord()
    await store.create(record)

    askRedis(redis.port, 'SCRIPT', 'FLUSH')

    expect(await store.groupAdd('room', record.connectionId)).toBe(true)
    expect(await store.remove(record.connectionId)).toEqual({ ...record, groups: ['room'] })
  })

  it('gives the removed record to the caller whose first answer was lost', async () => {
    await using proxy = await startRedisProxy(redis)
    const store = makeStore({ client: makeClient({ port: proxy.port }) })
    const record = newRecord({ groups: ['room'] })
    await store.create(record)
    // So that the lost answer is not that the script is unknown.
    await store.remove('warm')

    proxy.loseNextAnswer()

    expect(await store.remove(record.connectionId)).toEqual(record)
    expect(askRedis(redis.port, 'DBSIZE')).toBe('0')
  })

  it('knows its own conditional write again when the answer to it was lost', async () => {
    await using proxy = await startRedisProxy(redis)
    const store = makeStore({ client: makeClient({ port: proxy.port }) })
    const record = newRecord()
    await store.create(record)
    await store.saveState('warm', { set: {}, remove: [] })

    proxy.loseNextAnswer()

    expect(await store.saveStateIf(record.connectionId, 0, { set: { a: 1 }, remove: [] })).toBe('saved')
    expect(await store.load(record.connectionId)).toEqual({ ...record, state: { a: 1 }, version: 1 })
  })

  it('ends the memberships of a removal that was cut off, and gives the record to nobody twice', async () => {
    const store = makeStore()
    const record = newRecord({ groups: ['room', 'hall'] })
    await store.create(record)
    // What a container leaves that dies after the first step of remove.
    askRedis(redis.port, 'HSET', `channels:c:{${record.connectionId}}`, 'removedBy', 'somebody')

    expect(await store.load(record.connectionId)).toBeUndefined()
    expect(await store.saveState(record.connectionId, { set: {}, remove: [] })).toBe(false)
    expect(await store.groupAdd('later', record.connectionId)).toBe(false)
    expect(await store.remove(record.connectionId)).toBeUndefined()

    expect(askRedis(redis.port, 'DBSIZE')).toBe('0')
  })

  it.each([
    ['a password is wanted', ['CONFIG', 'SET', 'requirepass', 'secret'], {}, 'set username and password'],
    ['the password is wrong', ['CONFIG', 'SET', 'requirepass', 'secret'], { password: 'x' }, 'correct them'],
    [
      'the user may not',
      ['ACL', 'SETUSER', 'reader', 'on', '>pass', '~*', '+ping'],
      { username: 'reader', password: 'pass' },
      'allow it the keys of the prefix',
    ],
  ])('fails at once and says what to do when %s', async (_, command, options, remedy) => {
    askRedis(redis.port, ...command)
    const store = makeStore({ client: makeClient(options), timeoutMs: SLOW })

    const failure = await failureOf(store.load('a'))

    expect(failure.retryable).toBe(false)
    expect(failure.message).toContain(remedy)
    expect(failure.message).not.toContain('secret')
  })

  it('says so when another program keeps something else under a key', async () => {
    askRedis(redis.port, 'SET', 'channels:g:{room}', 'mine')
    askRedis(redis.port, 'SET', 'channels:c:{a}', 'mine')

    const failures = await Promise.all([
      failureOf(makeStore().members('room')),
      failureOf(makeStore().groupAdd('room', 'a')),
    ])

    for (const failure of failures) {
      expect(failure.retryable).toBe(false)
      expect(failure.message).toContain('choose another prefix')
    }
  })

  it('can be tried again when it is out of memory, and can still be read', async () => {
    const store = makeStore()
    const record = newRecord()
    await store.create(record)
    askRedis(redis.port, 'CONFIG', 'SET', 'maxmemory', '1')

    const failure = await failureOf(makeStore({ timeoutMs: 1_500 }).create(newRecord()))

    expect(failure.retryable).toBe(true)
    expect(failure.message).toContain('noeviction')
    expect(await store.load(record.connectionId)).toEqual(record)
  })

  it('fails at once on a client that was closed', async () => {
    const client = makeClient()
    const store = makeStore({ client, timeoutMs: SLOW })
    await store.load('a')
    client.disconnect()
    await expect.poll(() => client.status).toBe('end')

    expect((await failureOf(store.load('a'))).message).toContain('the client was closed')
  })

  it('removes what has expired from a group that lives on, as it is read', async () => {
    const now = Date.now()
    const later = makeStore({ clock: { now: () => now + 8_000_000, sleep: () => Promise.resolve() } })
    await makeStore().create(newRecord({ groups: ['room'] }))
    const alive = newRecord({ groups: ['room'], expiresAt: Math.floor(now / 1000) + 16_000 })
    await makeStore().create(alive)
    expect(askRedis(redis.port, 'ZCARD', 'channels:g:{room}')).toBe('2')

    const page = await later.members('room')

    expect(page.members.map(({ connectionId }) => connectionId)).toEqual([alive.connectionId])
    expect(askRedis(redis.port, 'ZCARD', 'channels:g:{room}')).toBe('1')
  })

  it('keeps nothing without a time to live, whatever was done to it', async () => {
    const store = makeStore()
    const record = newRecord({ groups: ['room'] })
    await store.create(record)
    await store.saveState(record.connectionId, { set: { a: 1 }, remove: [] })
    await store.groupAdd('hall', record.connectionId)
    await store.create(newRecord({ groups: ['past'], expiresAt: 1 }))

    const keys = askRedis(redis.port, '--scan').split('\n').toSorted()

    expect(keys).toEqual([`channels:c:{${record.connectionId}}`, 'channels:g:{hall}', 'channels:g:{room}'])
    for (const key of keys) expect(Number(askRedis(redis.port, 'TTL', key))).toBeGreaterThan(7_000)
  })

  it('keeps a group for as long as the member that lives longest', async () => {
    const store = makeStore()
    const soon = Math.floor(Date.now() / 1000) + 100
    await store.create(newRecord({ groups: ['room'] }))

    await store.create(newRecord({ groups: ['room'], expiresAt: soon }))

    expect(Number(askRedis(redis.port, 'TTL', 'channels:g:{room}'))).toBeGreaterThan(7_000)
  })

  it('has nothing left of the record before when an id is used again, as only tests do', async () => {
    const store = makeStore()
    const before = newRecord({ state: { a: 1 }, groups: ['room'] })
    await store.create(before)
    await store.groupDiscard('room', before.connectionId)

    await store.create({ ...before, state: { b: 2 }, groups: [] })

    expect(await store.load(before.connectionId)).toEqual({ ...before, state: { b: 2 }, groups: [] })
  })

  it('gives no text of one connection to another', async () => {
    const store = makeStore({ symmetricEncryptionKeys: ['one key that is long enough'] })
    const [ada, eve] = [newRecord({ scope: { user: 'Ada' } }), newRecord({ scope: { user: 'Eve' } })]
    await store.create(ada)
    await store.create(eve)
    const scope = askRedis(redis.port, 'HGET', `channels:c:{${ada.connectionId}}`, 'scope')

    askRedis(redis.port, 'HSET', `channels:c:{${eve.connectionId}}`, 'scope', scope)

    expect((await failureOf(store.load(eve.connectionId))).message).toContain('copied from elsewhere')
  })

  it('ends the memberships of a record whose values it cannot read', async () => {
    const record = newRecord({ groups: ['room'] })
    await makeStore({ symmetricEncryptionKeys: ['one key that is long enough'] }).create(record)

    const failure = await failureOf(makeStore().remove(record.connectionId))

    expect(failure.message).toContain('is stored encrypted')
    expect(await makeStore().members('room')).toEqual({ members: [] })
  })

  it('stores no text in clear where there are keys of encryption, and reads none', async () => {
    const keys = ['one key that is long enough', 'another key that is long enough']
    const record = newRecord({ scope: { user: 'Ada' }, state: { secret: 'Lovelace' } })
    await makeStore({ symmetricEncryptionKeys: keys.slice(1) }).create(record)
    const stored = askRedis(redis.port, 'HGETALL', `channels:c:{${record.connectionId}}`)

    expect(stored).not.toContain('Ada')
    expect(stored).not.toContain('Lovelace')
    expect(await makeStore({ symmetricEncryptionKeys: keys }).load(record.connectionId)).toEqual(record)
    const clear = await failureOf(makeStore().load(record.connectionId))
    const other = await failureOf(
      makeStore({ symmetricEncryptionKeys: keys.slice(0, 1) }).load(record.connectionId),
    )
    expect(clear.message).toContain('has no symmetricEncryptionKeys')
    expect(other.message).toContain('add the key it was written with')
  })
})
