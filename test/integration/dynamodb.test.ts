import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { DynamoDBChannelStore } from '../../shared/backends/dynamodb/dynamodb-channel-store.ts'
import type { HttpTransport } from '../../shared/backends/dynamodb/http-transport.ts'
import { InvalidStateError, StoreError } from '../../shared/errors.ts'
import { channelStoreContract } from '../contracts/channel-store.ts'
import { connectionListingContract } from '../contracts/connection-listing.ts'
import { startTestDynamoDB, type TestDynamoDB } from '../support/dynamodb.ts'
import { testCertificate } from '../support/test-certificate.ts'
import { startTlsFront, type TlsFront } from '../support/tls-front.ts'

let database: TestDynamoDB
let front: TlsFront | undefined
let secureTransport: HttpTransport | undefined

beforeAll(async () => {
  database = await startTestDynamoDB()
  const certificate = testCertificate()
  if (!certificate) return
  front = await startTlsFront(database.endpoint, certificate)
  secureTransport = database.makeTransport({ endpoint: front.endpoint, tls: { ca: certificate.cert } })
}, 60_000)

afterAll(async () => {
  secureTransport?.destroy()
  await front?.close()
  await database.close()
})

channelStoreContract('DynamoDB', (setup) => database.makeStore(setup))

connectionListingContract('DynamoDB', (setup) => database.makeStore(setup))
connectionListingContract('DynamoDB without the SDK', (setup) =>
  database.makeStore({ ...setup, transport: database.transport }),
)

channelStoreContract('DynamoDB without the SDK', (setup) =>
  database.makeStore({ ...setup, transport: database.transport }),
)

function overTls(): HttpTransport {
  if (!secureTransport) throw new Error('there is no transport over TLS: beforeAll makes it')
  return secureTransport
}

describe.skipIf(!testCertificate())('DynamoDB over https (needs openssl)', () => {
  channelStoreContract('DynamoDB without the SDK', (setup) =>
    database.makeStore({ ...setup, transport: overTls() }),
  )
})

describe.each([
  ['the SDK', (tableName?: string) => database.makeStore(tableName === undefined ? {} : { tableName })],
  [
    'HTTP',
    (tableName?: string) =>
      database.makeStore({
        transport: database.transport,
        ...(tableName === undefined ? {} : { tableName }),
      }),
  ],
] as const)('DynamoDB over %s', (_, makeStore: (tableName?: string) => DynamoDBChannelStore) => {
  const record = {
    connectionId: 'too-large=',
    scope: {},
    state: {},
    version: 0,
    groups: ['room'],
    connectedAt: Date.now(),
    expiresAt: Math.floor(Date.now() / 1000) + 7_800,
  }
  const tooLarge = { text: 'x'.repeat(410_000) }

  it('refuses a record over 400 KB with an InvalidStateError, and leaves nothing behind', async () => {
    const store = makeStore()

    await expect(store.create({ ...record, state: tooLarge })).rejects.toThrow(InvalidStateError)

    expect(await store.load(record.connectionId)).toBeUndefined()
    expect(await store.members('room')).toEqual({ members: [] })
  })

  it('refuses a state that grows over 400 KB, and keeps the one before', async () => {
    const store = makeStore()
    await store.create({ ...record, connectionId: 'grows=', groups: [], state: { a: 1 } })

    await expect(store.saveState('grows=', { set: tooLarge, remove: [] })).rejects.toThrow(InvalidStateError)

    expect((await store.load('grows='))?.state).toEqual({ a: 1 })
  })

  it('says what to do about a table that does not exist', async () => {
    const failure = await makeStore('absent')
      .load('a')
      .catch((error: unknown) => error)

    expect(failure).toBeInstanceOf(StoreError)
    expect(failure).toMatchObject({ retryable: false, message: expect.stringContaining('deploy the stack') })
  })
})
