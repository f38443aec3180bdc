import { StoreError } from '../errors.ts'
import type { Outcome } from '../layers/delivery.ts'
import { MAX_CONNECTION_SECONDS, MAX_DELAY_SECONDS } from '../limits.ts'
import type { GroupMember } from '../stores/channel-store.ts'
import type { DeliveryTask } from '../stores/delivery-queue.ts'
import { takeRecord } from './clean-up.ts'
import type { Invocation } from './invocation.ts'
import type { KnownConnection } from './scope-cache.ts'
import { untilOpen } from './until-open.ts'
import type { StoredScope } from './websocket-scope.ts'

type EndTask = Extract<DeliveryTask, { readonly kind: 'end' }>

/** A connection that was accepted, and when it has to end, if it has. */
export interface EndingConnection extends GroupMember {
  readonly end: StoredScope['end']
}

/**
 * Lets the delivery queue end the connection when its time is over, even if it is silent by then.
 *
 * @throws {@link StoreError} if the queue does not take it
 */
export async function scheduleEnd(
  { connectionId, connectedAt, end }: EndingConnection,
  invocation: Invocation,
): Promise<void> {
  // API Gateway ends it before that anyway.
  if (end === undefined || end.at >= connectedAt + MAX_CONNECTION_SECONDS * 1000) return
  await putBack({ kind: 'end', connectionId, connectedAt, ...end }, invocation)
}

/** Ends a connection whose time is over; before that the task goes back into the queue, unless the connection is gone. */
export async function endWhenDue(task: EndTask, invocation: Invocation): Promise<void> {
  const { connectionId, connectedAt, at, code } = task
  const { clock, store } = invocation.runtime
  if (clock.now() < at) {
    const isGone = !invocation.isYoung(connectedAt) && (await store.load(connectionId)) === undefined
    if (!isGone) await putBack(task, invocation)
    return
  }
  if (!(await untilOpen(task, invocation))) return
  const outcome = await endRecorded({ connectionId, connectedAt }, code, invocation)
  if (outcome !== undefined) invocation.count('connectionEnded')
}

/** Whether the connection's time is over: then it has been ended, if it was not before. */
export async function isOver(connection: KnownConnection, invocation: Invocation): Promise<boolean> {
  const { connectionId, connectedAt, scope } = connection
  if (scope.end === undefined || invocation.runtime.clock.now() < scope.end.at) return false
  const outcome = await endRecorded(connection, scope.end.code, invocation)
  // It was ended before, and its socket is still open: that close has failed.
  if (outcome === undefined) await invocation.outbox(connectionId, connectedAt).close()
  else invocation.count('connectionEnded')
  return true
}

/** Ends a member's connection. If its record can't be removed, or is still to be written, its end waits in the queue. */
export async function endMember(member: GroupMember, code: number, invocation: Invocation): Promise<Outcome> {
  const { connectionId, connectedAt } = member
  try {
    const outcome = await endRecorded(member, code, invocation)
    if (outcome !== undefined || !invocation.isYoung(connectedAt)) return outcome ?? 'gone'
  } catch (error) {
    if (!(error instanceof StoreError)) throw error
    const details = { channelName: connectionId, error }
    invocation.runtime.logger.warn('the end of a connection waits in the delivery queue', details)
  }
  invocation.leave({ kind: 'end', connectionId, connectedAt, at: invocation.runtime.clock.now(), code })
  return 'deferred'
}

/** Ends a connection, unless that was done before: undefined then. Of several callers one runs `disconnect()`. */
async function endRecorded(
  { connectionId, connectedAt }: Pick<GroupMember, 'connectionId' | 'connectedAt'>,
  code: number,
  invocation: Invocation,
): Promise<Outcome | undefined> {
  const record = await takeRecord(invocation.runtime, connectionId)
  if (record === undefined) return undefined
  await invocation.disconnect(record, { code, reason: '' })
  return invocation.closeSocket(connectionId, connectedAt, code)
}

/** It has not been tried, so it may go round any number of times. */
async function putBack(task: EndTask, invocation: Invocation): Promise<void> {
  const seconds = Math.ceil((task.at - invocation.runtime.clock.now()) / 1000)
  const delaySeconds = Math.min(Math.max(seconds, 0), MAX_DELAY_SECONDS)
  await invocation.enqueue([task], { delaySeconds, attempt: 0 })
}
