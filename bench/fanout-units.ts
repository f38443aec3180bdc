import {
  BatchWriteItemCommand,
  CreateTableCommand,
  DeleteItemCommand,
  type DynamoDBClient,
  PutItemCommand,
  ScanCommand,
} from '@aws-sdk/client-dynamodb'
import { systemClock } from '../shared/clock.ts'
import type { DynamoDBChannelStore } from '../shared/backends/dynamodb/dynamodb-channel-store.ts'
import type { Poster } from '../shared/gateway/poster.ts'
import { forEachConcurrently } from '../shared/layers/for-each-concurrently.ts'
import type { ConnectionRecord } from '../shared/stores/channel-store.ts'
import { startTestDynamoDB } from '../test/support/dynamodb.ts'
import { FanOutRig, type Way } from './fanout-rig.ts'
import { table, target } from './figures.ts'
import { connectionId } from './large-group.ts'
import type { BenchOptions } from './options.ts'

const SAMPLE_TABLE = 'simplechat_connections'
/** Connections in the table of the sample for each member of the group: its messages go to all of them. */
const CONNECTIONS_PER_MEMBER = 10
/** Bytes of the sample's items, `{ connectionId }`, and of what one Scan reads. */
const ITEM_BYTES = 28
const SCAN_BYTES = 1_048_576
const WRITERS = 32

/** What an act took, in request units. */
interface Units {
  readonly write: number
  readonly read: number
}

/** One act in both worlds; undefined where the sample has none. */
interface Act {
  readonly what: string
  readonly ours: Units
  readonly sample: Units | undefined
}

/** Request units of each act as DynamoDB (embedded) counts them, beside the chat of the AWS samples doing the same. */
export async function run({ isQuick }: BenchOptions): Promise<void> {
  await using database = await startTestDynamoDB()
  const meter = new Meter()
  const store = database.makeStore({
    onConsumedCapacity: (operation, units) => meter.count(operation, units),
  })
  const sample = await SampleChat.create(database.client)
  const sizes = isQuick ? [40, 1_000] : [40, 1_000, 10_000]
  const acts: Act[] = [...(await connectionActs(store, meter, sample)), ...(await messageActs(store, meter))]
  for (const size of sizes) acts.push(...(await sendActs({ store, meter, sample, size })))
  console.log(
    `Counted by ReturnConsumedCapacity. The sample (simple-websockets-chat-app) has no rooms: its message goes to all connections, here ${CONNECTIONS_PER_MEMBER} for each member of the room; its one scan ends after 1 MB, and whoever is behind that (some 37 000 connections) gets nothing.\n`,
  )
  table(
    ['act', 'write units', 'read units', "sample's write", "sample's read"],
    acts.map(({ what, ours, sample: other }) => [
      what,
      ours.write,
      ours.read,
      other?.write ?? Number.NaN,
      other?.read ?? Number.NaN,
    ]),
  )
  console.log()
  judge(acts, sizes)
}

async function connectionActs(
  store: DynamoDBChannelStore,
  meter: Meter,
  sample: SampleChat,
): Promise<readonly Act[]> {
  const one = record(0, ['chat_lobby'])
  return [
    {
      what: 'connect, and join a group',
      ours: await meter.of(() => store.create(one)),
      sample: await sample.connect(one.connectionId),
    },
    {
      what: 'groupAdd',
      ours: await meter.of(() => store.groupAdd('chat_other', one.connectionId)),
      sample: undefined,
    },
    {
      what: 'groupDiscard',
      ours: await meter.of(() => store.groupDiscard('chat_other', one.connectionId)),
      sample: undefined,
    },
    {
      what: 'disconnect, in one group',
      ours: await meter.of(() => store.remove(one.connectionId)),
      sample: await sample.disconnect(one.connectionId),
    },
  ]
}

/** A message to a consumer that uses no state. It sends to an empty group, whose query is not counted. */
async function messageActs(store: DynamoDBChannelStore, meter: Meter): Promise<readonly Act[]> {
  await store.create(record(0, []))
  const rig = makeRig(store)
  const acts: Act[] = []
  for (const how of ['cold', 'warm']) {
    meter.take()
    await rig.send('frame', 'nobody')
    const read = meter.take().get('GetItem') ?? 0
    acts.push({ what: `stateless message, ${how}`, ours: { write: 0, read }, sample: undefined })
  }
  return acts
}

interface SendOptions {
  readonly store: DynamoDBChannelStore
  readonly meter: Meter
  readonly sample: SampleChat
  readonly size: number
}

async function sendActs({ store, meter, sample, size }: SendOptions): Promise<readonly Act[]> {
  const group = `chat_${size}`
  const records = Array.from({ length: size }, (_, index) => record(index, [group]))
  await forEachConcurrently(records, WRITERS, (one) => store.create(one))
  const scan = await sample.message(size * CONNECTIONS_PER_MEMBER)
  const acts: Act[] = []
  for (const way of ['frame', 'handler'] as const) {
    meter.take()
    await makeRig(store).send(way, group)
    const spent = meter.take()
    // The sender's own record is the message's, not the send's.
    const read = (spent.get('Query') ?? 0) + (spent.get('BatchGetItem') ?? 0)
    acts.push({ what: `${NAMES[way]} to ${size}`, ours: { write: 0, read }, sample: scan })
  }
  return acts
}

const NAMES: Readonly<Record<Way, string>> = {
  frame: 'groupSendFrame',
  broadcast: 'groupSend (broadcast)',
  handler: 'groupSend (consumers)',
}

function judge(acts: readonly Act[], sizes: readonly number[]): void {
  const ours = (what: string): Units =>
    acts.find((act) => act.what === what)?.ours ?? { write: NaN, read: NaN }
  const unit = 'units'
  target({
    what: 'connect, and join a group',
    value: ours('connect, and join a group').write,
    unit,
    atMost: 2,
  })
  target({ what: 'stateless message, cold', value: ours('stateless message, cold').read, unit, atMost: 1 })
  target({ what: 'stateless message, warm', value: ours('stateless message, warm').read, unit, atMost: 0 })
  target({ what: 'groupAdd', value: ours('groupAdd').write, unit, atMost: 2 })
  target({ what: 'disconnect, in one group', value: ours('disconnect, in one group').write, unit, atMost: 2 })
  for (const size of sizes) {
    const what = `${NAMES.frame} to ${size}`
    target({ what, value: ours(what).read, unit, atMost: Math.max(1, size / 40) })
  }
}

/** Adds up what a store reports. */
class Meter {
  #spent = new Map<string, number>()

  count(operation: string, units: number): void {
    this.#spent.set(operation, (this.#spent.get(operation) ?? 0) + units)
  }

  /** What was spent since the last call, by operation. */
  take(): ReadonlyMap<string, number> {
    const spent = this.#spent
    this.#spent = new Map()
    return spent
  }

  async of(act: () => Promise<unknown>): Promise<Units> {
    this.take()
    await act()
    const units = { write: 0, read: 0 }
    for (const [operation, spent] of this.take())
      units[/^(GetItem|BatchGetItem|Query|Scan)$/.test(operation) ? 'read' : 'write'] += spent
    return units
  }
}

/** The calls of aws-samples/simple-websockets-chat-app. */
class SampleChat {
  readonly #client: DynamoDBClient
  #connections = 0

  private constructor(client: DynamoDBClient) {
    this.#client = client
  }

  static async create(client: DynamoDBClient): Promise<SampleChat> {
    await client.send(
      new CreateTableCommand({
        TableName: SAMPLE_TABLE,
        AttributeDefinitions: [{ AttributeName: 'connectionId', AttributeType: 'S' }],
        KeySchema: [{ AttributeName: 'connectionId', KeyType: 'HASH' }],
        BillingMode: 'PAY_PER_REQUEST',
      }),
    )
    return new SampleChat(client)
  }

  async connect(id: string): Promise<Units> {
    const { ConsumedCapacity } = await this.#client.send(
      new PutItemCommand({
        TableName: SAMPLE_TABLE,
        Item: { connectionId: { S: id } },
        ReturnConsumedCapacity: 'TOTAL',
      }),
    )
    return { write: ConsumedCapacity?.CapacityUnits ?? NaN, read: 0 }
  }

  async disconnect(id: string): Promise<Units> {
    const { ConsumedCapacity } = await this.#client.send(
      new DeleteItemCommand({
        TableName: SAMPLE_TABLE,
        Key: { connectionId: { S: id } },
        ReturnConsumedCapacity: 'TOTAL',
      }),
    )
    return { write: ConsumedCapacity?.CapacityUnits ?? NaN, read: 0 }
  }

  /**
   * A message while there are so many connections: one Scan, which is not continued where it ends. It ends after 1 MB at
   * DynamoDB, earlier at the embedded one, so that is not measured.
   */
  async message(connections: number): Promise<Units> {
    if (connections * ITEM_BYTES > SCAN_BYTES) return { write: 0, read: SCAN_BYTES / 4096 / 2 }
    await this.#fill(connections)
    const { ConsumedCapacity } = await this.#client.send(
      new ScanCommand({
        TableName: SAMPLE_TABLE,
        ProjectionExpression: 'connectionId',
        ReturnConsumedCapacity: 'TOTAL',
      }),
    )
    return { write: 0, read: ConsumedCapacity?.CapacityUnits ?? NaN }
  }

  async #fill(connections: number): Promise<void> {
    const batches: number[] = []
    for (let first = this.#connections; first < connections; first += 25) batches.push(first)
    this.#connections = connections
    await forEachConcurrently(batches, WRITERS, async (first) => {
      const ids = Array.from({ length: Math.min(25, connections - first) }, (_, index) =>
        connectionId(first + index),
      )
      const puts = ids.map((id) => ({ PutRequest: { Item: { connectionId: { S: id } } } }))
      await this.#client.send(new BatchWriteItemCommand({ RequestItems: { [SAMPLE_TABLE]: puts } }))
    })
  }
}

function makeRig(store: DynamoDBChannelStore): FanOutRig {
  return new FanOutRig({ clock: systemClock, store, workers: 2, createPoster: () => nobodysPoster })
}

/** Takes everything. */
const nobodysPoster: Poster = {
  async post() {},
  async close() {},
  get: () => Promise.reject(new Error('nobody asks for a connection here')),
  destroy() {},
}

function record(index: number, groups: readonly string[]): ConnectionRecord {
  // Older than the grace period.
  const connectedAt = Date.now() - 60_000
  return {
    connectionId: connectionId(index),
    scope: { path: '/', query: {}, headers: {}, subprotocols: [], client: null, remembered: {} },
    state: {},
    version: 0,
    groups,
    connectedAt,
    expiresAt: Math.floor(connectedAt / 1000) + 7_800,
  }
}
