import { InvalidEventError } from '../errors.ts'
import { isPlainObject } from '../message.ts'

/** What SQS is answered: the messages that are to be delivered again. */
export interface BatchResult {
  readonly batchItemFailures: readonly { readonly itemIdentifier: string }[]
}

/** One message of a queue. */
export interface QueueRecord {
  readonly messageId: string
  readonly body: string
  /** How often it was handed out, this time included. */
  readonly receiveCount: number
  /** Of a FIFO queue: the group within which its messages keep their order. */
  readonly groupId: string | undefined
}

/**
 * The messages of a batch, as SQS invokes a function with it.
 *
 * @param queue - what the function is connected to, for the error: `the delivery queue`
 * @throws {@link InvalidEventError} for an event that is none of SQS
 */
export function queueRecords(event: unknown, queue: string): readonly QueueRecord[] {
  const records = isPlainObject(event) ? event['Records'] : undefined
  if (Array.isArray(records)) return records.map(queueRecord)
  const seen = isPlainObject(event)
    ? `an object with the keys ${Object.keys(event).join(', ') || '(none)'}`
    : typeof event
  throw new InvalidEventError(
    `this is no event of an SQS queue, but ${seen}: connect ${queue} to this function`,
  )
}

/** The answer that has these messages delivered again. */
export function batchResult(failed: readonly string[]): BatchResult {
  return { batchItemFailures: failed.map((itemIdentifier) => ({ itemIdentifier })) }
}

function queueRecord(record: unknown): QueueRecord {
  const { messageId, body, attributes } = isPlainObject(record) ? record : {}
  const { ApproximateReceiveCount = 1, MessageGroupId } = isPlainObject(attributes) ? attributes : {}
  const count = Number(ApproximateReceiveCount)
  return {
    messageId: String(messageId),
    body: typeof body === 'string' ? body : '',
    receiveCount: count >= 1 ? count : 1,
    groupId: typeof MessageGroupId === 'string' ? MessageGroupId : undefined,
  }
}
