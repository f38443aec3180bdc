import { ConfigurationError } from '../errors.ts'
import { managementEndpointIn } from './management-endpoint.ts'
import { requireVariable, type Variables, variableOf } from './variables.ts'
import { readWorkerQueues } from './worker-queue-urls.ts'

/** The names of the environment variables that say where a channel layer is. */
export const layerVariables = {
  /** `dynamodb` (default), `redis` or `memory`. */
  layer: 'CHANNELS_LAYER',
  /** Name of the DynamoDB table. */
  table: 'CHANNELS_TABLE',
  /** URL of the Redis or Valkey server: `redis://user:password@host:6379/0`, `rediss:` for TLS. */
  redisUrl: 'CHANNELS_REDIS_URL',
  /** What every key in Redis begins with; `channels` by default. */
  redisPrefix: 'CHANNELS_REDIS_PREFIX',
  /** The ElastiCache user to log in as, with the AWS credentials of the process instead of a password. */
  redisIamUser: 'CHANNELS_REDIS_IAM_USER',
  /** Name of the serverless cache that it logs in to. */
  redisCacheName: 'CHANNELS_REDIS_CACHE_NAME',
  /** Or the id of the replication group. */
  redisReplicationGroup: 'CHANNELS_REDIS_REPLICATION_GROUP',
  /** Encrypt scopes and states: keys with commas between them. The first encrypts, all decrypt. */
  symmetricEncryptionKeys: 'CHANNELS_SYMMETRIC_ENCRYPTION_KEYS',
  /** URL of the delivery queue. */
  deliveryQueueUrl: 'CHANNELS_DELIVERY_QUEUE_URL',
  /**
   * URLs of the queues of worker channels, as JSON: `{"thumbnails-generate":"https://sqs…"}`. Under `*` the one for all
   * that are not named.
   */
  workerQueues: 'CHANNELS_WORKER_QUEUES',
  /**
   * Where SQS is called, if not at its usual name: that one has no IPv6 address. Other SQS clients of the process do not
   * look at it, and `AWS_ENDPOINT_URL…`, which is an emulator's, stands before it.
   */
  sqsEndpoint: 'CHANNELS_SQS_ENDPOINT',
  /** The `@connections` endpoint; a function that serves the API uses each event's own without it. */
  managementEndpoint: 'CHANNELS_MANAGEMENT_ENDPOINT',
} as const

/** Where connections and groups are kept. */
export type StorePlace =
  | {
      readonly layer: 'dynamodb'
      readonly table: string
      /** Another DynamoDB than the region's: an emulator. */
      readonly dynamodbEndpoint: string | undefined
    }
  | {
      readonly layer: 'redis'
      readonly redisUrl: string
      readonly redisPrefix: string | undefined
      /** To log in with AWS credentials. */
      readonly redisIam: RedisIamPlace | undefined
    }
  | { readonly layer: 'memory' }

/** Who logs in to which cache of ElastiCache. */
export interface RedisIamPlace {
  readonly userName: string
  readonly cacheName: string
  readonly isServerless: boolean
}

/** Where a channel layer is, and how it is reached. */
export type LayerEnvironment = StorePlace & {
  readonly symmetricEncryptionKeys: readonly string[] | undefined
  readonly deliveryQueueUrl: string | undefined
  /** By worker channel. */
  readonly workerQueueUrls: Readonly<Record<string, string>>
  readonly managementEndpoint: string | undefined
  readonly region: string | undefined
  /** Another SQS than the region's. */
  readonly sqsEndpoint: string | undefined
  /** Those in the environment; without them the SDK looks for some. */
  readonly credentials: EnvironmentCredentials | undefined
}

/** Credentials as Lambda, and a shell, has them in the environment. */
export interface EnvironmentCredentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string
}

/**
 * Reads and checks the variables of {@link layerVariables}, and those of AWS's SDKs that say where and who.
 *
 * @throws {@link ConfigurationError} naming the variable, its value and the rule
 */
export function readLayerEnvironment(env: Variables): LayerEnvironment {
  const everything = env['AWS_ENDPOINT_URL'] || undefined
  return {
    ...readStorePlace(env),
    symmetricEncryptionKeys: readKeys(env),
    deliveryQueueUrl: env[layerVariables.deliveryQueueUrl] || undefined,
    workerQueueUrls: readWorkerQueues(env, layerVariables.workerQueues),
    managementEndpoint: managementEndpointIn(env, env[layerVariables.managementEndpoint]),
    region: env['AWS_REGION'] || env['AWS_DEFAULT_REGION'] || undefined,
    sqsEndpoint: env['AWS_ENDPOINT_URL_SQS'] || everything || readSqsEndpoint(env),
    credentials: readCredentials(env),
  }
}

function readStorePlace(env: Variables): StorePlace {
  const layer = variableOf(env, layerVariables.layer, ['dynamodb', 'redis', 'memory'])
  if (layer === 'memory' && env['AWS_LAMBDA_FUNCTION_NAME']) {
    throw new ConfigurationError(
      `environment variable ${layerVariables.layer} is "memory" in Lambda, where every container has its own memory: set it to dynamodb or redis`,
    )
  }
  if (layer === 'memory') return { layer }
  if (layer === 'redis') {
    const redisPrefix = env[layerVariables.redisPrefix] || undefined
    return { layer, redisUrl: readRedisUrl(env), redisPrefix, redisIam: readRedisIam(env) }
  }
  return {
    layer,
    table: requireVariable(env, layerVariables.table),
    dynamodbEndpoint: env['AWS_ENDPOINT_URL_DYNAMODB'] || env['AWS_ENDPOINT_URL'] || undefined,
  }
}

function readRedisUrl(env: Variables): string {
  const url = requireVariable(env, layerVariables.redisUrl)
  if (/^rediss?:\/\/./.test(url) && URL.canParse(url)) return url
  throw new ConfigurationError(
    `environment variable ${layerVariables.redisUrl} is no URL of a redis server (it is not shown, for there may be a password in it): set it to redis://user:password@host:6379/0, rediss: for TLS, ?cluster=true for a cluster`,
  )
}

function readRedisIam(env: Variables): RedisIamPlace | undefined {
  const { redisIamUser, redisCacheName, redisReplicationGroup } = layerVariables
  if (![redisIamUser, redisCacheName, redisReplicationGroup].some((name) => env[name])) return undefined
  const userName = requireVariable(env, redisIamUser)
  const caches = [redisCacheName, redisReplicationGroup].filter((name) => env[name])
  const [variable] = caches
  const cacheName = variable === undefined ? undefined : env[variable]
  if (cacheName !== undefined && caches.length === 1) {
    return { userName, cacheName, isServerless: variable === redisCacheName }
  }
  throw new ConfigurationError(
    `environment variable ${redisIamUser} is "${userName}", and ${caches.length === 0 ? 'none' : 'both'} of ${redisCacheName} and ${redisReplicationGroup} is set: set one of them, to the name of the serverless cache or the id of the replication group`,
  )
}

function readSqsEndpoint(env: Variables): string | undefined {
  const endpoint = env[layerVariables.sqsEndpoint] || undefined
  if (endpoint === undefined || (/^https?:\/\/./.test(endpoint) && URL.canParse(endpoint))) return endpoint
  throw new ConfigurationError(
    `environment variable ${layerVariables.sqsEndpoint} is "${endpoint}", which is no URL: set it to one such as https://sqs.eu-west-1.api.aws, or leave it out`,
  )
}

function readKeys(env: Variables): readonly string[] | undefined {
  const keys = env[layerVariables.symmetricEncryptionKeys]
  // The store says what is wrong with a key, and does not show it.
  return keys ? keys.split(',').map((key) => key.trim()) : undefined
}

function readCredentials(env: Variables): EnvironmentCredentials | undefined {
  const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey } = env
  // As for the SDK: who names a profile means that one.
  if (!accessKeyId || !secretAccessKey || env['AWS_PROFILE']) return undefined
  const sessionToken = env['AWS_SESSION_TOKEN']
  return { accessKeyId, secretAccessKey, ...(sessionToken ? { sessionToken } : {}) }
}
