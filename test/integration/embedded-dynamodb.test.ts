import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, it } from 'vitest'
import { startEmbeddedDynamoDB } from '../../local/embedded-dynamodb.ts'
import { DynamoDBChannelStore } from '../../shared/backends/dynamodb/dynamodb-channel-store.ts'
import { httpTransport } from '../../shared/backends/dynamodb/http-transport.ts'
import { tableDefinition } from '../../shared/backends/dynamodb/table.ts'
import { ConfigurationError } from '../../shared/errors.ts'

const tables = [tableDefinition('channels')]

function storeAt(endpoint: string): DynamoDBChannelStore {
  const credentials = async (): Promise<{ accessKeyId: string; secretAccessKey: string }> => ({
    accessKeyId: 'any',
    secretAccessKey: 'any',
  })
  return new DynamoDBChannelStore({
    tableName: 'channels',
    transport: httpTransport({ endpoint, region: 'anywhere-1', credentials, maxTries: 1 }),
  })
}

it('is ready when it has started, and keeps what it has apart from another', async () => {
  await using one = await startEmbeddedDynamoDB({ tables })
  await using other = await startEmbeddedDynamoDB({ tables })
  const expiresAt = Math.floor(Date.now() / 1000) + 60
  const record = {
    connectionId: 'a',
    scope: {},
    state: {},
    version: 0,
    groups: [],
    connectedAt: 0,
    expiresAt,
  }

  await storeAt(one.endpoint).create(record)

  expect(one.endpoint).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/)
  expect(await storeAt(one.endpoint).load('a')).toEqual(record)
  expect(await storeAt(other.endpoint).load('a')).toBeUndefined()
})

it('answers nobody after it has closed', async () => {
  const database = await startEmbeddedDynamoDB({ tables })

  await database.close()
  await database.close()

  await expect(storeAt(database.endpoint).load('a')).rejects.toThrow('ECONNREFUSED')
})

it('says so when its port is taken', async () => {
  const server = createServer()
  await listen(server)

  const started = startEmbeddedDynamoDB({ tables, port: (server.address() as AddressInfo).port })

  await expect(started).rejects.toThrow(ConfigurationError)
  await expect(started).rejects.toThrow('EADDRINUSE')
  server.close()
})

it('says so when it does not take a table', async () => {
  const started = startEmbeddedDynamoDB({ tables: [{ TableName: 'x' }] })

  await expect(started).rejects.toThrow(ConfigurationError)
  await expect(started).rejects.toThrow('CreateTable')
})

it('throttles as many calls as it is told to, and they do nothing', async () => {
  await using database = await startEmbeddedDynamoDB({ tables })
  const store = storeAt(database.endpoint)

  database.throttleNextCalls(2)

  await expect(store.groupAdd('room', 'a')).rejects.toMatchObject({ code: 'STORE_FAILED', retryable: true })
  await expect(store.members('room')).rejects.toThrow('ProvisionedThroughputExceededException')
  expect(await store.members('room')).toEqual({ members: [] })
})

it('loses as many answers as it is told to, after the call was made', async () => {
  await using database = await startEmbeddedDynamoDB({ tables })
  const store = storeAt(database.endpoint)
  const expiresAt = Math.floor(Date.now() / 1000) + 60
  const record = {
    connectionId: 'a',
    scope: {},
    state: {},
    version: 0,
    groups: [],
    connectedAt: 0,
    expiresAt,
  }
  await store.create(record)

  database.loseNextAnswers(1)

  await expect(store.saveState('a', { set: { n: 1 }, remove: [] })).rejects.toThrow(
    'may or may not have been',
  )
  expect(await store.load('a')).toMatchObject({ state: { n: 1 } })
})

it('is well again when its faults are cleared', async () => {
  await using database = await startEmbeddedDynamoDB({ tables })
  database.throttleNextCalls(100)
  database.loseNextAnswers(100)

  database.clearFaults()

  expect(await storeAt(database.endpoint).members('room')).toEqual({ members: [] })
})

function listen(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
}

it.each([{ origin: 'https://evil.example' }, { origin: 'null' }, { 'sec-fetch-site': 'cross-site' }])(
  'refuses what a page in a browser sends (%j), and does nothing of it',
  async (fromPage) => {
    await using database = await startEmbeddedDynamoDB({ tables })
    const ask = (operation: string, headers: object): Promise<Response> =>
      fetch(database.endpoint, {
        method: 'POST',
        headers: {
          'content-type': 'application/x-amz-json-1.0',
          'x-amz-target': `DynamoDB_20120810.${operation}`,
          'x-amz-date': '20260101T000000Z',
          authorization: 'AWS4-HMAC-SHA256 Credential=any, SignedHeaders=host, Signature=none',
          ...headers,
        },
        body: operation === 'ListTables' ? '{}' : '{"TableName":"channels"}',
      })

    const preflight = await fetch(database.endpoint, { method: 'OPTIONS', headers: fromPage as object })
    const refused = await ask('DeleteTable', fromPage)

    expect([preflight.status, refused.status]).toEqual([403, 403])
    expect([...preflight.headers.keys(), ...refused.headers.keys()].join()).not.toContain('access-control')
    expect(await (await ask('ListTables', {})).json()).toEqual({ TableNames: ['channels'] })
  },
)
