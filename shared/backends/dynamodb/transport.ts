import {
  BatchGetItemCommand,
  type BatchGetItemInput,
  type BatchGetItemOutput,
  BatchWriteItemCommand,
  type BatchWriteItemInput,
  type BatchWriteItemOutput,
  DeleteItemCommand,
  type DeleteItemInput,
  type DeleteItemOutput,
  type DynamoDBClient,
  GetItemCommand,
  type GetItemInput,
  type GetItemOutput,
  PutItemCommand,
  type PutItemInput,
  type PutItemOutput,
  QueryCommand,
  type QueryInput,
  type QueryOutput,
  UpdateItemCommand,
  type UpdateItemInput,
  type UpdateItemOutput,
} from '@aws-sdk/client-dynamodb'

/** Options of one call. */
export interface CallOptions {
  readonly abortSignal: AbortSignal
}

type Call<Input, Output> = (input: Input, options: CallOptions) => Promise<Output>

/** The operations of DynamoDB that a store needs, each one request and its answer. */
export interface DynamoDBTransport {
  readonly BatchGetItem: Call<BatchGetItemInput, BatchGetItemOutput>
  readonly BatchWriteItem: Call<BatchWriteItemInput, BatchWriteItemOutput>
  readonly DeleteItem: Call<DeleteItemInput, DeleteItemOutput>
  readonly GetItem: Call<GetItemInput, GetItemOutput>
  readonly PutItem: Call<PutItemInput, PutItemOutput>
  readonly Query: Call<QueryInput, QueryOutput>
  readonly UpdateItem: Call<UpdateItemInput, UpdateItemOutput>
}

/** Makes the calls with the AWS SDK, which signs and retries. */
export function sdkTransport(client: DynamoDBClient): DynamoDBTransport {
  return {
    BatchGetItem: (input, options) => client.send(new BatchGetItemCommand(input), options),
    BatchWriteItem: (input, options) => client.send(new BatchWriteItemCommand(input), options),
    DeleteItem: (input, options) => client.send(new DeleteItemCommand(input), options),
    GetItem: (input, options) => client.send(new GetItemCommand(input), options),
    PutItem: (input, options) => client.send(new PutItemCommand(input), options),
    Query: (input, options) => client.send(new QueryCommand(input), options),
    UpdateItem: (input, options) => client.send(new UpdateItemCommand(input), options),
  }
}
