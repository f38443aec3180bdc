import type { ConnectionRecord } from '../stores/channel-store.ts'
import type { Runtime } from './runtime.ts'

/** Removes record and memberships of a connection that has ended. Never rejects: the next sender, or expiry, finishes it. */
export async function removeConnection(
  runtime: Runtime,
  connectionId: string,
): Promise<ConnectionRecord | undefined> {
  runtime.scopes.delete(connectionId)
  try {
    return await runtime.store.remove(connectionId)
  } catch (error) {
    report(runtime, 'a connection', { channelName: connectionId, error })
    return undefined
  }
}

/** Removes a membership that its connection's record does not name. Never rejects. */
export async function removeMembership(runtime: Runtime, group: string, connectionId: string): Promise<void> {
  try {
    await runtime.store.groupDiscard(group, connectionId)
  } catch (error) {
    report(runtime, 'a membership', { channelName: connectionId, group, error })
  }
}

function report({ logger, metrics }: Runtime, what: string, details: object): void {
  logger.error(`clean-up of ${what} failed`, details)
  metrics.count('cleanUpFailed', 1)
}
