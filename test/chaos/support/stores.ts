import { ScanCommand } from '@aws-sdk/client-dynamodb'
import { Redis } from 'ioredis'
import { MemoryChannelStore } from '../../../shared/backends/memory/memory-channel-store.ts'
import { RedisChannelStore } from '../../../shared/backends/redis/redis-channel-store.ts'
import { createRedisClient } from '../../../shared/backends/redis/redis-client.ts'
import type { Clock } from '../../../shared/clock.ts'
import type { ChannelStore } from '../../../shared/stores/channel-store.ts'
import { startTestDynamoDB } from '../../support/dynamodb.ts'
import { startTestRedis } from '../../support/redis.ts'
import { flakyStore } from './flaky-store.ts'

/** A store in trouble, and a look behind it. */
export interface ChaosStore extends AsyncDisposable {
  readonly store: ChannelStore
  throttleNextCalls(count: number): void
  loseNextAnswers(count: number): void
  clearFaults(): void
  /** Everything that is stored, each item as text; of `ids` and `groups` where the store can tell no more. */
  contents(known: { readonly ids: readonly string[]; readonly groups: readonly string[] }): Promise<string[]>
}

/** Makes a store whose pages have `pageSize` members. */
export type MakeChaosStore = (clock: Clock, pageSize: number) => Promise<ChaosStore>

export const memory: MakeChaosStore = async (clock, pageSize) => {
  const store = new MemoryChannelStore({ clock, pageSize })
  const contents: ChaosStore['contents'] = async ({ ids, groups }) => {
    const pages = await Promise.all(groups.map((group) => store.members(group)))
    return [
      ...(await store.loadMany(ids)).keys(),
      ...pages.flatMap(({ members }, index) =>
        members.map(({ connectionId }) => `${groups[index]}: ${connectionId}`),
      ),
    ]
  }
  return { ...flakyStore(store), contents, [Symbol.asyncDispose]: async () => {} }
}

/** Throttled and cut off behind the transport, which tries again: what comes through is what it could not mend. */
export const dynamodb: MakeChaosStore = async (clock, pageSize) => {
  const database = await startTestDynamoDB()
  const store = database.makeStore({ clock, pageSize, transport: database.transport })
  return {
    store,
    ...database.faults,
    contents: async () => {
      const { Items = [] } = await database.client.send(new ScanCommand({ TableName: database.tableName }))
      return Items.map((item) => JSON.stringify(item))
    },
    [Symbol.asyncDispose]: () => database.close(),
  }
}

/** Lost answers are connections that are cut; it has no throttling of its own. */
export const redis: MakeChaosStore = async (clock, pageSize) => {
  const server = await startTestRedis()
  const { host, port } = server
  const client = createRedisClient({ host, port, commandTimeoutMs: 30_000 })
  const onlooker = new Redis(port, host)
  const flaky = flakyStore(new RedisChannelStore({ client, clock, pageSize, timeoutMs: 30_000 }))
  return {
    ...flaky,
    loseNextAnswers(count) {
      flaky.loseNextAnswers(count)
      void onlooker.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes')
    },
    contents: () => onlooker.keys('*'),
    [Symbol.asyncDispose]: async () => {
      client.disconnect()
      onlooker.disconnect()
      await server.close()
    },
  }
}
