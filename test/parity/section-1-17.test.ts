import { afterAll, beforeAll, expect, test } from 'vitest'
import type { ValueCodecOptions } from '../../shared/backends/dynamodb/index.ts'
import { ConfigurationError, type ConnectionRecord, type JsonObject, StoreError } from '../../shared/index.ts'
import { binarySerializer } from '../support/binary-serializer.ts'
import { startTestDynamoDB, type TestDynamoDB } from '../support/dynamodb.ts'

// 1.17 Serializers, encryption

const OLD = 'the old key, which is long enough'
const NEW = 'the new key, which is long enough'

let database: TestDynamoDB
let made = 0

beforeAll(async () => {
  database = await startTestDynamoDB()
}, 60_000)

afterAll(async () => await database.close())

/** Stores a connection with these options; resolves to its id. */
async function stored(state: JsonObject, options: ValueCodecOptions): Promise<string> {
  made += 1
  const record: ConnectionRecord = {
    connectionId: `c${made}=`,
    scope: {},
    state,
    version: 0,
    groups: [],
    connectedAt: Date.now(),
    expiresAt: Math.floor(Date.now() / 1000) + 7_800,
  }
  await database.makeStore(options).create(record)
  return record.connectionId
}

async function stateOf(connectionId: string, options: ValueCodecOptions): Promise<JsonObject | undefined> {
  return (await database.makeStore(options).load(connectionId))?.state
}

test('`serializer_format`, a registry', async () => {
  const state = { list: [1, 'ä', null] }
  const id = await stored(state, { serializer: binarySerializer })

  expect(await stateOf(id, { serializer: binarySerializer })).toEqual(state)
  await expect(stateOf(id, {})).rejects.toThrow(StoreError)
})

test('`symmetric_encryption_keys`, rotation', async () => {
  const state = { secret: 'attack at dawn' }
  const before = await stored(state, { symmetricEncryptionKeys: [OLD] })
  const during = await stored(state, { symmetricEncryptionKeys: [NEW, OLD] })

  expect(await stateOf(before, { symmetricEncryptionKeys: [NEW, OLD] })).toEqual(state)
  expect(await stateOf(during, { symmetricEncryptionKeys: [NEW] })).toEqual(state)
  await expect(stateOf(during, { symmetricEncryptionKeys: [OLD] })).rejects.toThrow(StoreError)
  await expect(stateOf(during, {})).rejects.toThrow(StoreError)
})

test('keys must be a list', () => {
  for (const keys of [[], ['short'], NEW as unknown as string[]]) {
    const make = (): unknown => database.makeStore({ symmetricEncryptionKeys: keys })
    expect(make).toThrow(ConfigurationError)
    expect(make).toThrow('symmetricEncryptionKeys')
  }
})
