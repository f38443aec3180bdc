import { Cluster, Redis } from 'ioredis'
import { expect, test } from 'vitest'
import {
  DynamoDBChannelStore,
  type DynamoDBChannelStoreOptions,
  httpTransport,
} from '../../../shared/backends/dynamodb/index.ts'
import {
  createRedisClient,
  RedisChannelStore,
  type RedisClientOptions,
} from '../../../shared/backends/redis/index.ts'
import { GatewayWorld } from '../../support/gateway-world.ts'
import { RoomConsumer } from '../../support/room-consumer.ts'

function inRedis(place: RedisClientOptions, prefix = 'channels'): RedisChannelStore {
  return new RedisChannelStore({ client: createRedisClient(place), prefix })
}

const cluster = [{ host: 'a.example' }, { host: 'b.example', port: 7_000 }]
const sentinels = { sentinels: [{ host: 's.example' }], sentinelName: 'mymaster' }

test.each<[string, RedisChannelStore, RedisChannelStore]>([
  ['a server', inRedis({ host: 'a.example' }), inRedis({ url: 'redis://user:secret@a.example:6379/0' })],
  ['a cluster', inRedis({ cluster }), inRedis({ cluster: cluster.toReversed() })],
  ['what Sentinels tell', inRedis(sentinels), inRedis(sentinels)],
])(
  'two stores over clients of %s with one prefix have one identity, without its password',
  (_, left, right) => {
    expect(left.identity).toBe(right.identity)
    expect(left.identity).toContain('prefix "channels"')
    expect(left.identity).not.toContain('secret')
  },
)

test('another server, port, database, set of nodes or prefix is another identity', () => {
  const stores = [
    inRedis({ host: 'a.example' }),
    inRedis({ host: 'b.example' }),
    inRedis({ host: 'a.example', port: 1 }),
    inRedis({ host: 'a.example', database: 1 }),
    inRedis({ host: 'a.example' }, 'other'),
    inRedis({ cluster }),
    inRedis({ cluster: cluster.slice(0, 1) }),
    inRedis(sentinels),
    inRedis({ ...sentinels, sentinelName: 'other' }),
  ]

  expect(new Set(stores.map(({ identity }) => identity)).size).toBe(stores.length)
})

test('a client of one’s own tells it as well', () => {
  const clients = [
    new Redis({ host: 'a.example', lazyConnect: true }),
    new Cluster([{ host: 'a.example', port: 6_379 }], { lazyConnect: true }),
  ]

  expect(clients.map((client) => new RedisChannelStore({ client }).identity)).toEqual([
    inRedis({ host: 'a.example' }).identity,
    inRedis({ cluster: [{ host: 'a.example' }] }).identity,
  ])
})

function inDynamoDB(options: Partial<DynamoDBChannelStoreOptions> = {}): DynamoDBChannelStore {
  return new DynamoDBChannelStore({ tableName: 'channels', ...options })
}

function calling(region: string, endpoint?: string): DynamoDBChannelStore {
  const credentials = async () => ({ accessKeyId: 'test', secretAccessKey: 'test' })
  return inDynamoDB({ transport: httpTransport({ region, endpoint, credentials }) })
}

test.each<[string, DynamoDBChannelStore, DynamoDBChannelStore]>([
  ['the region of the environment', inDynamoDB(), inDynamoDB()],
  [
    'a region',
    inDynamoDB({ clientConfig: { region: 'eu-west-1' } }),
    inDynamoDB({ clientConfig: { region: 'eu-west-1' } }),
  ],
  ['a region, without the SDK', calling('eu-west-1'), calling('eu-west-1')],
  [
    'an emulator',
    calling('eu-west-1', 'http://127.0.0.1:8000'),
    calling('us-east-1', 'http://127.0.0.1:8000'),
  ],
])('two stores over one table in %s have one identity', (_, left, right) => {
  expect(left.identity).toBe(right.identity)
})

test('another table, region or endpoint is another identity', () => {
  const stores = [
    inDynamoDB(),
    inDynamoDB({ tableName: 'other' }),
    inDynamoDB({ clientConfig: { region: 'eu-west-1' } }),
    inDynamoDB({ clientConfig: { region: 'us-east-1' } }),
    inDynamoDB({ clientConfig: { region: 'eu-west-1', endpoint: 'http://127.0.0.1:8000' } }),
    calling('eu-west-1'),
    calling('us-east-1'),
  ]

  expect(new Set(stores.map(({ identity }) => identity)).size).toBe(stores.length)
})

test('layers over one table are refused', () => {
  const layers = { ticker: { store: inDynamoDB() } }

  expect(
    () =>
      new GatewayWorld({
        application: RoomConsumer.asApplication(),
        runtime: { store: inDynamoDB(), layers },
      }),
  ).toThrow(
    'the layers "default" and "ticker" keep connections in one place (dynamodb table "channels" in the region of the environment)',
  )
})
