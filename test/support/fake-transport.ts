import type { DynamoDBTransport } from '../../shared/backends/dynamodb/transport.ts'

/** A transport of which only these operations may be called. */
export function fakeTransport(operations: Partial<DynamoDBTransport>): DynamoDBTransport {
  const unexpected = (operation: string) => (): never => {
    throw new Error(`${operation} was called`)
  }
  return {
    BatchGetItem: unexpected('BatchGetItem'),
    BatchWriteItem: unexpected('BatchWriteItem'),
    DeleteItem: unexpected('DeleteItem'),
    GetItem: unexpected('GetItem'),
    PutItem: unexpected('PutItem'),
    Query: unexpected('Query'),
    Scan: unexpected('Scan'),
    UpdateItem: unexpected('UpdateItem'),
    ...operations,
  }
}

/** An error as the SDK throws it: `statusCode` is only in `$metadata`. */
export function sdkError(name: string, status: number | undefined, message = 'said so'): Error {
  const error = new Error(message)
  error.name = name
  return Object.assign(error, { $metadata: status === undefined ? {} : { httpStatusCode: status } })
}
