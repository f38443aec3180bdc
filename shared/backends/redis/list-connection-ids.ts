import { connectionOfKey, connectionPattern } from './keys.ts'
import { nodesOf } from './nodes.ts'
import type { RedisCalls } from './redis-calls.ts'

/** Keys that one SCAN looks at. */
const SCANNED_AT_ONCE = 1_000

/** The ids of all connections that have a record, some at a time, each once. It looks at every key of the servers. */
export async function* listConnectionIds(
  calls: RedisCalls,
  prefix: string,
): AsyncGenerator<readonly string[]> {
  const attempt = `list the connections whose keys begin with "${prefix}:"`
  // SCAN may return a key twice.
  const seen = new Set<string>()
  for (const node of await nodesOf(calls, attempt)) {
    let cursor = '0'
    do {
      const at = cursor
      const [next, keys] = await calls.run(attempt, () =>
        node.scan(at, 'MATCH', connectionPattern(prefix), 'COUNT', SCANNED_AT_ONCE),
      )
      const ids = keys.map((key) => connectionOfKey(prefix, key)).filter((id) => !seen.has(id))
      for (const id of ids) seen.add(id)
      if (ids.length > 0) yield ids
      cursor = next
    } while (cursor !== '0')
  }
}
