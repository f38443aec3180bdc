import type { DynamoDBClient, DynamoDBClientConfig } from '@aws-sdk/client-dynamodb'
import type { DynamoDBTransport } from './transport.ts'

/**
 * A transport over the SDK that loads it with the first call: it takes longer to load than all the rest, and a
 * store that has another transport never needs it.
 */
export function lazySdkTransport(client?: DynamoDBClient, config?: DynamoDBClientConfig): DynamoDBTransport {
  let loading: Promise<DynamoDBTransport> | undefined
  const load = (): Promise<DynamoDBTransport> => {
    loading ??= import('./sdk-transport.ts').then(({ sdkTransport }) => sdkTransport(client, config))
    return loading
  }
  return {
    BatchGetItem: async (input, options) => (await load()).BatchGetItem(input, options),
    BatchWriteItem: async (input, options) => (await load()).BatchWriteItem(input, options),
    DeleteItem: async (input, options) => (await load()).DeleteItem(input, options),
    GetItem: async (input, options) => (await load()).GetItem(input, options),
    PutItem: async (input, options) => (await load()).PutItem(input, options),
    Query: async (input, options) => (await load()).Query(input, options),
    Scan: async (input, options) => (await load()).Scan(input, options),
    UpdateItem: async (input, options) => (await load()).UpdateItem(input, options),
  }
}
