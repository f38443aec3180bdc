import { Cluster, type ClusterOptions, Redis, type RedisOptions } from 'ioredis'
import type { ConnectionOptions } from 'node:tls'
import { ConfigurationError } from '../../errors.ts'
import { requirePositive } from '../../whole-number.ts'
import { iamConnector, type RedisIamOptions, IamToken } from './iam-login.ts'
import type { RedisClient } from './redis-calls.ts'
import { readRedisUrl, type RedisUrl } from './redis-url.ts'

const DEFAULT_PORT = 6_379
const SENTINEL_PORT = 26_379
const DEFAULT_CONNECT_TIMEOUT_MS = 2_000
const DEFAULT_COMMAND_TIMEOUT_MS = 2_000
const LONGEST_RECONNECT_PAUSE_MS = 1_000

/** Where a server listens. */
export interface RedisAddress {
  readonly host: string
  /** 6379 by default; of a Sentinel 26379. */
  readonly port?: number
}

/** Options of {@link createRedisClient}. One of `url`, `host`, `sentinels` and `cluster` says where. */
export interface RedisClientOptions {
  /** `redis://user:password@host:6379/0`, or `rediss:` for TLS; `?cluster=true` if it is a node of a cluster. */
  readonly url?: string
  readonly host?: string
  readonly port?: number
  /** Number of the database; 0 by default. A cluster has only that. */
  readonly database?: number
  readonly username?: string
  readonly password?: string
  /** Log in to ElastiCache with AWS credentials, instead of `username` and `password`. Needs TLS. */
  readonly iam?: RedisIamOptions
  /** True checks the certificate against the authorities that Node knows; options of `node:tls` change that. */
  readonly tls?: boolean | ConnectionOptions
  /** The Sentinels, who know where `sentinelName` is. */
  readonly sentinels?: readonly RedisAddress[]
  readonly sentinelName?: string
  readonly sentinelUsername?: string
  readonly sentinelPassword?: string
  /** Some nodes of a cluster; they know the others. */
  readonly cluster?: readonly RedisAddress[]
  /** For one connection, in milliseconds; 2000 by default. */
  readonly connectTimeoutMs?: number
  /** For one answer, in milliseconds, after which the connection is given up for a new one; 2000 by default. */
  readonly commandTimeoutMs?: number
  /** False connects at once; by default the first command does. */
  readonly lazyConnect?: boolean
}

type Settings = { readonly [Name in keyof RedisClientOptions]: RedisClientOptions[Name] | undefined }

/**
 * A client of ioredis for a {@link RedisChannelStore}: one for each container, outside the handler.
 *
 * It reconnects for as long as it is not closed. It queues nothing: a command is sent on a live connection, or
 * fails, and is not sent again by the client. The store bounds the time, and tries again.
 *
 * @throws {@link ConfigurationError} if the options don't say where, or contradict each other, or a time is none
 */
export function createRedisClient(options: RedisClientOptions): RedisClient {
  const settings = options.url === undefined ? options : withUrl(options, readRedisUrl(options.url))
  requireOnePlace(settings)
  requireOneLogin(settings)
  const nodes = settings.cluster?.map(({ host, port = DEFAULT_PORT }) => ({ host, port }))
  if (nodes) return new Cluster(nodes, clusterOptions(settings))
  const place = settings.sentinels ? sentinelOptions(settings) : addressOptions(settings)
  const redisOptions: ConnectionSettings = { ...place, ...connectionOptions(settings) }
  return new Redis(redisOptions)
}

function withUrl(options: RedisClientOptions, url: RedisUrl): Settings {
  const { host, port, isCluster, isTls, database, username, password } = url
  return {
    ...options,
    ...(isCluster ? { cluster: [port === undefined ? { host } : { host, port }] } : { host, port }),
    database: database ?? options.database,
    username: username ?? options.username,
    password: password ?? options.password,
    tls: isTls ? options.tls || true : options.tls,
  }
}

type ConnectionSettings = RedisOptions & { readonly replyMapping: 'legacy' }

function connectionOptions(settings: Settings): ConnectionSettings {
  const { connectTimeoutMs = DEFAULT_CONNECT_TIMEOUT_MS, commandTimeoutMs = DEFAULT_COMMAND_TIMEOUT_MS } =
    settings
  requirePositive({ connectTimeoutMs, commandTimeoutMs })
  return {
    lazyConnect: settings.lazyConnect ?? true,
    connectTimeout: connectTimeoutMs,
    commandTimeout: commandTimeoutMs,
    // The connection of a container that was frozen may be dead without anybody having said so.
    socketTimeout: commandTimeoutMs,
    // With these a command could be carried out long after its caller was told that it failed.
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    retryStrategy: reconnectPause,
    // After a failover the old primary answers READONLY until its clients look for the new one.
    reconnectOnError: (error) => error.message.startsWith('READONLY'),
    // Round trips of a cold start: RESP2 has no greeting, and LOADING is an answer that the store understands.
    protocol: 2,
    replyMapping: 'legacy',
    enableReadyCheck: settings.sentinels !== undefined,
    disableClientInfo: true,
    ...loginOptions(settings),
    tls: tlsOptions(settings),
  }
}

type Login = Pick<RedisOptions, 'username' | 'password' | 'Connector'>

function loginOptions({ username, password, iam }: Settings): Login {
  if (iam === undefined) return { username, password }
  const token = new IamToken(iam)
  return { username: iam.userName, password: token as unknown as string, Connector: iamConnector(token) }
}

function addressOptions({ host, port = DEFAULT_PORT, database = 0 }: Settings): RedisOptions {
  return { ...(host === undefined ? {} : { host }), port, db: database }
}

function sentinelOptions(settings: Settings): RedisOptions {
  return {
    db: settings.database ?? 0,
    sentinels: (settings.sentinels ?? []).map(({ host, port = SENTINEL_PORT }) => ({ host, port })),
    name: settings.sentinelName,
    sentinelUsername: settings.sentinelUsername,
    sentinelPassword: settings.sentinelPassword,
    enableTLSForSentinelMode: tlsOptions(settings) !== undefined,
    sentinelTLS: tlsOptions(settings),
  }
}

function clusterOptions(settings: Settings): ClusterOptions & { redisOptions: ConnectionSettings } {
  const { lazyConnect, ...redisOptions } = connectionOptions(settings)
  return {
    lazyConnect,
    redisOptions,
    enableReadyCheck: false,
    clusterRetryStrategy: reconnectPause,
    slotsRefreshTimeout: redisOptions.connectTimeout,
    // A certificate names hosts, so a node must be called by its name, not by the address of that.
    ...(redisOptions.tls ? { dnsLookup: (host, callback) => callback(null, host) } : {}),
  }
}

function tlsOptions({ tls }: Settings): ConnectionOptions | undefined {
  if (tls === undefined || tls === false) return undefined
  return tls === true ? {} : tls
}

/** Different in every container: a thousand that lost their server together don't come back together. */
function reconnectPause(times: number): number {
  const pauseMs = Math.min(20 * 2 ** Math.min(times, 10), LONGEST_RECONNECT_PAUSE_MS)
  return Math.round(pauseMs * (0.5 + Math.random() / 2))
}

function requireOnePlace({ host, sentinels, sentinelName, cluster, database }: Settings): void {
  const places = Object.entries({ host, sentinels, cluster }).filter(([, place]) => place !== undefined)
  if (places.length !== 1) {
    const given = places.map(([name]) => name).join(' and ') || 'no server'
    throw badOptions(`name ${given}: give one of url, host, sentinels and cluster`)
  }
  if ([sentinels, cluster].some((addresses) => addresses?.length === 0)) {
    throw badOptions('list no address: give at least one { host, port }')
  }
  if (sentinels && !sentinelName) {
    throw badOptions('have no sentinelName: set the name that the sentinels watch, such as "mymaster"')
  }
  if (cluster && database) {
    throw badOptions(
      `have cluster and database ${database}: a cluster has only database 0; use another prefix instead`,
    )
  }
}

function requireOneLogin({ iam, username, password, sentinels, tls }: Settings): void {
  if (iam === undefined) return
  if (username !== undefined || password !== undefined) {
    throw badOptions(
      'have iam and a username or password: give one of them, and leave the other out of the url too',
    )
  }
  if (sentinels) throw badOptions('have iam and sentinels: ElastiCache has none; give its endpoint as url')
  if (!tls) {
    throw badOptions('have iam without TLS, which ElastiCache asks for: write rediss: in the url, or set tls')
  }
}

function badOptions(problem: string): ConfigurationError {
  return new ConfigurationError(`options of the redis client ${problem}`)
}
