import { describe, expect, it } from 'vitest'
import type { BatchGetItemInput, BatchWriteItemInput } from '@aws-sdk/client-dynamodb'
import { DynamoDBChannelStore } from '../../../../shared/backends/dynamodb/dynamodb-channel-store.ts'
import type { DynamoDBTransport } from '../../../../shared/backends/dynamodb/transport.ts'
import { StoreError } from '../../../../shared/errors.ts'
import type { ConnectionRecord } from '../../../../shared/stores/channel-store.ts'
import { ManualClock } from '../../../../shared/testing/manual-clock.ts'
import { fakeTransport, sdkError } from '../../../support/fake-transport.ts'

const clock = new ManualClock()

/** Lets every wait pass until `action` is over. */
async function finish<T>(action: Promise<T>): Promise<T> {
  const progress = { isOver: false }
  const over = action.finally(() => {
    progress.isOver = true
  })
  over.catch(() => {})
  while (!progress.isOver) await clock.advance(1_000)
  return over
}

function storeOver(operations: Partial<DynamoDBTransport>): DynamoDBChannelStore {
  return new DynamoDBChannelStore({ tableName: 'channels', transport: fakeTransport(operations), clock })
}

function recordWith(groups: readonly string[]): ConnectionRecord {
  const connectedAt = clock.now()
  const expiresAt = connectedAt / 1000 + 7_800
  return { connectionId: 'abc=', scope: {}, state: {}, version: 0, groups, connectedAt, expiresAt }
}

function groupNames(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `room_${index}`)
}

function partitions(input: BatchWriteItemInput): (string | undefined)[] {
  const requests = input.RequestItems?.['channels'] ?? []
  return requests.map((request) => (request.PutRequest?.Item ?? request.DeleteRequest?.Key)?.['pk']?.S)
}

describe('writing in batches', () => {
  it('sends again what was left unprocessed, and only that', async () => {
    const sent: (string | undefined)[][] = []
    const store = storeOver({
      BatchWriteItem: async (input) => {
        sent.push(partitions(input))
        const requests = input.RequestItems?.['channels'] ?? []
        return sent.length < 3 ? { UnprocessedItems: { channels: requests.slice(-1) } } : {}
      },
    })

    await finish(store.create(recordWith(['a', 'b'])))

    expect(sent).toEqual([['C#abc=', 'G#a', 'G#b'], ['G#b'], ['G#b']])
  })

  it('waits before it sends again', async () => {
    let sent = 0
    const store = storeOver({
      BatchWriteItem: async (input) => {
        sent += 1
        return sent === 1 ? { UnprocessedItems: input.RequestItems } : {}
      },
    })

    const action = store.create(recordWith([]))
    await clock.advance(0)
    expect(sent).toBe(1)
    expect(clock.sleeping).toBe(1)
    await finish(action)

    expect(sent).toBe(2)
  })

  it('never sends more than 25 items, nor a key twice', async () => {
    const sent: (string | undefined)[][] = []
    const store = storeOver({
      BatchWriteItem: async (input) => {
        sent.push(partitions(input))
        return {}
      },
    })

    await store.create(recordWith([...groupNames(60), ...groupNames(60)]))

    expect(sent.map(({ length }) => length)).toEqual([25, 25, 11])
    expect(new Set(sent.flat()).size).toBe(61)
  })

  it('gives up after some tries, and says what was and was not done', async () => {
    let sent = 0
    const store = storeOver({
      BatchWriteItem: async (input) => {
        sent += 1
        const requests = input.RequestItems?.['channels'] ?? []
        return { UnprocessedItems: { channels: requests.slice(-2) } }
      },
    })

    const failure = await finish(store.create(recordWith(groupNames(30)))).catch((error: unknown) => error)

    expect(failure).toBeInstanceOf(StoreError)
    expect(failure).toMatchObject({ retryable: true })
    expect(sent).toBe(8)
    expect((failure as StoreError).message).toMatchInlineSnapshot(
      `"could not create connection "abc=" with 30 groups: 23 of 31 items were written, DynamoDB left 8 unprocessed in 8 tries (G#room_22 894b#abc=, G#room_23 894b#abc=, G#room_24 894b#abc=, …): call again later, or raise the table's capacity"`,
    )
  })

  it('says how far it came when a later batch fails', async () => {
    let sent = 0
    const store = storeOver({
      BatchWriteItem: async () => {
        sent += 1
        if (sent > 1) throw sdkError('InternalServerError', 500)
        return {}
      },
    })

    await expect(store.create(recordWith(groupNames(30)))).rejects.toThrow('25 of 31 items are written')
  })

  it('gives the record to who removed it even if its memberships could not be ended, and says why', async () => {
    const { connectionId } = recordWith([])
    const store = storeOver({
      DeleteItem: async () => ({ Attributes: { groups: { SS: ['a'] }, ttl: { N: '99999999999' } } }),
      BatchWriteItem: () => Promise.reject(sdkError('InternalServerError', 500)),
    })

    const removed = await store.remove(connectionId)

    expect(removed).toMatchObject({ connectionId, groups: ['a'] })
    expect(removed?.membershipFailure).toBeInstanceOf(StoreError)
    expect(removed?.membershipFailure?.message).toMatch(/its record is removed.* 1 group/)
  })
})

describe('reading in batches', () => {
  const item = (id: string | undefined): Record<string, { S: string } | { N: string }> => ({
    pk: { S: id ?? '' },
    scope: { S: '{}' },
    ttl: { N: '99999999999' },
  })
  const asked = (input: BatchGetItemInput): (string | undefined)[] =>
    (input.RequestItems?.['channels']?.Keys ?? []).map((key) => key['pk']?.S)

  it('asks again for what was left unprocessed, however often, while it gets on', async () => {
    const sizes: number[] = []
    const store = storeOver({
      BatchGetItem: async (input) => {
        const ids = asked(input)
        sizes.push(ids.length)
        if (sizes.length === 15) return { UnprocessedKeys: input.RequestItems }
        expect(input.RequestItems?.['channels']?.ConsistentRead).toBe(true)
        const left = (input.RequestItems?.['channels']?.Keys ?? []).slice(3)
        const unprocessed = left.length === 0 ? {} : { channels: { Keys: left } }
        return {
          Responses: { channels: ids.slice(0, 3).map((id) => item(id)) },
          UnprocessedKeys: unprocessed,
        }
      },
    })

    const records = await finish(store.loadMany(groupNames(60)))

    expect(sizes).toHaveLength(21)
    expect([...records.keys()]).toEqual(groupNames(60))
  })

  it('asks for 100 at a time', async () => {
    const sizes: number[] = []
    const store = storeOver({
      BatchGetItem: async (input) => {
        sizes.push(asked(input).length)
        return {}
      },
    })

    await store.loadMany(groupNames(230))

    expect(sizes).toEqual([100, 100, 30])
  })

  it('gives up when nothing comes any more', async () => {
    let sent = 0
    const store = storeOver({
      BatchGetItem: async (input) => {
        sent += 1
        return { UnprocessedKeys: input.RequestItems }
      },
    })

    const failure = await finish(store.loadMany(['a', 'b'])).catch((error: unknown) => error)

    expect(failure).toBeInstanceOf(StoreError)
    expect(failure).toMatchObject({
      retryable: true,
      message: expect.stringContaining('0 of 2 records were read'),
    })
    expect(sent).toBe(8)
  })
})
