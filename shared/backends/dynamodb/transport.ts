/** Options of one call. */
export interface CallOptions {
  readonly abortSignal: AbortSignal
  /** Makes one request and no second one, whatever comes of it: the answer of a second would hide what the first did. */
  readonly isSingleTry?: boolean
}

type Call<Input, Output> = (input: Input, options: CallOptions) => Promise<Output>

/** The operations of DynamoDB that a store needs, each one request and its answer. */
export interface DynamoDBTransport {
  /** The URL of the DynamoDB that is called, where the transport knows it. */
  readonly endpoint?: string
  readonly BatchGetItem: Call<BatchGetItemInput, BatchGetItemOutput>
  readonly BatchWriteItem: Call<BatchWriteItemInput, BatchWriteItemOutput>
  readonly DeleteItem: Call<DeleteItemInput, AttributesOutput>
  readonly GetItem: Call<GetItemInput, GetItemOutput>
  readonly PutItem: Call<PutItemInput, AttributesOutput>
  readonly Query: Call<QueryInput, QueryOutput>
  readonly Scan: Call<ScanInput, QueryOutput>
  readonly UpdateItem: Call<UpdateItemInput, AttributesOutput>
}

// The types below say of DynamoDB's what the store uses, so that nobody needs the SDK to compile against the store.
// They are mutable, as the SDK's are, so that either can be given where the other is asked for.

interface AttributeKinds {
  S: string
  N: string
  B: Uint8Array
  SS: string[]
  NS: string[]
  BS: Uint8Array[]
  M: Item
  L: AttributeValue[]
  NULL: boolean
  BOOL: boolean
  $unknown: [string, unknown]
}

/** The value of an attribute: an object with one key, which says of what kind it is. The store uses S, N, B, SS and M. */
export type AttributeValue = {
  [Kind in keyof AttributeKinds]: { [Only in Kind]: AttributeKinds[Only] } & {
    [Other in Exclude<keyof AttributeKinds, Kind>]?: never
  }
}[keyof AttributeKinds]

/** Attributes by name: an item, its key, or the values of an expression. */
export interface Item {
  [attribute: string]: AttributeValue
}

/** What one call cost. */
export interface ConsumedCapacity {
  CapacityUnits?: number | undefined
}

interface Costed {
  ReturnConsumedCapacity?: 'TOTAL'
}

interface OneTable extends Costed {
  TableName: string
}

interface GetItemInput extends OneTable {
  Key: Item
  ConsistentRead?: boolean
}

interface GetItemOutput {
  Item?: Item | undefined
  ConsumedCapacity?: ConsumedCapacity | undefined
}

interface PutItemInput extends OneTable {
  Item: Item
}

interface DeleteItemInput extends OneTable {
  Key: Item
  ConditionExpression?: string
  ExpressionAttributeNames?: Record<string, string>
  ExpressionAttributeValues?: Item
  ReturnValues?: 'ALL_OLD'
}

export interface UpdateItemInput extends OneTable {
  Key: Item
  UpdateExpression: string
  ConditionExpression?: string
  ExpressionAttributeNames: Record<string, string>
  ExpressionAttributeValues: Item
  ReturnValues: 'ALL_NEW' | 'NONE'
}

/** Of PutItem, DeleteItem and UpdateItem: the item, as it was or as it is. */
interface AttributesOutput {
  Attributes?: Item | undefined
  ConsumedCapacity?: ConsumedCapacity | undefined
}

export interface QueryInput extends OneTable {
  ConsistentRead: boolean
  Limit: number
  KeyConditionExpression: string
  ProjectionExpression: string
  ExpressionAttributeNames: Record<string, string>
  ExpressionAttributeValues: Item
  ExclusiveStartKey?: Item
}

interface ScanInput extends OneTable {
  ConsistentRead: boolean
  ProjectionExpression?: string
  FilterExpression?: string
  ExpressionAttributeNames: Record<string, string>
  ExpressionAttributeValues?: Item
  ExclusiveStartKey?: Item
}

interface QueryOutput {
  Items?: Item[] | undefined
  LastEvaluatedKey?: Item | undefined
  ConsumedCapacity?: ConsumedCapacity | undefined
}

/** Keys of one table to read. */
interface KeysAndAttributes {
  Keys: Item[] | undefined
  ConsistentRead?: boolean | undefined
}

interface BatchGetItemInput extends Costed {
  RequestItems: Record<string, KeysAndAttributes>
}

interface BatchGetItemOutput {
  Responses?: Record<string, Item[]> | undefined
  UnprocessedKeys?: Record<string, KeysAndAttributes> | undefined
  ConsumedCapacity?: ConsumedCapacity[] | undefined
}

/** One write of a batch. */
export interface WriteRequest {
  PutRequest?: { Item: Item | undefined } | undefined
  DeleteRequest?: { Key: Item | undefined } | undefined
}

interface BatchWriteItemInput extends Costed {
  RequestItems: Record<string, WriteRequest[]>
}

interface BatchWriteItemOutput {
  UnprocessedItems?: Record<string, WriteRequest[]> | undefined
  ConsumedCapacity?: ConsumedCapacity[] | undefined
}
