import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { type EmbeddedDynamoDB, startEmbeddedDynamoDB } from '../../local/embedded-dynamodb.ts'
import {
  DynamoDBChannelStore,
  type DynamoDBChannelStoreOptions,
} from '../../shared/backends/dynamodb/dynamodb-channel-store.ts'
import {
  type HttpTransport,
  httpTransport,
  type HttpTransportOptions,
} from '../../shared/backends/dynamodb/http-transport.ts'
import { tableDefinition } from '../../shared/backends/dynamodb/table.ts'

const TABLE_NAME = 'channels-test'

/** A DynamoDB on loopback with one table, a client of the real SDK, and stores over both. */
export interface TestDynamoDB extends AsyncDisposable {
  readonly client: DynamoDBClient
  /** Makes the same calls without the SDK. */
  readonly transport: HttpTransport
  /** The same by another way to the database; the caller destroys it. */
  readonly makeTransport: (options: Pick<HttpTransportOptions, 'endpoint' | 'tls'>) => HttpTransport
  readonly endpoint: string
  readonly tableName: string
  /** How many requests the client has sent, retries included. */
  readonly requests: () => number
  readonly makeStore: (options?: Partial<DynamoDBChannelStoreOptions>) => DynamoDBChannelStore
  /** What goes wrong on purpose. */
  readonly faults: Pick<EmbeddedDynamoDB, 'throttleNextCalls' | 'loseNextAnswers' | 'clearFaults'>
  readonly close: () => Promise<void>
}

export async function startTestDynamoDB(): Promise<TestDynamoDB> {
  const database = await startEmbeddedDynamoDB({ tables: [tableDefinition(TABLE_NAME)] })
  const region = 'eu-west-1'
  const credentials = { accessKeyId: 'test', secretAccessKey: 'test' }
  const makeTransport: TestDynamoDB['makeTransport'] = (options) =>
    httpTransport({ region, credentials: async () => credentials, timeoutMs: 30_000, ...options })
  const transport = makeTransport({ endpoint: database.endpoint })
  let requests = 0
  const client = new DynamoDBClient({ endpoint: database.endpoint, region, credentials })
  client.middlewareStack.add(
    (next) => (args) => {
      requests += 1
      return next(args)
    },
    { step: 'finalizeRequest', name: 'countRequests', priority: 'low' },
  )
  const close = async (): Promise<void> => {
    client.destroy()
    transport.destroy()
    await database.close()
  }
  return {
    client,
    transport,
    makeTransport,
    endpoint: database.endpoint,
    faults: {
      throttleNextCalls: database.throttleNextCalls,
      loseNextAnswers: database.loseNextAnswers,
      clearFaults: database.clearFaults,
    },
    tableName: TABLE_NAME,
    requests: () => requests,
    // Slow machines are no failure: time-outs have a test of their own.
    makeStore: (options = {}) =>
      new DynamoDBChannelStore({ tableName: TABLE_NAME, client, timeoutMs: 30_000, ...options }),
    close,
    [Symbol.asyncDispose]: close,
  }
}
