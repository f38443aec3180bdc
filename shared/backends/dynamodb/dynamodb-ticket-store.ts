import { type Clock, systemClock } from '../../clock.ts'
import type { Ticket, TicketStore } from '../../stores/ticket-store.ts'
import { ticketPlace, ValueCodec } from '../../stores/value-codec.ts'
import { DynamoDBCalls } from './dynamodb-calls.ts'
import type { DynamoDBSessionStoreOptions } from './dynamodb-session-store.ts'
import { lazySdkTransport } from './lazy-sdk-transport.ts'
import { type MapCoding, mapOfState, numberOf, stateOfMap } from './record-item.ts'
import { STATE_ATTRIBUTE, ticketKey, TIME_TO_LIVE_ATTRIBUTE } from './table.ts'

const DEFAULT_TIMEOUT_MS = 5_000

/** Options of {@link DynamoDBTicketStore}: it may share the table of a {@link DynamoDBChannelStore}. */
export type DynamoDBTicketStoreOptions = DynamoDBSessionStoreOptions

/** Tickets in a DynamoDB table: one write unit to put one, and one to take it. Those never taken go by their time to live. */
export class DynamoDBTicketStore implements TicketStore {
  readonly #calls: DynamoDBCalls
  readonly #clock: Clock
  readonly #codec: ValueCodec

  /** @throws {@link ConfigurationError} if the serializer or a key of encryption is no good */
  constructor(options: DynamoDBTicketStoreOptions) {
    const { tableName, onConsumedCapacity, timeoutMs = DEFAULT_TIMEOUT_MS } = options
    const transport = options.transport ?? lazySdkTransport(options.client, options.clientConfig)
    this.#calls = new DynamoDBCalls({ transport, tableName, timeoutMs, onConsumedCapacity })
    this.#clock = options.clock ?? systemClock
    this.#codec = new ValueCodec(options)
  }

  async put(key: string, { data, expiresAt }: Ticket): Promise<void> {
    const item = {
      ...ticketKey(key),
      [STATE_ATTRIBUTE]: { M: mapOfState(data, this.#coding(key)) },
      [TIME_TO_LIVE_ATTRIBUTE]: { N: String(expiresAt) },
    }
    await this.#calls.call('PutItem', { TableName: this.#calls.tableName, Item: item }, `put ticket "${key}"`)
  }

  async take(key: string): Promise<Ticket | undefined> {
    // Of several deletions one gets the item. One that is made again, since its answer was lost, gets nothing.
    const { Attributes: item } = await this.#calls.call(
      'DeleteItem',
      { TableName: this.#calls.tableName, Key: { ...ticketKey(key) }, ReturnValues: 'ALL_OLD' },
      `take ticket "${key}"`,
    )
    if (item === undefined) return undefined
    const expiresAt = numberOf(item, TIME_TO_LIVE_ATTRIBUTE)
    if (expiresAt * 1000 <= this.#clock.now()) return undefined
    return { data: stateOfMap(item[STATE_ATTRIBUTE]?.M ?? {}, this.#coding(key)), expiresAt }
  }

  #coding(key: string): MapCoding {
    return { codec: this.#codec, placeOf: (name) => ticketPlace(key, name) }
  }
}
