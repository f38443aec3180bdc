import type { Cluster, Redis } from 'ioredis'
import type { RedisCalls } from './redis-calls.ts'

/** The one server, or the primaries of a cluster: where keys are looked for that nobody knows the names of. */
export async function nodesOf(calls: RedisCalls, attempt: string): Promise<readonly Redis[]> {
  const { client } = calls
  // A client knows the nodes once it has asked one, which a call makes sure of.
  return await calls.run(attempt, async () =>
    client.isCluster ? (client as Cluster).nodes('master') : [client as Redis],
  )
}
