import type { Redis } from 'ioredis'
import { keyPatterns } from './keys.ts'
import { nodesOf } from './nodes.ts'
import type { RedisCalls } from './redis-calls.ts'

/** Keys that one SCAN looks at. */
const SCANNED_AT_ONCE = 1_000

/** Deletes all keys of `prefix`, on every node, and no other. What is written meanwhile may stay. */
export async function forgetAll(calls: RedisCalls, prefix: string): Promise<void> {
  const attempt = `delete all keys that begin with "${prefix}:"`
  const nodes = await nodesOf(calls, attempt)
  for (const node of nodes) {
    for (const pattern of keyPatterns(prefix))
      await forgetOn(node, pattern, (work) => calls.run(attempt, work))
  }
}

async function forgetOn(
  node: Redis,
  pattern: string,
  run: <Result>(work: () => Promise<Result>) => Promise<Result>,
): Promise<void> {
  let cursor = '0'
  do {
    const at = cursor
    cursor = await run(async () => {
      const [next, keys] = await node.scan(at, 'MATCH', pattern, 'COUNT', SCANNED_AT_ONCE)
      // One by one: keys of different slots are no matter for one command.
      await Promise.all(keys.map((key) => node.unlink(key)))
      return next
    })
  } while (cursor !== '0')
}
