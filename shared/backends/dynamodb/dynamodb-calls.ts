import { requirePositive } from '../../whole-number.ts'
import { dynamodbFailure, isConditionFailure } from './dynamodb-failure.ts'
import type { CallOptions, ConsumedCapacity, DynamoDBTransport } from './transport.ts'

/** A name of an operation of DynamoDB. */
export type Operation = Exclude<keyof DynamoDBTransport, 'endpoint'>

type Input<O extends Operation> = Parameters<DynamoDBTransport[O]>[0]
type Output<O extends Operation> = Awaited<ReturnType<DynamoDBTransport[O]>>

/** Is told what each call cost: capacity units, read or write as the operation is. */
export type ConsumedCapacityListener = (operation: string, units: number) => void

/** Options of {@link DynamoDBCalls}. */
export interface DynamoDBCallsOptions {
  readonly transport: DynamoDBTransport
  readonly tableName: string
  /** For one call with all its tries. */
  readonly timeoutMs: number
  readonly onConsumedCapacity?: ConsumedCapacityListener | undefined
}

/** Calls of DynamoDB that end in time, report their cost, and fail with errors of this library only. */
export class DynamoDBCalls {
  readonly tableName: string
  readonly #options: DynamoDBCallsOptions

  /** @throws {@link ConfigurationError} if the time is none */
  constructor(options: DynamoDBCallsOptions) {
    requirePositive({ timeoutMs: options.timeoutMs })
    this.tableName = options.tableName
    this.#options = options
  }

  /** Makes one call. `attempt` says what it is for: `could not {attempt}` begins the message of an error. */
  async call<O extends Operation>(operation: O, input: Input<O>, attempt: string): Promise<Output<O>> {
    try {
      return await this.#send(operation, input)
    } catch (error) {
      throw this.#failure(operation, error, attempt)
    }
  }

  /** As `call`, but one request only: no transport makes it a second time. */
  async callOnce<O extends Operation>(operation: O, input: Input<O>, attempt: string): Promise<Output<O>> {
    try {
      return await this.#send(operation, input, true)
    } catch (error) {
      throw this.#failure(operation, error, attempt)
    }
  }

  /** As `call`, but `undefined` if the write's condition did not hold. */
  async callIf<O extends Operation>(
    operation: O,
    input: Input<O>,
    attempt: string,
  ): Promise<Output<O> | undefined> {
    try {
      return await this.#send(operation, input)
    } catch (error) {
      if (isConditionFailure(error)) return undefined
      throw this.#failure(operation, error, attempt)
    }
  }

  async #send<O extends Operation>(operation: O, input: Input<O>, isSingleTry = false): Promise<Output<O>> {
    const { transport, timeoutMs, onConsumedCapacity } = this.#options
    const send = transport[operation] as (input: Input<O>, options: CallOptions) => Promise<Output<O>>
    const options = { abortSignal: AbortSignal.timeout(timeoutMs), ...(isSingleTry && { isSingleTry }) }
    if (!onConsumedCapacity) return send(input, options)
    const output = await send({ ...input, ReturnConsumedCapacity: 'TOTAL' }, options)
    onConsumedCapacity(operation, unitsOf(output.ConsumedCapacity))
    return output
  }

  #failure(operation: string, error: unknown, attempt: string): Error {
    const { timeoutMs } = this.#options
    return dynamodbFailure(error, { attempt, operation, tableName: this.tableName, timeoutMs })
  }
}

function unitsOf(consumed: ConsumedCapacity | readonly ConsumedCapacity[] | undefined): number {
  if (consumed === undefined) return 0
  const parts = Array.isArray(consumed)
    ? (consumed as readonly ConsumedCapacity[])
    : [consumed as ConsumedCapacity]
  return parts.reduce((sum, part) => sum + (part.CapacityUnits ?? 0), 0)
}
