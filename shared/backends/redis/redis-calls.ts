import type { Cluster, Redis } from 'ioredis'
import { setTimeout as delay } from 'node:timers/promises'
import { requirePositive } from '../../whole-number.ts'
import { ClientClosed, hideArguments, isPassing, NoAnswer, redisFailure } from './redis-failure.ts'
import type { RedisScript } from './scripts.ts'

/** A client of one server (or of those behind Sentinel), or of a cluster. */
export type RedisClient = Redis | Cluster

const FIRST_PAUSE_MS = 20
const LONGEST_PAUSE_MS = 500

/**
 * Runs commands within a bounded time, and as often as that allows while what goes wrong may pass.
 *
 * A command is only given to a client that is connected: one that waited in the client's queue could be carried
 * out long after its caller was told that it failed, in a container that was frozen in between.
 */
export class RedisCalls {
  readonly client: RedisClient
  readonly #timeoutMs: number
  readonly #health: Health
  #connecting: Promise<void> | undefined

  /** @throws {@link ConfigurationError} if the time is none */
  constructor(client: RedisClient, timeoutMs: number) {
    requirePositive({ timeoutMs })
    this.client = client
    this.#timeoutMs = timeoutMs
    this.#health = healthOf(client)
  }

  /**
   * What `work` resolves to. It may run several times.
   *
   * @param attempt - what is being done, for the error: `load connection "abc="`
   * @throws {@link StoreError} once the time is over, or at once if trying again is no use
   */
  async run<Result>(attempt: string, work: () => Promise<Result>): Promise<Result> {
    const signal = AbortSignal.timeout(this.#timeoutMs)
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)) {
      try {
        return await unlessAborted(this.#try(work, signal), signal)
      } catch (error) {
        if (!signal.aborted && isPassing(error)) await delay(pauseMs)
        if (signal.aborted || !isPassing(error)) throw this.#failure(error, attempt)
      }
    }
  }

  /** Runs a script on one key. Redis keeps a script by its hash, and is told it again if it does not know it. */
  async script({ lua, sha }: RedisScript, key: string, args: readonly (string | number)[]): Promise<unknown> {
    try {
      return await this.client.evalsha(sha, 1, key, ...args)
    } catch (error) {
      if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error
      return await this.client.eval(lua, 1, key, ...args)
    }
  }

  async #try<Result>(work: () => Promise<Result>, signal: AbortSignal): Promise<Result> {
    if (this.client.status !== 'ready') await this.#connected()
    // The caller has its answer by then: work that begins now would be done behind its back.
    if (signal.aborted) throw new NoAnswer('no connection in time')
    return await work()
  }

  /** Resolves when the client is connected. All who wait share one listener. */
  #connected(): Promise<void> {
    this.#connecting ??= this.#connect().finally(() => {
      this.#connecting = undefined
    })
    return this.#connecting
  }

  #connect(): Promise<void> {
    const { client } = this
    if (client.status === 'end') return Promise.reject(new ClientClosed('the client is closed'))
    // Its failure is an event too.
    if (client.status === 'wait') client.connect().catch(() => undefined)
    return new Promise((resolve, reject) => {
      const onReady = (): void => settle(resolve)
      const onEnd = (): void => settle(() => reject(new ClientClosed('the client is closed')))
      const onError = (error: Error): void => {
        if (!isPassing(error)) settle(() => reject(error))
      }
      const settle = (outcome: () => void): void => {
        client.off('ready', onReady).off('end', onEnd).off('error', onError)
        outcome()
      }
      client.on('ready', onReady).on('end', onEnd).on('error', onError)
    })
  }

  #failure(error: unknown, attempt: string): Error {
    return redisFailure(error, {
      attempt,
      server: describeServer(this.client),
      timeoutMs: this.#timeoutMs,
      connectFailure: this.#health.failure,
    })
  }
}

/** What a client's connection failed with, since it was up last. */
interface Health {
  failure: unknown
}

// Any number of stores may share a client, which warns of more than ten listeners.
const healths = new WeakMap<RedisClient, Health>()

function healthOf(client: RedisClient): Health {
  const known = healths.get(client)
  if (known) return known
  const health: Health = { failure: undefined }
  healths.set(client, health)
  // Without a listener ioredis writes to the console. What matters is told by the call that fails.
  // First, so that a listener of the user's finds no password and no state in the error.
  client.prependListener('error', (error: unknown) => {
    hideArguments(error)
    health.failure = error
  })
  client.on('ready', () => (health.failure = undefined))
  return health
}

function unlessAborted<Result>(work: Promise<Result>, signal: AbortSignal): Promise<Result> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(new NoAnswer('no answer in time'))
    signal.addEventListener('abort', onAbort, { once: true })
    void work.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
  })
}

/** Names the server, or the cluster, as its client was told; `undefined` where the client keeps that to itself. */
export function serverOf(client: RedisClient): string | undefined {
  if (!client.isCluster) return `${describeServer(client)} database ${(client as Redis).options.db ?? 0}`
  // `nodes()` tells what it has found since, and so says nothing before it is connected.
  const nodes: unknown = Reflect.get(client, 'startupNodes')
  return Array.isArray(nodes)
    ? `redis cluster at ${nodes
        .map((node) => JSON.stringify(node))
        .toSorted()
        .join(', ')}`
    : undefined
}

function describeServer(client: RedisClient): string {
  if (client.isCluster) {
    const nodes = (client as Cluster).nodes().map(({ options }) => `${options.host}:${options.port}`)
    return nodes.length > 0 ? `redis cluster at ${nodes.join(', ')}` : 'redis cluster'
  }
  const { host, port, path, sentinels, name } = (client as Redis).options
  if (sentinels) {
    const asked = sentinels.map((sentinel) => `${sentinel.host}:${sentinel.port}`).join(', ')
    return `redis "${name}", as the sentinels at ${asked} tell,`
  }
  return `redis at ${path ?? `${host}:${port}`}`
}
