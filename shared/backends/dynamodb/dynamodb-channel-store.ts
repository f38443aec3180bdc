import { randomBytes } from 'node:crypto'
/** @ts-ignore Without the SDK, which is optional, these two are `any`, and whoever compiles against us can. */
import type { DynamoDBClient, DynamoDBClientConfig } from '@aws-sdk/client-dynamodb'
import { type Clock, systemClock } from '../../clock.ts'
import type { StoreError } from '../../errors.ts'
import type {
  ChannelStore,
  ConnectionRecord,
  LoadedRecords,
  MemberPage,
  MemberRange,
  RecordWrite,
  RemovedRecord,
} from '../../stores/channel-store.ts'
import type { ConnectionListing } from '../../stores/connection-listing.ts'
import { failureOf, readOrFailure } from '../../stores/store-failure.ts'
import { ValueCodec, type ValueCodecOptions } from '../../stores/value-codec.ts'
import { requireWholeNumber } from '../../whole-number.ts'
import { batchRead } from './batch-read.ts'
import { batchWrite } from './batch-write.ts'
import { type ConsumedCapacityListener, DynamoDBCalls } from './dynamodb-calls.ts'
import { forgetAll } from './forget-all.ts'
import { lazySdkTransport } from './lazy-sdk-transport.ts'
import { listRecords } from './list-records.ts'
import { memberOfItem, memberQuery } from './member-query.ts'
import { groupsOf, itemOfRecord, numberOf, recordOfItem } from './record-item.ts'
import { type RecordUpdate, recordUpdate } from './record-update.ts'
import { tableIdentity } from './table-identity.ts'
import { takeRecord } from './take-record.ts'
import {
  CONNECTED_AT_ATTRIBUTE,
  GROUPS_ATTRIBUTE,
  memberKey,
  PARTITION_KEY,
  recordKey,
  SORT_KEY,
  TIME_TO_LIVE_ATTRIBUTE,
  WRITER_ATTRIBUTE,
} from './table.ts'
import type { DynamoDBTransport, Item, UpdateItemInput } from './transport.ts'

const DEFAULT_TIMEOUT_MS = 5_000
const DEFAULT_PAGE_SIZE = 1_000

/** Options of {@link DynamoDBChannelStore}. */
export interface DynamoDBChannelStoreOptions extends ValueCodecOptions {
  readonly tableName: string
  /** A client to use; one is made from `clientConfig` otherwise. */
  readonly client?: DynamoDBClient
  readonly clientConfig?: DynamoDBClientConfig
  /** Makes the calls instead of a client of the SDK, which is then never loaded: see `httpTransport`. */
  readonly transport?: DynamoDBTransport
  readonly clock?: Clock
  /** For one call with all its tries, in milliseconds; 5000 by default. */
  readonly timeoutMs?: number
  /** Members in one page, expired ones included; 1000 by default. */
  readonly pageSize?: number
  /** Is told what each call cost. DynamoDB is only asked for it if this is there. */
  readonly onConsumedCapacity?: ConsumedCapacityListener
}

/**
 * Connections and groups in one DynamoDB table; `tableDefinition` in `table.ts` says which.
 *
 * Every read but `connections` is strongly consistent. A write whose answer is lost is made again, so a version may go up by two.
 */
export class DynamoDBChannelStore implements ChannelStore, ConnectionListing {
  readonly identity: string
  readonly #calls: DynamoDBCalls
  readonly #clock: Clock
  readonly #pageSize: number
  readonly #codec: ValueCodec

  /** @throws {@link ConfigurationError} if a number, the serializer or a key of encryption is no good */
  constructor(options: DynamoDBChannelStoreOptions) {
    const { tableName, onConsumedCapacity, timeoutMs = DEFAULT_TIMEOUT_MS } = options
    const transport = options.transport ?? lazySdkTransport(options.client, options.clientConfig)
    this.#calls = new DynamoDBCalls({ transport, tableName, timeoutMs, onConsumedCapacity })
    this.identity = tableIdentity(options)
    this.#clock = options.clock ?? systemClock
    this.#pageSize = requireWholeNumber(options.pageSize ?? DEFAULT_PAGE_SIZE, 'pageSize')
    this.#codec = new ValueCodec(options)
  }

  async create(record: ConnectionRecord): Promise<void> {
    const groups = [...new Set(record.groups)]
    // No batch can be conditional, and none needs to be: API Gateway never gives a connection id twice.
    const items = [itemOfRecord(record, this.#codec), ...groups.map((group) => membership(group, record))]
    await batchWrite(this.#calls, this.#clock, {
      requests: items.map((Item) => ({ PutRequest: { Item } })),
      attempt: `create connection "${record.connectionId}" with ${groups.length} groups`,
    })
  }

  async load(connectionId: string): Promise<ConnectionRecord | undefined> {
    const item = await this.#loadItem(connectionId)
    return item && recordOfItem(connectionId, item, this.#codec)
  }

  async loadMany(connectionIds: readonly string[]): Promise<LoadedRecords> {
    const ids = [...new Set(connectionIds)]
    const items = await batchRead(this.#calls, this.#clock, {
      keys: ids.map((id) => recordKey(id)),
      attempt: `load ${ids.length} connections`,
    })
    const found = new Map(items.map((item) => [item[PARTITION_KEY]?.S, item]))
    const records = new Map<string, ConnectionRecord | StoreError>()
    for (const id of ids) {
      const item = found.get(recordKey(id)[PARTITION_KEY].S)
      if (!item || !this.#isAlive(item)) continue
      const record = readOrFailure(() => recordOfItem(id, item, this.#codec))
      records.set(id, record)
    }
    return records
  }

  async saveState(connectionId: string, write: RecordWrite): Promise<boolean> {
    const attempt = `save connection "${connectionId}"`
    const update = recordUpdate(connectionId, write, { codec: this.#codec })
    const saved = await this.#updateRecord(connectionId, update, { attempt })
    return saved !== undefined
  }

  async saveStateIf(
    connectionId: string,
    version: number,
    write: RecordWrite,
  ): Promise<'saved' | 'conflict' | 'gone'> {
    // Marks the write as this call's own: where its answer was lost, the client's second try meets a raised version.
    const writer = randomBytes(6).toString('base64url')
    const update = recordUpdate(connectionId, write, { codec: this.#codec, writer })
    const attempt = `save connection "${connectionId}" at version ${version}`
    const saved = await this.#updateRecord(
      connectionId,
      { ...update, values: { ...update.values, ':expected': { N: String(version) } } },
      { attempt, condition: '#version = :expected' },
    )
    if (saved) return 'saved'
    const item = await this.#loadItem(connectionId)
    if (item === undefined) return 'gone'
    return item[WRITER_ATTRIBUTE]?.S === writer ? 'saved' : 'conflict'
  }

  async remove(connectionId: string): Promise<RemovedRecord | undefined> {
    const item = await takeRecord(this.#calls, this.#clock, connectionId)
    if (!item) return undefined
    // From here on a crash leaves memberships without a record: the next sender meets 410 and ends them, or
    // their time to live does. The other way round two callers could both get the record.
    const membershipFailure = await this.#endMemberships(connectionId, groupsOf(item))
    if (!this.#isAlive(item)) {
      if (membershipFailure) throw membershipFailure
      return undefined
    }
    // Now, so that a value that cannot be read costs no membership.
    const record = recordOfItem(connectionId, item, this.#codec)
    return membershipFailure ? { ...record, membershipFailure } : record
  }

  async groupAdd(group: string, connectionId: string): Promise<boolean> {
    const attempt = `add connection "${connectionId}" to group "${group}"`
    // The record first: a crash in between leaves a name too many on the record, never a membership that
    // nobody knows of. A `remove` in between does leave one, as after a crash of `remove`.
    const record = await this.#updateRecord(
      connectionId,
      {
        expression: 'ADD #groups :group',
        names: { '#groups': GROUPS_ATTRIBUTE },
        values: { ':group': { SS: [group] } },
      },
      { attempt, returnRecord: true },
    )
    if (!record) return false
    const Item = membership(group, {
      connectionId,
      connectedAt: numberOf(record, CONNECTED_AT_ATTRIBUTE),
      expiresAt: numberOf(record, TIME_TO_LIVE_ATTRIBUTE),
    })
    await this.#calls.call(
      'PutItem',
      { TableName: this.#calls.tableName, Item },
      `${attempt} (its record names the group)`,
    )
    return true
  }

  async groupDiscard(group: string, connectionId: string): Promise<void> {
    const attempt = `discard connection "${connectionId}" from group "${group}"`
    const Key = { ...memberKey(group, connectionId) }
    await this.#calls.call('DeleteItem', { TableName: this.#calls.tableName, Key }, attempt)
    await this.#updateRecord(
      connectionId,
      {
        expression: 'DELETE #groups :group',
        names: { '#groups': GROUPS_ATTRIBUTE },
        values: { ':group': { SS: [group] } },
      },
      { attempt: `${attempt} (the membership has ended; its record still names the group)` },
    )
  }

  async members(group: string, range: MemberRange = {}): Promise<MemberPage> {
    const input = memberQuery({ tableName: this.#calls.tableName, group, range, pageSize: this.#pageSize })
    if (input === undefined) return { members: [] }
    const output = await this.#calls.call('Query', input, `read the members of group "${group}"`)
    const members = (output.Items ?? [])
      .filter((item) => this.#isAlive(item))
      .map((item) => memberOfItem(item))
    const next = output.LastEvaluatedKey?.[SORT_KEY]?.S
    const isLast = next === undefined || (range.upTo !== undefined && next >= range.upTo)
    return isLast ? { members } : { members, next }
  }

  /** Reads the whole table, at the price of that; eventually consistent. */
  async *connections(): AsyncGenerator<ConnectionRecord> {
    for await (const [connectionId, item] of listRecords(this.#calls)) {
      if (this.#isAlive(item)) yield recordOfItem(connectionId, item, this.#codec)
    }
  }

  /** Reads the whole table, at the price of that: for tests and development. */
  flush(): Promise<void> {
    return forgetAll(this.#calls, this.#clock)
  }

  /** Ends them all; resolves to why some are left, if they are. */
  #endMemberships(connectionId: string, groups: readonly string[]): Promise<StoreError | undefined> {
    const requests = groups.map((group) => ({
      DeleteRequest: { Key: { ...memberKey(group, connectionId) } },
    }))
    const attempt = `end the memberships of connection "${connectionId}" (its record is removed) in ${groups.length} groups`
    return failureOf(batchWrite(this.#calls, this.#clock, { requests, attempt }))
  }

  async #loadItem(connectionId: string): Promise<Item | undefined> {
    const input = { TableName: this.#calls.tableName, Key: key(connectionId), ConsistentRead: true }
    const { Item: item } = await this.#calls.call('GetItem', input, `load connection "${connectionId}"`)
    return item && this.#isAlive(item) ? item : undefined
  }

  /** Updates the record if there is one that has not expired. Resolves to `undefined` if not. */
  async #updateRecord(
    connectionId: string,
    update: RecordUpdate,
    options: UpdateOptions,
  ): Promise<Item | undefined> {
    const { attempt, condition, returnRecord = false } = options
    const isAlive = '#ttl > :now'
    const input: UpdateItemInput = {
      TableName: this.#calls.tableName,
      Key: key(connectionId),
      UpdateExpression: update.expression,
      ConditionExpression: condition === undefined ? isAlive : `${isAlive} AND ${condition}`,
      ExpressionAttributeNames: { ...update.names, '#ttl': TIME_TO_LIVE_ATTRIBUTE },
      ExpressionAttributeValues: { ...update.values, ':now': { N: String(this.#nowSeconds()) } },
      ReturnValues: returnRecord ? 'ALL_NEW' : 'NONE',
    }
    const output = await this.#calls.callIf('UpdateItem', input, attempt)
    return output && (output.Attributes ?? {})
  }

  // DynamoDB deletes an expired item within a few days, and returns it until then:
  // https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ttl-expired-items.html
  #isAlive(item: Item): boolean {
    return numberOf(item, TIME_TO_LIVE_ATTRIBUTE) > this.#nowSeconds()
  }

  #nowSeconds(): number {
    return Math.floor(this.#clock.now() / 1000)
  }
}

interface UpdateOptions {
  readonly attempt: string
  /** What must hold besides. */
  readonly condition?: string
  readonly returnRecord?: boolean
}

function key(connectionId: string): Item {
  return { ...recordKey(connectionId) }
}

function membership(
  group: string,
  record: Omit<ConnectionRecord, 'scope' | 'state' | 'version' | 'groups'>,
): Item {
  return {
    ...memberKey(group, record.connectionId),
    [CONNECTED_AT_ATTRIBUTE]: { N: String(record.connectedAt) },
    [TIME_TO_LIVE_ATTRIBUTE]: { N: String(record.expiresAt) },
  }
}
