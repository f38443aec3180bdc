import type { Cluster, Redis } from 'ioredis'
import { RedisCalls, type RedisClient } from './redis-calls.ts'

/** How long Redis holds one blocking command, in seconds. */
export const BLOCK_SECONDS = 2

/**
 * Connections that commands may block: one waits there while the client of the store goes on. Made as they are needed,
 * used again, and closed with that client.
 */
export class BlockingConnections {
  readonly #client: RedisClient
  readonly #timeoutMs: number
  readonly #idle: RedisCalls[] = []
  readonly #all = new Set<RedisClient>()

  /** @param timeoutMs - what a command may take beyond the time that it blocks */
  constructor(client: RedisClient, timeoutMs: number) {
    this.#client = client
    this.#timeoutMs = timeoutMs + 1000 * BLOCK_SECONDS
  }

  /** Calls `work` with a connection that nobody else uses meanwhile. */
  async use<Result>(work: (calls: RedisCalls) => Promise<Result>): Promise<Result> {
    const calls = this.#idle.pop() ?? this.#make()
    try {
      return await work(calls)
    } finally {
      this.#idle.push(calls)
    }
  }

  #make(): RedisCalls {
    if (this.#all.size === 0) this.#client.once('end', () => this.#close())
    const own = this.#duplicate()
    this.#all.add(own)
    if (this.#client.status === 'end') own.disconnect()
    return new RedisCalls(own, this.#timeoutMs)
  }

  #duplicate(): RedisClient {
    const patience = { commandTimeout: this.#timeoutMs, socketTimeout: this.#timeoutMs }
    if (this.#client.isCluster) return (this.#client as Cluster).duplicate([], { redisOptions: patience })
    return (this.#client as Redis).duplicate(patience)
  }

  #close(): void {
    for (const client of this.#all) client.disconnect()
  }
}
