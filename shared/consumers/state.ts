import { requireJsonObject } from '../codec.ts'
import { InvalidMessageError, InvalidStateError } from '../errors.ts'
import type { JsonObject } from '../message.ts'

/** Bytes of JSON that one connection's state may have: a DynamoDB item ends at 400 KB, scope and names included. */
const MAX_STATE_BYTES = 300_000

/**
 * A copy of `state` made of JSON alone.
 *
 * @throws {@link InvalidStateError} naming the consumer and the path of the first value that is not JSON
 */
export function requireState(state: unknown, consumer: string): JsonObject {
  const json = asJson(state, consumer)
  const size = Buffer.byteLength(JSON.stringify(json))
  if (size <= MAX_STATE_BYTES) return json
  throw new InvalidStateError(
    `state of ${consumer} has ${size} bytes, ${MAX_STATE_BYTES} is the most: keep what is large in a table of your own and its key in the state`,
  )
}

function asJson(state: unknown, consumer: string): JsonObject {
  try {
    return requireJsonObject(state, 'state')
  } catch (error) {
    if (!(error instanceof InvalidMessageError)) throw error
    throw new InvalidStateError(`${consumer} cannot keep its state: ${error.message}`, { cause: error })
  }
}
