import type {
  BatchGetItemInput,
  BatchGetItemOutput,
  BatchWriteItemInput,
  BatchWriteItemOutput,
  DeleteItemInput,
  DeleteItemOutput,
  GetItemInput,
  GetItemOutput,
  PutItemInput,
  PutItemOutput,
  QueryInput,
  QueryOutput,
  UpdateItemInput,
  UpdateItemOutput,
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
