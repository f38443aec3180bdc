import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import type { DynamoDBChannelStore } from '../../shared/backends/dynamodb/dynamodb-channel-store.ts'
import type { JsonObject } from '../../shared/message.ts'
import type { ConnectionRecord } from '../../shared/stores/channel-store.ts'
import { startTestDynamoDB, type TestDynamoDB } from '../support/dynamodb.ts'

// The numbers of docs/reference/request-units.md.

interface Cost {
  readonly requests: number
  readonly units: Readonly<Record<string, number>>
}

/** What is kept of a Chrome handshake behind CloudFront: no cookies, credentials or `sec-websocket-*`. */
const browserScope: JsonObject = {
  path: '/ws/chat/lobby/',
  query: { token: 'none', lang: 'en' },
  headers: {
    host: ['abcdefghij.execute-api.eu-central-1.amazonaws.com'],
    'accept-encoding': ['gzip, deflate, br, zstd'],
    'accept-language': ['en-GB,en;q=0.9,de-DE;q=0.8,de;q=0.7,en-US;q=0.6'],
    'cache-control': ['no-cache'],
    origin: ['https://chat.example.com'],
    pragma: ['no-cache'],
    'user-agent': [
      'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36',
    ],
    'x-amzn-trace-id': ['Root=1-68f0a1b2-3c4d5e6f708192a3b4c5d6e7'],
    'x-forwarded-for': ['203.0.113.195'],
    'x-forwarded-port': ['443'],
    'x-forwarded-proto': ['https'],
  },
  subprotocols: [],
  client: '203.0.113.195',
  urlRoute: { args: [], kwargs: { roomName: 'lobby' } },
}

let database: TestDynamoDB
let store: DynamoDBChannelStore
let spent: Record<string, number> = {}
let made = 0

beforeAll(async () => {
  database = await startTestDynamoDB()
}, 60_000)

afterAll(() => database.close())

beforeEach(() => {
  store = database.makeStore({ onConsumedCapacity })
})

function onConsumedCapacity(operation: string, units: number): void {
  spent[operation] = (spent[operation] ?? 0) + units
}

function encryptedStore(): DynamoDBChannelStore {
  return database.makeStore({
    onConsumedCapacity,
    symmetricEncryptionKeys: ['a key of at least 16 characters'],
  })
}

it('connecting with one group costs 2 write units in one round trip', async () => {
  const cost = await costOf(() => store.create(record({ scope: browserScope, groups: ['chat_lobby'] })))

  expect(cost).toEqual({ requests: 1, units: { BatchWriteItem: 2 } })
})

it('connecting with 24 groups costs 25 write units in one round trip, and with 25 a second one', async () => {
  const groups = Array.from({ length: 25 }, (_, index) => `connect_${index}`)

  expect(await costOf(() => store.create(record({ groups: groups.slice(1) })))).toEqual({
    requests: 1,
    units: { BatchWriteItem: 25 },
  })
  expect(await costOf(() => store.create(record({ groups })))).toEqual({
    requests: 2,
    units: { BatchWriteItem: 26 },
  })
})

it('the record of an ordinary browser takes one write unit, and half its kilobyte is free for state', async () => {
  const state = { text: 'x'.repeat(200) }

  const cost = await costOf(() =>
    store.create(record({ scope: browserScope, groups: ['chat_lobby'], state })),
  )

  expect(cost.units).toEqual({ BatchWriteItem: 2 })
})

it('encrypted, the same record takes one write unit too, with 100 bytes of state', async () => {
  const sealed = encryptedStore()
  const one = record({ scope: browserScope, groups: ['chat_lobby'], state: { text: 'x'.repeat(100) } })
  const { connectionId } = one

  expect(await costOf(() => sealed.create(one))).toEqual({ requests: 1, units: { BatchWriteItem: 2 } })
  expect(
    await costOf(() => sealed.saveState(connectionId, { set: { text: 'y'.repeat(100) }, remove: [] })),
  ).toEqual({ requests: 1, units: { UpdateItem: 1 } })
  expect(await costOf(() => sealed.groupAdd('hall', connectionId))).toEqual({
    requests: 2,
    units: { UpdateItem: 1, PutItem: 1 },
  })
  expect(await costOf(() => sealed.load(connectionId))).toEqual({ requests: 1, units: { GetItem: 1 } })
  expect(await costOf(() => sealed.remove(connectionId))).toEqual({
    requests: 2,
    units: { DeleteItem: 1, BatchWriteItem: 2 },
  })
})

it('loading a record costs 1 read unit', async () => {
  const { connectionId } = await created(record({ scope: browserScope }))

  expect(await costOf(() => store.load(connectionId))).toEqual({ requests: 1, units: { GetItem: 1 } })
})

it('loading 100 records costs 100 read units in one round trip', async () => {
  const records = await Promise.all(
    Array.from({ length: 100 }, () => created(record({ scope: browserScope }))),
  )

  const cost = await costOf(() => store.loadMany(records.map(({ connectionId }) => connectionId)))

  expect(cost).toEqual({ requests: 1, units: { BatchGetItem: 100 } })
})

it('saving state costs 1 write unit', async () => {
  const { connectionId } = await created(record({ scope: browserScope, state: { count: 1 } }))
  const write = { set: { count: 2, name: 'Ada' }, remove: [] }

  expect(await costOf(() => store.saveState(connectionId, write))).toEqual({
    requests: 1,
    units: { UpdateItem: 1 },
  })
  expect(await costOf(() => store.saveStateIf(connectionId, 1, write))).toEqual({
    requests: 1,
    units: { UpdateItem: 1 },
  })
})

it('groupAdd costs 2 write units', async () => {
  const { connectionId } = await created(record({ scope: browserScope }))

  const cost = await costOf(() => store.groupAdd('chat_lobby', connectionId))

  expect(cost).toEqual({ requests: 2, units: { UpdateItem: 1, PutItem: 1 } })
})

it('groupDiscard costs 2 write units', async () => {
  const { connectionId } = await created(record({ scope: browserScope, groups: ['chat_lobby'] }))

  const cost = await costOf(() => store.groupDiscard('chat_lobby', connectionId))

  expect(cost).toEqual({ requests: 2, units: { DeleteItem: 1, UpdateItem: 1 } })
})

it.each([0, 1, 3, 25, 30])(
  'disconnecting with %i groups costs that many write units and 1',
  async (count) => {
    const groups = Array.from({ length: count }, (_, index) => `leave_${index}`)
    const { connectionId } = await created(record({ scope: browserScope, groups }))

    const { requests, units } = await costOf(() => store.remove(connectionId))

    expect(requests).toBe(1 + Math.ceil(count / 25))
    expect((units['DeleteItem'] ?? 0) + (units['BatchWriteItem'] ?? 0)).toBe(1 + count)
  },
)

it.each([
  ['a short name', 'chat_lobby'],
  ['a name of 56 characters', 'g'.repeat(56)],
  ['a name of 57 characters', 'g'.repeat(57)],
  ['the longest name', 'g'.repeat(99)],
])('reading the members of a group with %s costs at most 1 read unit for 40', async (_, group) => {
  const records = Array.from({ length: 400 }, () => record({ groups: [group] }))
  await Promise.all(records.map((one) => store.create(one)))

  const { requests, units } = await costOf(() => store.members(group))

  expect(requests).toBe(1)
  expect(units['Query']).toBeLessThanOrEqual(10)
})

it('reading the 700 members of a group with a short name costs 10 read units', async () => {
  const records = Array.from({ length: 700 }, () => record({ groups: ['chat_town'] }))
  await Promise.all(records.map((one) => store.create(one)))

  expect(await costOf(() => store.members('chat_town'))).toEqual({ requests: 1, units: { Query: 10 } })
})

async function costOf(act: () => Promise<unknown>): Promise<Cost> {
  const before = database.requests()
  spent = {}
  await act()
  return { requests: database.requests() - before, units: spent }
}

it('listing the connections costs 1 read unit for each 8 KB of the whole table', async () => {
  await store.flush()
  // Some 100 bytes and 47 of membership beside the text; two of them make 16 KB and a bit.
  for (const group of ['a', 'b']) {
    await store.create(record({ groups: [group], state: { text: 'x'.repeat(8_100) } }))
  }
  const listed: string[] = []

  const { requests, units } = await costOf(async () => {
    for await (const { connectionId } of store.connections()) listed.push(connectionId)
  })

  expect(listed).toHaveLength(2)
  expect({ requests, units: Math.ceil(units['Scan'] ?? 0) }).toEqual({ requests: 1, units: 3 })
})

async function created(one: ConnectionRecord): Promise<ConnectionRecord> {
  await store.create(one)
  return one
}

function record(changes: Partial<ConnectionRecord> = {}): ConnectionRecord {
  made += 1
  const now = Date.now()
  return {
    connectionId: `L0SM9c${String(made).padStart(9, '0')}=`,
    scope: {},
    state: {},
    version: 0,
    groups: [],
    connectedAt: now,
    expiresAt: Math.floor(now / 1000) + 7_800,
    ...changes,
  }
}
