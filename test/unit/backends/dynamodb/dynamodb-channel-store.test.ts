import { execFileSync } from 'node:child_process'
import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { describe, expect, it } from 'vitest'
import { DynamoDBChannelStore } from '../../../../shared/backends/dynamodb/dynamodb-channel-store.ts'
import type { DynamoDBTransport } from '../../../../shared/backends/dynamodb/transport.ts'
import { InvalidStateError, StoreError } from '../../../../shared/errors.ts'
import { fakeTransport, sdkError } from '../../../support/fake-transport.ts'
import { HastyClock } from '../../../support/hasty-clock.ts'

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

describe('a removal whose answer is lost', () => {
  const record = { groups: { SS: ['room'] }, ttl: { N: later } }
  const remove = (operations: Partial<DynamoDBTransport>): Promise<unknown> =>
    new DynamoDBChannelStore({
      tableName: 'channels',
      clock: new HastyClock(),
      transport: fakeTransport({ BatchWriteItem: async () => ({}), ...operations }),
    }).remove('a=')

  it('is made again if the record is still there', async () => {
    const tries: (boolean | undefined)[] = []
    const removed = await remove({
      DeleteItem: async (_, { isSingleTry }) => {
        tries.push(isSingleTry)
        if (tries.length === 1) throw sdkError('InternalServerError', 500)
        return { Attributes: record }
      },
      GetItem: async () => ({ Item: record }),
    })

    expect(removed).toMatchObject({ connectionId: 'a=', groups: ['room'] })
    // A transport that tried again by itself would be answered as if there had been no record.
    expect(tries).toEqual([true, true])
  })

  it('is an error that says so if the record is gone, and is not taken for a connection without one', async () => {
    const failure = remove({
      DeleteItem: () => Promise.reject(sdkError('TimeoutError', undefined)),
      GetItem: async () => ({}),
    })

    await expect(failure).rejects.toMatchObject({ code: 'STORE_FAILED', retryable: false })
    await expect(failure).rejects.toThrow(/"a=".*answer of DynamoDB that held it was lost.*disconnect\(\)/)
  })

  it('is made again after it was throttled, without a look', async () => {
    let tries = 0
    const removed = await remove({
      DeleteItem: async () => {
        tries += 1
        if (tries === 1) throw sdkError('ThrottlingException', 400)
        return { Attributes: record }
      },
    })

    expect(removed).toMatchObject({ groups: ['room'] })
  })

  it('is given up in the end, and at once where trying again cannot help', async () => {
    let tries = 0
    const fail = (name: string, status: number) => (): Promise<never> => {
      tries += 1
      return Promise.reject(sdkError(name, status))
    }

    await expect(remove({ DeleteItem: fail('ThrottlingException', 400) })).rejects.toThrow('throttled')
    expect(tries).toBe(3)

    await expect(remove({ DeleteItem: fail('AccessDeniedException', 400) })).rejects.toThrow('not allowed')
    expect(tries).toBe(4)
  })
})
