import {
  BatchGetItemCommand,
  BatchWriteItemCommand,
  DeleteItemCommand,
  DynamoDBClient,
  type DynamoDBClientConfig,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  ScanCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb'
import type { DynamoDBTransport } from './transport.ts'

/** A client as a store wants it: every try is bounded in time. */
function defaultClient(config: DynamoDBClientConfig = {}): DynamoDBClient {
  return new DynamoDBClient({
    maxAttempts: 3,
    requestHandler: { connectionTimeout: 1_000, requestTimeout: 2_000 },
    ...config,
  })
}

/** Makes the calls with the AWS SDK, which signs and retries: with `client`, or with one made from `config`. */
export function sdkTransport(client?: DynamoDBClient, config?: DynamoDBClientConfig): DynamoDBTransport {
  return transportOf(client ?? defaultClient(config))
}

/** The SDK retries by the client's settings only: behind its retries, a second try gets what became of the first. */
function sendOnce(command: DeleteItemCommand): void {
  command.middlewareStack.add(
    (next) => {
      let first: ReturnType<typeof next> | undefined
      return (request) => (first ??= next(request))
    },
    { step: 'finalizeRequest', priority: 'low', name: 'sendOnce' },
  )
}

function transportOf(client: DynamoDBClient): DynamoDBTransport {
  return {
    BatchGetItem: (input, options) => client.send(new BatchGetItemCommand(input), options),
    BatchWriteItem: (input, options) => client.send(new BatchWriteItemCommand(input), options),
    DeleteItem: (input, { abortSignal, isSingleTry = false }) => {
      const command = new DeleteItemCommand(input)
      if (isSingleTry) sendOnce(command)
      return client.send(command, { abortSignal })
    },
    GetItem: (input, options) => client.send(new GetItemCommand(input), options),
    PutItem: (input, options) => client.send(new PutItemCommand(input), options),
    Query: (input, options) => client.send(new QueryCommand(input), options),
    Scan: (input, options) => client.send(new ScanCommand(input), options),
    UpdateItem: (input, options) => client.send(new UpdateItemCommand(input), options),
  }
}
