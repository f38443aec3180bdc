import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  DynamoDBSessionStore,
  type DynamoDBSessionStoreOptions,
} from '../../shared/backends/dynamodb/dynamodb-session-store.ts'
import { ConfigurationError, InvalidStateError, StoreError } from '../../shared/errors.ts'
import { sessionStoreContract } from '../contracts/session-store.ts'
import { startTestDynamoDB, type TestDynamoDB } from '../support/dynamodb.ts'

let database: TestDynamoDB

beforeAll(async () => {
  database = await startTestDynamoDB()
}, 60_000)

afterAll(async () => {
  await database.close()
})

function makeStore(options: Partial<DynamoDBSessionStoreOptions> = {}): DynamoDBSessionStore {
  const { client, tableName } = database
  return new DynamoDBSessionStore({ tableName, client, timeoutMs: 30_000, ...options })
}

sessionStoreContract('DynamoDB', (setup) => makeStore(setup))

sessionStoreContract('DynamoDB without the SDK', (setup) =>
  makeStore({ ...setup, transport: database.transport }),
)

sessionStoreContract('DynamoDB with encrypted values', (setup) =>
  makeStore({ ...setup, symmetricEncryptionKeys: ['the key of this very test run'] }),
)

describe('sessions in DynamoDB', () => {
  const expiresAt = Math.floor(Date.now() / 1000) + 3_600

  it('cost one write unit to begin, one to save, and one read unit to load', async () => {
    const costs: string[] = []
    const store = makeStore({
      onConsumedCapacity: (operation, units) => void costs.push(`${operation} ${units}`),
    })

    await store.create('cost', { data: { 'auth.userId': 'ann' }, expiresAt })
    await store.save('cost', { set: { theme: 'dark' }, remove: [], expiresAt })
    await store.load('cost')

    expect(costs).toEqual(['UpdateItem 1', 'UpdateItem 1', 'GetItem 1'])
  })

  it('stay when the channel layer of the same table is flushed', async () => {
    const store = makeStore()
    await store.create('flushed', { data: { a: 1 }, expiresAt })

    await database.makeStore().flush()

    expect((await store.load('flushed'))?.data).toEqual({ a: 1 })
  })

  it('cannot be read by a store that lacks the key they are encrypted with', async () => {
    await makeStore({ symmetricEncryptionKeys: ['the key of this very test run'] }).create('sealed', {
      data: { a: 1 },
      expiresAt,
    })

    await expect(makeStore().load('sealed')).rejects.toThrow(
      /^session "sealed", key "a" is stored encrypted, and this store has no symmetricEncryptionKeys/,
    )
  })

  it('refuse a key of encryption that is too short', () => {
    expect(() => makeStore({ symmetricEncryptionKeys: ['short'] })).toThrow(ConfigurationError)
  })

  it('refuse one write of more keys than an update takes, and one that is over 400 KB', async () => {
    const store = makeStore()
    await store.create('large', { data: {}, expiresAt })
    const many = Object.fromEntries(Array.from({ length: 151 }, (_, index) => [`key${index}`, index]))

    await expect(store.save('large', { set: many, remove: [], expiresAt })).rejects.toThrow(InvalidStateError)
    const large = { text: 'x'.repeat(410_000) }
    await expect(store.save('large', { set: large, remove: [], expiresAt })).rejects.toThrow(
      InvalidStateError,
    )

    expect((await store.load('large'))?.data).toEqual({})
  })

  it('say which session could not be loaded when the table is missing', async () => {
    const failure = makeStore({ tableName: 'nowhere' }).load('lost')

    await expect(failure).rejects.toThrow(StoreError)
    await expect(failure).rejects.toThrow(
      'could not load session "lost": DynamoDB GetItem on table "nowhere" failed because there is no such table',
    )
  })
})
