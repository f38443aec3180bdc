import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { RedisChannelStore } from '../../shared/backends/redis/redis-channel-store.ts'
import { createRedisClient } from '../../shared/backends/redis/redis-client.ts'
import type { ChannelStore } from '../../shared/stores/channel-store.ts'
import { runCli } from '../support/cli.ts'
import { startTestDynamoDB, type TestDynamoDB } from '../support/dynamodb.ts'
import { hasRedis, startTestRedis } from '../support/redis.ts'
import { type SQSStub, startSQSStub } from '../support/sqs-stub.ts'

const say = '{"type":"chat.message","message":"hi"}'
const endpoint = 'https://abc.execute-api.eu-west-1.amazonaws.com/prod'
const SLOW = 60_000

/** A place where groups are, and the options that lead there. */
interface Place {
  readonly store: ChannelStore
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
  close(): Promise<void>
}

let queue: SQSStub

beforeAll(async () => {
  queue = await startSQSStub()
})

afterAll(async () => await queue[Symbol.asyncDispose]())

describe('lambda-channels --table', () => {
  commandsOf(async () => {
    const database = await startTestDynamoDB()
    return {
      store: database.makeStore(),
      args: ['--table', database.tableName, '--region', 'eu-west-1'],
      env: { ...keys, AWS_ENDPOINT_URL_DYNAMODB: database.endpoint },
      close: () => database.close(),
    }
  })
})

describe.skipIf(!hasRedis())('lambda-channels --redis-url', () => {
  commandsOf(async () => {
    const redis = await startTestRedis()
    const client = createRedisClient({ host: redis.host, port: redis.port, commandTimeoutMs: 30_000 })
    return {
      store: new RedisChannelStore({ client, prefix: 'chat', timeoutMs: 30_000 }),
      args: ['--redis-url', `redis://${redis.host}:${redis.port}`, '--redis-prefix', 'chat'],
      env: { ...keys, AWS_REGION: 'eu-west-1' },
      close: async () => {
        client.disconnect()
        await redis.close()
      },
    }
  })
})

const keys = { AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test' }

function commandsOf(open: () => Promise<Place>): void {
  let place: Place

  beforeAll(async () => {
    place = await open()
  }, SLOW)

  afterAll(async () => await place.close())

  beforeEach(async () => {
    queue.taken.length = 0
    await place.store.flush()
    const connectedAt = Date.now() - 90_000
    const expiresAt = Math.floor(connectedAt / 1_000) + 7_800
    const common = { version: 0, connectedAt, expiresAt, state: { secret: 'state' } }
    const scope = { path: '/ws/chat/lobby/\u001b[2J', headers: { 'x-secret': ['header'] } }
    await place.store.create({ ...common, connectionId: 'ann=', scope, groups: ['lobby', 'news'] })
    await place.store.create({ ...common, connectionId: 'bob=', scope, groups: ['lobby'] })
  })

  const cli = (...args: string[]): ReturnType<typeof runCli> =>
    runCli([...args, ...place.args, '--queue-url', queue.queueUrl, '--management-endpoint', endpoint], {
      ...place.env,
      AWS_ENDPOINT_URL_SQS: queue.url,
    })
  const tasks = (): unknown[] => queue.taken.map(({ MessageBody }) => JSON.parse(MessageBody) as unknown)

  test(
    'group-send puts one task into the queue and tells how many members wait for it',
    async () => {
      const { code, out } = await cli('group-send', 'lobby', say, '--exclude', 'ann=', '--exclude', 'cay=')

      expect({ code, out }).toEqual({ code: 0, out: 'lobby: 1 deferred to the delivery function\n' })
      expect(tasks()).toMatchObject([
        {
          task: { kind: 'group', group: 'lobby', exclude: ['ann=', 'cay='], event: JSON.parse(say) },
          endpoint,
        },
      ])
      expect(await cli('group-send', 'nobody', say)).toMatchObject({ code: 0, out: 'nobody: no members\n' })
    },
    SLOW,
  )

  test(
    'group-send-frame puts its text into the queue as it stands',
    async () => {
      const { code, out, problems } = await cli('group-send-frame', 'lobby', 'dinner', '--json')

      expect({ code, problems }).toEqual({ code: 0, problems: '' })
      expect(JSON.parse(out)).toEqual({ group: 'lobby', delivered: 0, deferred: 2, gone: 0, failed: 0 })
      expect(tasks()).toMatchObject([{ task: { kind: 'group', frame: 'dinner' } }])
    },
    SLOW,
  )

  test(
    'send and close put a task for that connection into the queue',
    async () => {
      expect(await cli('send', 'ann=', say)).toMatchObject({ code: 0, out: 'ann=: in the delivery queue\n' })
      expect(await cli('close', 'bob=')).toMatchObject({ code: 0 })

      expect(tasks()).toMatchObject([
        { task: { kind: 'event', connectionId: 'ann=', event: JSON.parse(say) } },
        { task: { kind: 'frames', connectionId: 'bob=', frames: [], close: true } },
      ])
    },
    SLOW,
  )

  test(
    'send to a name that a worker could have says that nobody knows it here; without a queue for workers it is an error',
    async () => {
      const workers = { CHANNELS_WORKER_QUEUES: JSON.stringify({ '*': queue.queueUrl }) }
      const args = ['send', 'nobody', say, ...place.args, '--queue-url', queue.queueUrl]
      const around = { ...place.env, ...workers, AWS_ENDPOINT_URL_SQS: queue.url }

      expect(await runCli([...args, '--management-endpoint', endpoint], around)).toMatchObject({
        code: 0,
        out: 'nobody: in the queue of all other workers; whether a worker has that name, nobody knows here\n',
      })
      expect(tasks()).toMatchObject([{ channel: 'nobody', message: JSON.parse(say) as unknown }])
      expect(await cli('send', 'nobody', say)).toMatchObject({ out: '' })
      expect(tasks()).toHaveLength(1)
    },
    SLOW,
  )

  test(
    'send says which queue has taken the message, whatever the name looks like',
    async () => {
      const connectedAt = Date.now()
      const expiresAt = Math.floor(connectedAt / 1_000) + 7_800
      const rest = { version: 0, connectedAt, expiresAt, state: {}, scope: {}, groups: [] }
      await place.store.create({ ...rest, connectionId: 'looks-like-a-worker' })
      const workers = JSON.stringify({ thumbnails: queue.queueUrl })
      const args = ['--queue-url', queue.queueUrl, '--management-endpoint', endpoint, ...place.args]
      const around = { ...place.env, CHANNELS_WORKER_QUEUES: workers, AWS_ENDPOINT_URL_SQS: queue.url }

      const connection = await runCli(['send', 'looks-like-a-worker', say, ...args], around)
      const worker = await runCli(['send', 'thumbnails', say, ...args], around)

      expect(connection).toMatchObject({ code: 0, out: 'looks-like-a-worker: in the delivery queue\n' })
      expect(worker).toMatchObject({ code: 0, out: 'thumbnails: in the queue of that worker channel\n' })
      expect(worker.problems.split('\n')).toHaveLength(2)
      expect(tasks()).toMatchObject([{ task: { kind: 'event' } }, { channel: 'thumbnails' }])
    },
    SLOW,
  )

  test(
    'what is for a channel of newChannel is in no queue, and nothing says that it is',
    async () => {
      const { out } = await cli('send', 'specific.a!b', say)

      const inRedis = 'specific.a!b: waiting for the program that made this channel\n'
      expect(out).toBe(place.args.includes('--redis-url') ? inRedis : '')
      expect(tasks()).toEqual([])
    },
    SLOW,
  )

  test(
    'close of what is no connection does nothing, and says so with exit code 1',
    async () => {
      expect(await cli('close', 'nobody=')).toMatchObject({
        code: 1,
        out: 'nobody=: there is no such connection\n',
      })
      expect(tasks()).toEqual([])
    },
    SLOW,
  )

  test(
    'a channel that newChannel made is no connection: it is not listed as one, and not closed',
    async () => {
      const connectedAt = Date.now()
      const expiresAt = Math.floor(connectedAt / 1_000) + 7_800
      const times = { version: 0, connectedAt, expiresAt, state: {}, scope: {}, groups: ['lobby'] }
      await place.store.create({ ...times, connectionId: 'specific.a!b' })

      expect((await cli('connections')).out).not.toContain('specific')
      expect((await cli('groups')).out).toContain('lobby  2')
      expect((await cli('group-list', 'lobby')).out).toContain('specific.a!b')
      expect(await cli('close', 'specific.a!b')).toMatchObject({ code: 1 })
      expect(tasks()).toEqual([])
    },
    SLOW,
  )

  test(
    'group-list shows members with their age, as many as it is allowed to',
    async () => {
      const { out } = await cli('group-list', 'lobby')
      const one = await cli('group-list', 'lobby', '--limit', '1')

      expect(out).toMatch(/^channel {2}connected {17}age\n/)
      expect(out).toMatch(/^ann= {5}\d{4}-\d\d-\d\dT[\d:.]+Z {2}\dm$/m)
      expect(out).toMatch(/^bob= /m)
      expect(one.out).toMatch(/^channel.*\n(ann|bob)= .*\nand more: --limit shows more than 1\n$/)
      expect(await cli('group-list', 'nobody')).toMatchObject({ code: 0, out: 'nobody: no members\n' })
    },
    SLOW,
  )

  test(
    'groups are counted by their connections',
    async () => {
      expect((await cli('groups')).out).toBe('group  connections\nlobby  2\nnews   1\n')
    },
    SLOW,
  )

  test(
    'connections shows path, age and groups; headers and state only with --verbose',
    async () => {
      const table = await cli('connections')
      const json = await cli('connections', '--json')
      const verbose = await cli('connections', '--verbose')

      expect(table.out).toMatch(/^ann= {5}\/ws\/chat\/lobby\/%1B\[2J {2}\dm {3}lobby news$/m)
      expect((JSON.parse(json.out) as { connections: object[] }).connections).toHaveLength(2)
      expect(table.out + json.out).not.toMatch(/secret|header/)
      expect(verbose.out).toMatch(/"x-secret": \[\s*"header"/)
      expect(verbose.out).toContain('"secret": "state"')
      expect(table.out + json.out + verbose.out).not.toContain('\u001b')
    },
    SLOW,
  )
}

describe('what goes wrong is told in one sentence', () => {
  let database: TestDynamoDB

  beforeAll(async () => {
    database = await startTestDynamoDB()
  }, SLOW)

  afterAll(async () => await database.close())

  const env = (): Record<string, string> => ({
    ...keys,
    AWS_REGION: 'eu-west-1',
    AWS_ENDPOINT_URL_DYNAMODB: database.endpoint,
    AWS_ENDPOINT_URL_SQS: queue.url,
  })

  test(
    'there is no such table',
    async () => {
      const { code, out, problems } = await runCli(['connections', '--table', 'absent'], env())

      expect({ code, out }).toEqual({ code: 1, out: '' })
      expect(problems).toMatch(
        /^DynamoDB table absent at http:.*\ncould not list .* there is no such table in this account and region: .*\n$/,
      )
    },
    SLOW,
  )

  test(
    'but not where all is well: an emulator that --endpoint-url names',
    async () => {
      const args = ['groups', '--table', database.tableName, '--endpoint-url', database.endpoint]

      expect(await runCli(args, { ...env(), AWS_ENDPOINT_URL_DYNAMODB: 'http://127.0.0.1:9' })).toEqual({
        code: 0,
        out: 'no groups\n',
        problems: `DynamoDB table ${database.tableName} at ${database.endpoint}\n`,
      })
    },
    SLOW,
  )

  test(
    'nobody answers',
    async () => {
      const args = ['connections', '--table', 'a', '--endpoint-url', 'http://127.0.0.1:9']
      const { code, problems } = await runCli(args, env())

      expect(code).toBe(1)
      expect(problems).toContain('could not be reached')
      expect(problems.split('\n')).toHaveLength(3)
    },
    SLOW,
  )

  test(
    'the queue is not named',
    async () => {
      const { code, problems } = await runCli(['group-send', 'a', say, '--table', 'a'], env())

      expect(code).toBe(2)
      expect(problems).toContain('give --queue-url URL, or set CHANNELS_DELIVERY_QUEUE_URL')
    },
    SLOW,
  )

  test(
    'the queue refuses',
    async () => {
      queue.failBatch = () => true
      const args = ['send', 'opening=', say, '--table', database.tableName, '--queue-url', queue.queueUrl]
      const { code, problems } = await runCli([...args, '--management-endpoint', endpoint], env())
      queue.failBatch = () => false

      expect(code).toBe(1)
      expect(problems).toMatch(/1 deliveries could not be put into the queue .*\(.*no such queue.*\)\n$/)
    },
    SLOW,
  )
})
