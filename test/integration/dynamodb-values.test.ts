import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { DynamoDBChannelStoreOptions } from '../../shared/backends/dynamodb/dynamodb-channel-store.ts'
import { recordKey } from '../../shared/backends/dynamodb/table.ts'
import type { Item } from '../../shared/backends/dynamodb/transport.ts'
import { ConfigurationError, StoreError } from '../../shared/errors.ts'
import type { ConnectionRecord } from '../../shared/stores/channel-store.ts'
import { channelStoreContract } from '../contracts/channel-store.ts'
import { binarySerializer } from '../support/binary-serializer.ts'
import { startTestDynamoDB, type TestDynamoDB } from '../support/dynamodb.ts'

// What the stores make of values: encryption and serializers.

const keys = ['the key of this very test run', 'the key of the run before it']

let database: TestDynamoDB
let made = 0

beforeAll(async () => {
  database = await startTestDynamoDB()
}, 60_000)

afterAll(() => database.close())

channelStoreContract('DynamoDB with encrypted values', (setup) =>
  database.makeStore({ ...setup, symmetricEncryptionKeys: keys }),
)

channelStoreContract('DynamoDB with encrypted bytes, without the SDK', (setup) =>
  database.makeStore({
    ...setup,
    symmetricEncryptionKeys: keys,
    serializer: binarySerializer,
    transport: database.transport,
  }),
)

const overSdk = (): Partial<DynamoDBChannelStoreOptions> => ({})
const overHttp = (): Partial<DynamoDBChannelStoreOptions> => ({ transport: database.transport })

describe.each([
  ['the SDK', overSdk],
  ['HTTP', overHttp],
])('values in DynamoDB over %s', (_, way) => {
  it('are not in the table in clear where there are keys of encryption', async () => {
    const store = database.makeStore({ ...way(), symmetricEncryptionKeys: keys })
    const record = newRecord({ groups: ['room'] })
    await store.create(record)
    await store.saveState(record.connectionId, {
      scope: { user: 'Ada Byron' },
      set: { more: 'Babbage', '~city': 'London' },
      remove: [],
    })

    const item = await itemOf(record.connectionId)

    const stored = Buffer.from(JSON.stringify(item, asLatin1)).toString()
    for (const secret of ['Ada', 'Byron', 'Lovelace', 'Babbage', 'London', '~city']) {
      expect(stored).not.toContain(secret)
    }
    // The documentation says so.
    expect(item['groups']).toEqual({ SS: ['room'] })
    expect(Object.keys(item['state']?.M ?? {})).toEqual(expect.arrayContaining(['secret', 'more']))
  })

  it('written with the old key are read with both, and not with the new one alone', async () => {
    const record = newRecord({})
    const [current, old] = keys
    await storeWith(old).create(record)

    expect(await storeWith(current, old).load(record.connectionId)).toEqual(record)
    const failure = await failureOf(storeWith(current).load(record.connectionId))

    expect(failure).toBeInstanceOf(StoreError)
    expect(failure).toMatchObject({ retryable: false })
    expect(String(failure)).toContain('add the key it was written with behind the first one')

    function storeWith(...ring: (string | undefined)[]) {
      return database.makeStore({
        ...way(),
        symmetricEncryptionKeys: ring.filter((key) => key !== undefined),
      })
    }
  })

  it('of one connection, or of one key, are not given to another', async () => {
    const store = database.makeStore({ ...way(), symmetricEncryptionKeys: keys })
    const [ada, eve] = [newRecord({}), newRecord({ state: { secret: 'none', other: 'none' } })]
    await store.create(ada)
    await store.create(eve)
    const [adas, eves] = [await itemOf(ada.connectionId), await itemOf(eve.connectionId)]

    await put({ ...eves, scope: adas['scope'] ?? { S: '' } })
    expect(String(await failureOf(store.load(eve.connectionId)))).toContain('copied from elsewhere')

    const state = eves['state']?.M ?? {}
    await put({ ...eves, state: { M: { ...state, other: state['secret'] ?? { S: '' } } } })
    expect(String(await failureOf(store.load(eve.connectionId)))).toContain(
      'state key "other" does not decrypt',
    )
  })

  it('in clear are refused where there are keys, and encrypted ones where there are none', async () => {
    const [clear, sealed] = [newRecord({}), newRecord({})]
    const clearStore = database.makeStore(way())
    const sealedStore = database.makeStore({ ...way(), symmetricEncryptionKeys: keys })
    await clearStore.create(clear)
    await sealedStore.create(sealed)

    expect(String(await failureOf(sealedStore.load(clear.connectionId)))).toContain('is stored in clear')
    expect(String(await failureOf(clearStore.load(sealed.connectionId)))).toContain('is stored encrypted')
  })

  it('that cannot be read cost no other record of the same batch', async () => {
    const records = [newRecord({}), newRecord({}), newRecord({})]
    const [sealed, ...clear] = records
    const clearStore = database.makeStore(way())
    await database.makeStore({ ...way(), symmetricEncryptionKeys: keys }).create(records[0] ?? newRecord({}))
    for (const record of clear) await clearStore.create(record)

    const loaded = await clearStore.loadMany(records.map(({ connectionId }) => connectionId))

    expect(clear.map(({ connectionId }) => loaded.get(connectionId))).toEqual(clear)
    expect(loaded.get(sealed?.connectionId ?? '')).toMatchObject({
      code: 'STORE_FAILED',
      retryable: false,
      message: expect.stringContaining('is stored encrypted'),
    })
  })

  it('that cannot be read cost no membership: a removal ends them all', async () => {
    const record = newRecord({ groups: ['lost_1', 'lost_2'] })
    await database.makeStore({ ...way(), symmetricEncryptionKeys: keys }).create(record)
    const store = database.makeStore(way())

    expect(await failureOf(store.remove(record.connectionId))).toBeInstanceOf(StoreError)

    expect(await store.members('lost_1')).toEqual({ members: [] })
    expect(await store.members('lost_2')).toEqual({ members: [] })
    expect(await store.load(record.connectionId)).toBeUndefined()
  })

  it('that the serializer refuses are not written, and the others neither', async () => {
    const record = newRecord({})
    const refusing = {
      ...binarySerializer,
      serialize: (value: unknown) => {
        if (value === 'bad') throw new RangeError('no room')
        return Buffer.from(JSON.stringify(value))
      },
      deserialize: (bytes: Uint8Array) => JSON.parse(Buffer.from(bytes).toString()) as string,
    }
    const store = database.makeStore({ ...way(), serializer: refusing })
    await store.create(record)

    const failure = await failureOf(
      store.saveState(record.connectionId, { set: { good: 1, cart: 'bad' }, remove: [] }),
    )

    expect(failure).toBeInstanceOf(StoreError)
    expect(String(failure)).toContain(
      `connection "${record.connectionId}", state key "cart" could not be serialized, and was not written: serialize() threw "RangeError: no room"`,
    )
    expect(await store.load(record.connectionId)).toEqual(record)
  })
})

it('refuses a bad key at start-up', () => {
  expect(() => database.makeStore({ symmetricEncryptionKeys: ['short'] })).toThrow(ConfigurationError)
})

function newRecord(changes: Partial<ConnectionRecord>): ConnectionRecord {
  made += 1
  return {
    connectionId: `v${made}=`,
    scope: { user: 'Ada' },
    state: { secret: 'Lovelace' },
    version: 0,
    groups: [],
    connectedAt: Date.now(),
    expiresAt: Math.floor(Date.now() / 1000) + 7_800,
    ...changes,
  }
}

async function itemOf(connectionId: string): Promise<Item> {
  const input = { TableName: database.tableName, Key: { ...recordKey(connectionId) }, ConsistentRead: true }
  const { Item: item } = await database.transport.GetItem(input, { abortSignal: AbortSignal.timeout(30_000) })
  return item ?? {}
}

async function put(item: Item): Promise<void> {
  const input = { TableName: database.tableName, Item: item }
  await database.transport.PutItem(input, { abortSignal: AbortSignal.timeout(30_000) })
}

function asLatin1(this: Record<string, unknown>, key: string, value: unknown): unknown {
  const original = this[key]
  return original instanceof Uint8Array ? Buffer.from(original).toString('latin1') : value
}

function failureOf(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => undefined,
    (error: unknown) => error,
  )
}
