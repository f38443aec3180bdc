import { type Clock, systemClock } from '../../clock.ts'
import { type RateStore, rateWindow } from '../../stores/rate-store.ts'
import type { DynamoDBChannelStoreOptions } from './dynamodb-channel-store.ts'
import { DynamoDBCalls } from './dynamodb-calls.ts'
import { lazySdkTransport } from './lazy-sdk-transport.ts'
import { numberOf } from './record-item.ts'
import { HITS_ATTRIBUTE, rateKey, TIME_TO_LIVE_ATTRIBUTE } from './table.ts'

const DEFAULT_TIMEOUT_MS = 2_000

/** Options of {@link DynamoDBRateStore}: it may share the table of a {@link DynamoDBChannelStore}. */
export type DynamoDBRateStoreOptions = Pick<
  DynamoDBChannelStoreOptions,
  'tableName' | 'client' | 'clientConfig' | 'transport' | 'clock' | 'timeoutMs' | 'onConsumedCapacity'
>

/** Counts in a DynamoDB table: one write unit each. An item for each key and window goes by its time to live. */
export class DynamoDBRateStore implements RateStore {
  readonly #calls: DynamoDBCalls
  readonly #clock: Clock

  constructor(options: DynamoDBRateStoreOptions) {
    const { tableName, onConsumedCapacity, timeoutMs = DEFAULT_TIMEOUT_MS } = options
    const transport = options.transport ?? lazySdkTransport(options.client, options.clientConfig)
    this.#calls = new DynamoDBCalls({ transport, tableName, timeoutMs, onConsumedCapacity })
    this.#clock = options.clock ?? systemClock
  }

  async hit(key: string, windowSeconds: number): Promise<number> {
    const { index, endsAt } = rateWindow(this.#clock.now(), windowSeconds)
    const { Attributes = {} } = await this.#calls.call(
      'UpdateItem',
      {
        TableName: this.#calls.tableName,
        Key: { ...rateKey(key, windowSeconds, index) },
        UpdateExpression: 'SET #ttl = :ends ADD #hits :one',
        ExpressionAttributeNames: { '#ttl': TIME_TO_LIVE_ATTRIBUTE, '#hits': HITS_ATTRIBUTE },
        ExpressionAttributeValues: { ':ends': { N: String(endsAt) }, ':one': { N: '1' } },
        ReturnValues: 'ALL_NEW',
      },
      `count a hit of "${key}"`,
    )
    return numberOf(Attributes, HITS_ATTRIBUTE)
  }
}
