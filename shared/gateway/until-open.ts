import { ConnectionGoneError } from '../errors.ts'
import type { DeliveryTask } from '../stores/delivery-queue.ts'
import type { Invocation } from './invocation.ts'

/** First and longest wait for a connection to open, in milliseconds. */
const FIRST_WAIT_MS = 20
const MAX_WAIT_MS = 500

/** How long a close waits in the queue for a connection that has no record any more. */
const RECHECK_SECONDS = 5

type ConnectionTask = Exclude<DeliveryTask, { readonly kind: 'group' }>

/**
 * Waits until a connection that may still be opening is open. False if it will never be: nobody waits for the
 * task then; or if there is no time left, or a long wait ahead: the task is in the queue again.
 */
export async function untilOpen(task: ConnectionTask, invocation: Invocation): Promise<boolean> {
  const { connectionId, connectedAt } = task
  const isClosing = task.kind === 'frames' && task.close === true
  for (let wait = FIRST_WAIT_MS; invocation.isYoung(connectedAt); wait = Math.min(wait * 2, MAX_WAIT_MS)) {
    if (await isOpen(connectionId, invocation)) return true
    const record = await invocation.inTime(invocation.runtime.store.load(connectionId))
    if (record === undefined && !isClosing) {
      // Refused, or ended before it was open.
      invocation.count('gone')
      return false
    }
    if (invocation.isOutOfTime()) {
      await invocation.enqueue([task], { delaySeconds: 1 })
      return false
    }
    // Ended before it was open. Most likely its `$connect` is refused, but if not, then somebody has to close it.
    if (record === undefined && wait === MAX_WAIT_MS) {
      await invocation.enqueue([task], { delaySeconds: RECHECK_SECONDS, attempt: 1 })
      return false
    }
    await invocation.runtime.clock.sleep(wait)
  }
  return true
}

async function isOpen(connectionId: string, { poster, signal }: Invocation): Promise<boolean> {
  try {
    await poster.get(connectionId, signal === undefined ? {} : { signal })
    return true
  } catch (error) {
    // Throttled or unreachable, or out of time: posting finds out, and defers.
    return !(error instanceof ConnectionGoneError)
  }
}
