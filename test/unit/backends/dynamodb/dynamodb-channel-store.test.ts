import { execFileSync } from 'node:child_process'
import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { expect, it } from 'vitest'
import { DynamoDBChannelStore } from '../../../../shared/backends/dynamodb/dynamodb-channel-store.ts'
import { InvalidStateError, StoreError } from '../../../../shared/errors.ts'
import { fakeTransport, sdkError } from '../../../support/fake-transport.ts'

const write = { set: { a: 1 }, remove: [] }
const later = String(Math.floor(Date.now() / 1000) + 7_800)

it('counts a conditional write as saved whose answer was lost and whose second try met its own version', async () => {
  let writer: string | undefined
  const store = new DynamoDBChannelStore({
    tableName: 'channels',
    transport: fakeTransport({
      UpdateItem: async (input) => {
        writer = input.ExpressionAttributeValues?.[':writer']?.S
        throw sdkError('ConditionalCheckFailedException', 400)
      },
      GetItem: async () => ({ Item: { by: { S: writer ?? '' }, ver: { N: '1' }, ttl: { N: later } } }),
    }),
  })

  expect(await store.saveStateIf('abc=', 0, write)).toBe('saved')
})

it('tells two conditional writes apart', async () => {
  const writers: (string | undefined)[] = []
  const store = new DynamoDBChannelStore({
    tableName: 'channels',
    transport: fakeTransport({
      UpdateItem: async (input) => {
        writers.push(input.ExpressionAttributeValues?.[':writer']?.S)
        throw sdkError('ConditionalCheckFailedException', 400)
      },
      GetItem: async () => ({ Item: { by: { S: writers[0] ?? '' }, ttl: { N: later } } }),
    }),
  })
  await store.saveStateIf('abc=', 0, write)

  expect(await store.saveStateIf('abc=', 0, write)).toBe('conflict')
})

it('ends a call that gets no answer, and says that a write may have been made', async () => {
  const store = new DynamoDBChannelStore({
    tableName: 'channels',
    timeoutMs: 5,
    transport: fakeTransport({
      UpdateItem: (_, { abortSignal }) =>
        new Promise((_resolve, reject) => {
          abortSignal.addEventListener('abort', () => reject(abortSignal.reason as Error))
        }),
    }),
  })

  const failure = await store.saveState('abc=', write).catch((error: unknown) => error)

  expect(failure).toBeInstanceOf(StoreError)
  expect(failure).toMatchObject({
    retryable: true,
    message: expect.stringContaining('may or may not have been made'),
  })
})

it('lets no error of the SDK out', async () => {
  const client = new DynamoDBClient({
    endpoint: 'http://127.0.0.1:1',
    region: 'eu-west-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    maxAttempts: 1,
  })
  const store = new DynamoDBChannelStore({ tableName: 'channels', client })

  const failures = await Promise.all(
    [
      store.create({
        connectionId: 'a',
        scope: {},
        state: {},
        version: 0,
        groups: [],
        connectedAt: 0,
        expiresAt: 0,
      }),
      store.load('a'),
      store.loadMany(['a']),
      store.saveState('a', write),
      store.saveStateIf('a', 0, write),
      store.remove('a'),
      store.groupAdd('room', 'a'),
      store.groupDiscard('room', 'a'),
      store.members('room'),
    ].map((call) => call.then(() => 'resolved').catch((error: unknown) => error)),
  )

  for (const failure of failures) {
    expect(failure).toBeInstanceOf(StoreError)
    expect(failure).toMatchObject({ retryable: true, message: expect.stringContaining('ECONNREFUSED') })
  }
  client.destroy()
})

it('asks for what a call costs only if somebody listens', async () => {
  const asked: unknown[] = []
  const transport = fakeTransport({
    GetItem: async (input) => {
      asked.push(input.ReturnConsumedCapacity)
      return { ConsumedCapacity: { CapacityUnits: 0.5 } }
    },
  })
  const heard: unknown[] = []

  await new DynamoDBChannelStore({ tableName: 'channels', transport }).load('a')
  await new DynamoDBChannelStore({
    tableName: 'channels',
    transport,
    onConsumedCapacity: (...cost) => heard.push(cost),
  }).load('a')

  expect(asked).toEqual([undefined, 'TOTAL'])
  expect(heard).toEqual([['GetItem', 0.5]])
})

it('refuses a write of more keys than one update can change', async () => {
  const store = new DynamoDBChannelStore({ tableName: 'channels', transport: fakeTransport({}) })
  const set = Object.fromEntries(Array.from({ length: 151 }, (_, index) => [`k${index}`, index]))

  await expect(store.saveState('a', { set, remove: [] })).rejects.toThrow(InvalidStateError)
})

it('adds no member when its record could not be told of the group', async () => {
  const store = new DynamoDBChannelStore({
    tableName: 'channels',
    transport: fakeTransport({ UpdateItem: () => Promise.reject(sdkError('InternalServerError', 500)) }),
  })

  await expect(store.groupAdd('room', 'a')).rejects.toThrow(StoreError)
})

it('says what is half done when a membership could not be written', async () => {
  const store = new DynamoDBChannelStore({
    tableName: 'channels',
    transport: fakeTransport({
      UpdateItem: async () => ({ Attributes: { ttl: { N: later } } }),
      PutItem: () => Promise.reject(sdkError('InternalServerError', 500)),
    }),
  })

  await expect(store.groupAdd('room', 'a')).rejects.toThrow('its record names the group')
})

it('loads no SDK where it has another transport', () => {
  const module = new URL('../../../../shared/backends/dynamodb/dynamodb-channel-store.ts', import.meta.url)
  const script = `
    import { registerHooks } from 'node:module'
    registerHooks({
      resolve(specifier, context, next) {
        if (specifier.startsWith('@aws-sdk/')) throw new Error('loaded ' + specifier)
        return next(specifier, context)
      },
    })
    const { DynamoDBChannelStore } = await import(${JSON.stringify(module.href)})
    const transport = { GetItem: async () => ({}) }
    const store = new DynamoDBChannelStore({ tableName: 'channels', transport })
    process.stdout.write(String(await store.load('a')))`

  const output = execFileSync(process.execPath, ['--input-type=module', '--eval', script], {
    encoding: 'utf8',
  })

  expect(output).toBe('undefined')
})
