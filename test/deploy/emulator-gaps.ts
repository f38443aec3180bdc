import { destinationKind } from './environment.ts'

/**
 * What emulators do otherwise than AWS, as far as these tests meet it. Each is worked around here, and nowhere in the
 * product; against AWS nothing is. Checked with MiniStack 1.5.33.
 *
 * What they lack without these tests meeting it: MiniStack drops the time to live, point-in-time recovery and encryption of
 * a table and the CORS of an HTTP API, checks no permissions, has no limits of size and time, gives no subprotocol back, and
 * takes a table that exists for the stack's own. What CloudFormation is told of these, test/cdk looks at.
 */
function isEmulator(): boolean {
  return destinationKind() !== 'aws'
}

/** MiniStack answers every handshake that `$connect` refuses with 403, whatever the status that it has returned. */
export function refusalStatuses(status: number): readonly number[] {
  return isEmulator() ? [status, 403] : [status]
}

/**
 * MiniStack rolls back at an alarm on metric math, and refuses a route that answers: dashboard, alarms and heartbeats are
 * left out.
 */
export function contextFlags(): readonly string[] {
  return isEmulator() ? ['-c', 'monitoring=false', '-c', 'heartbeat=false'] : []
}
