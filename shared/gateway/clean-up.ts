import type { ConnectionRecord } from '../stores/channel-store.ts'
import type { Runtime } from './runtime.ts'

/** Removes record and memberships of a connection that has ended. Never rejects: the next sender, or expiry, finishes it. */
export async function removeConnection(
  runtime: Runtime,
  connectionId: string,
): Promise<ConnectionRecord | undefined> {
  try {
    return await takeRecord(runtime, connectionId)
  } catch (error) {
    report(runtime, 'a connection', { channelName: connectionId, error })
    return undefined
  }
}

/**
 * Removes record and memberships of a connection, and reports memberships that are left. Resolves to the record if
 * there was one, for this caller alone.
 *
 * @throws {@link StoreError} if the record could not be removed
 */
export async function takeRecord(
  runtime: Runtime,
  connectionId: string,
): Promise<ConnectionRecord | undefined> {
  runtime.scopes.delete(connectionId)
  const record = await runtime.store.remove(connectionId)
  if (record?.membershipFailure) {
    const details = { channelName: connectionId, error: record.membershipFailure }
    report(runtime, 'the memberships of a connection', details)
  }
  return record
}

/** One membership, in a group of the layer under `alias`. */
export interface Membership {
  readonly alias: string
  readonly group: string
  readonly connectionId: string
}

/** Removes a membership that its connection's record does not name. Never rejects. */
export async function removeMembership(runtime: Runtime, membership: Membership): Promise<void> {
  const { alias, group, connectionId } = membership
  try {
    await runtime.storeOf(alias).groupDiscard(group, connectionId)
  } catch (error) {
    report(runtime, 'a membership', { channelName: connectionId, group, error })
  }
}

function report({ logger, metrics }: Runtime, what: string, details: object): void {
  logger.error(`clean-up of ${what} failed`, details)
  metrics.count('cleanUpFailed', 1)
}
