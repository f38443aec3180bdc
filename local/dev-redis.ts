import { createRedisClient, RedisChannelStore } from '../shared/backends/redis/index.ts'
import { ConfigurationError } from '../shared/errors.ts'

/** Tries go on for so long: a server that was started together with this one may need a moment. */
const TIMEOUT_MS = 2_000

/**
 * Makes sure that a Redis answers at `url`, so that a missing one is told at the start and not by the first handshake.
 *
 * @throws {@link ConfigurationError} in one sentence, without the password of the URL
 */
export async function requireRedis(url: string, prefix: string): Promise<void> {
  const client = createRedisClient({ url })
  try {
    await new RedisChannelStore({ client, prefix, timeoutMs: TIMEOUT_MS }).load('start')
  } catch (error) {
    throw new ConfigurationError(
      `Redis at ${withoutPassword(url)} cannot be used (${reasonOf(error)}): --layer redis keeps groups and connections there, so start it (redis-server), name another with --redis-url, or leave --layer out`,
      { cause: error },
    )
  } finally {
    client.disconnect()
  }
}

/** The URL as it may be shown. */
export function withoutPassword(url: string): string {
  const { protocol, host, pathname, search } = new URL(url)
  return `${protocol}//${host}${pathname}${search}`
}

/** What Redis, or the network, has said: the store's own sentence is about a connection that does not exist. */
function reasonOf(error: unknown): string {
  const reason = error instanceof Error && error.cause instanceof Error ? error.cause : error
  return reason instanceof Error ? reason.message : String(reason)
}
