import { type Clock, systemClock } from '../../clock.ts'
import type { SessionRecord, SessionStore, SessionWrite } from '../../stores/session-store.ts'
import { sessionPlace, ValueCodec, type ValueCodecOptions } from '../../stores/value-codec.ts'
import type { DynamoDBChannelStoreOptions } from './dynamodb-channel-store.ts'
import { DynamoDBCalls } from './dynamodb-calls.ts'
import { lazySdkTransport } from './lazy-sdk-transport.ts'
import { type MapCoding, mapOfState, numberOf, stateOfMap } from './record-item.ts'
import { clause, mapUpdate } from './record-update.ts'
import { sessionKey, STATE_ATTRIBUTE, TIME_TO_LIVE_ATTRIBUTE } from './table.ts'
import type { Item, UpdateItemInput } from './transport.ts'

const DEFAULT_TIMEOUT_MS = 5_000

/** Options of {@link DynamoDBSessionStore}: it may share the table of a {@link DynamoDBChannelStore}. */
export interface DynamoDBSessionStoreOptions
  extends
    Pick<
      DynamoDBChannelStoreOptions,
      'tableName' | 'client' | 'clientConfig' | 'transport' | 'clock' | 'timeoutMs' | 'onConsumedCapacity'
    >,
    ValueCodecOptions {}

/**
 * Sessions in a DynamoDB table, one item each, which goes by its time to live. Every read is strongly consistent.
 *
 * Keys of a session's data are entries of a map, so that two writes of different keys both last.
 */
export class DynamoDBSessionStore implements SessionStore {
  readonly #calls: DynamoDBCalls
  readonly #clock: Clock
  readonly #codec: ValueCodec

  /** @throws {@link ConfigurationError} if the serializer or a key of encryption is no good */
  constructor(options: DynamoDBSessionStoreOptions) {
    const { tableName, onConsumedCapacity, timeoutMs = DEFAULT_TIMEOUT_MS } = options
    const transport = options.transport ?? lazySdkTransport(options.client, options.clientConfig)
    this.#calls = new DynamoDBCalls({ transport, tableName, timeoutMs, onConsumedCapacity })
    this.#clock = options.clock ?? systemClock
    this.#codec = new ValueCodec(options)
  }

  async load(key: string): Promise<SessionRecord | undefined> {
    const input = { TableName: this.#calls.tableName, Key: itemKey(key), ConsistentRead: true }
    return this.#recordOf(key, (await this.#calls.call('GetItem', input, `load session "${key}"`)).Item)
  }

  async create(key: string, { data, expiresAt }: SessionRecord): Promise<boolean> {
    return await this.#update(key, `create session "${key}"`, {
      UpdateExpression: 'SET #state = :data, #ttl = :expires',
      // One that has expired counts as none, though it may still be there.
      ConditionExpression: 'attribute_not_exists(#ttl) OR #ttl <= :now',
      ExpressionAttributeNames: { '#state': STATE_ATTRIBUTE, '#ttl': TIME_TO_LIVE_ATTRIBUTE },
      ExpressionAttributeValues: {
        ':data': { M: mapOfState(data, this.#coding(key)) },
        ':expires': { N: String(expiresAt) },
        ':now': { N: String(this.#nowSeconds()) },
      },
    })
  }

  async save(key: string, write: SessionWrite): Promise<boolean> {
    const map = mapUpdate(write, this.#coding(key))
    const clauses = [clause('SET', [...map.set, '#ttl = :expires']), clause('REMOVE', map.remove)]
    return await this.#update(key, `save session "${key}"`, {
      UpdateExpression: clauses.filter(Boolean).join(' '),
      ConditionExpression: '#ttl > :now',
      ExpressionAttributeNames: { ...map.names, '#ttl': TIME_TO_LIVE_ATTRIBUTE },
      ExpressionAttributeValues: {
        ...map.values,
        ':expires': { N: String(write.expiresAt) },
        ':now': { N: String(this.#nowSeconds()) },
      },
    })
  }

  async delete(key: string): Promise<SessionRecord | undefined> {
    const input = { TableName: this.#calls.tableName, Key: itemKey(key), ReturnValues: 'ALL_OLD' as const }
    const { Attributes } = await this.#calls.call('DeleteItem', input, `delete session "${key}"`)
    return this.#recordOf(key, Attributes)
  }

  async deleteIfEmpty(key: string): Promise<boolean> {
    const input = {
      TableName: this.#calls.tableName,
      Key: itemKey(key),
      ConditionExpression: 'size(#state) = :none AND #ttl > :now',
      ExpressionAttributeNames: { '#state': STATE_ATTRIBUTE, '#ttl': TIME_TO_LIVE_ATTRIBUTE },
      ExpressionAttributeValues: { ':none': { N: '0' }, ':now': { N: String(this.#nowSeconds()) } },
    }
    return (await this.#calls.callIf('DeleteItem', input, `delete empty session "${key}"`)) !== undefined
  }

  #recordOf(key: string, item: Item | undefined): SessionRecord | undefined {
    // DynamoDB deletes an expired item within a few days, and returns it until then.
    if (item === undefined || numberOf(item, TIME_TO_LIVE_ATTRIBUTE) <= this.#nowSeconds()) return undefined
    return {
      data: stateOfMap(item[STATE_ATTRIBUTE]?.M ?? {}, this.#coding(key)),
      expiresAt: numberOf(item, TIME_TO_LIVE_ATTRIBUTE),
    }
  }

  /** False if its condition does not hold. */
  async #update(
    key: string,
    attempt: string,
    update: Omit<UpdateItemInput, 'TableName' | 'Key' | 'ReturnValues'>,
  ): Promise<boolean> {
    const where = { TableName: this.#calls.tableName, Key: itemKey(key), ReturnValues: 'NONE' as const }
    return (await this.#calls.callIf('UpdateItem', { ...where, ...update }, attempt)) !== undefined
  }

  #coding(key: string): MapCoding {
    return { codec: this.#codec, placeOf: (name) => sessionPlace(key, name) }
  }

  #nowSeconds(): number {
    return Math.floor(this.#clock.now() / 1000)
  }
}

function itemKey(key: string): Item {
  return { ...sessionKey(key) }
}
