import { afterAll, beforeAll } from 'vitest'
import type { RedisClient } from '../../shared/backends/redis/redis-calls.ts'
import { createRedisClient } from '../../shared/backends/redis/redis-client.ts'
import { askRedis, startTestRedis, type TestRedis } from './redis.ts'

/** Long enough for any machine: time-outs have tests of their own. */
const PATIENCE_MS = 30_000

/** A server and a client that all tests of a block share. */
export interface OneRedis {
  readonly client: RedisClient
  /** Of a store on that client. */
  readonly options: { readonly client: RedisClient; readonly timeoutMs: number }
  /** What the server answers to a command, as redis-cli shows it. */
  ask(...command: readonly string[]): string
}

/** Starts one before the first test of the block that this is called in, and ends it after the last. */
export function oneRedis(): OneRedis {
  let redis: TestRedis | undefined
  let client: RedisClient | undefined

  beforeAll(async () => {
    redis = await startTestRedis()
    client = createRedisClient({ host: redis.host, port: redis.port, commandTimeoutMs: PATIENCE_MS })
  }, 60_000)

  afterAll(async () => {
    client?.disconnect()
    await redis?.close()
  })

  return {
    get client() {
      return started(client)
    },
    get options() {
      return { client: started(client), timeoutMs: PATIENCE_MS }
    },
    ask: (...command) => askRedis(started(redis).port, ...command),
  }
}

function started<Thing>(thing: Thing | undefined): Thing {
  if (thing === undefined) throw new Error('there is a server while tests run, and not while they are listed')
  return thing
}
