import { ConfigurationError } from '../errors.ts'
import {
  type EnvironmentCredentials,
  type LayerEnvironment,
  layerVariables,
  readLayerEnvironment,
} from './layer-environment.ts'
import type { Variables } from './variables.ts'

type RedisEnvironment = LayerEnvironment & { readonly layer: 'redis' }

/**
 * Where a redis server is and how to log in to it: options of `createRedisClient`. The type is said here, so that who has no
 * `ioredis` can compile what else is in this entrance.
 */
export interface RedisEnvironmentOptions {
  readonly url: string
  /** Of ElastiCache: log in with the credentials of AWS. */
  readonly iam?: NonNullable<RedisEnvironment['redisIam']> & {
    readonly region: string
    readonly credentials: () => Promise<EnvironmentCredentials>
  }
}

/**
 * Options of `createRedisClient` for the server that the channel layer is on, so that sessions, tickets and rates can be
 * there, too.
 *
 * @param env - `process.env`
 * @throws {@link ConfigurationError} naming the variable that is missing or wrong, what it is, and the rule
 */
export function redisOptionsFromEnvironment(env: Variables): RedisEnvironmentOptions {
  const environment = readLayerEnvironment(env)
  if (environment.layer === 'redis') return redisOptionsOf(environment)
  throw new ConfigurationError(
    `environment variable ${layerVariables.layer} is "${environment.layer}", which has no redis server: set it to redis, or use the stores of ${environment.layer}`,
  )
}

/** The options of the client that an environment of the Redis layer asks for. */
export function redisOptionsOf(environment: RedisEnvironment): RedisEnvironmentOptions {
  const iam = iamOptions(environment)
  return { url: environment.redisUrl, ...(iam === undefined ? {} : { iam }) }
}

function iamOptions({ redisIam, region, credentials }: RedisEnvironment): RedisEnvironmentOptions['iam'] {
  if (redisIam === undefined) return undefined
  if (region !== undefined && credentials !== undefined) {
    return { ...redisIam, region, credentials: async () => credentials }
  }
  const missing = region === undefined ? 'AWS_REGION' : 'AWS_ACCESS_KEY_ID'
  throw new ConfigurationError(
    `environment variable ${layerVariables.redisIamUser} is "${redisIam.userName}", and there is no ${missing} to log in to ElastiCache with: Lambda sets both; elsewhere set them, for credentials with eval "$(aws configure export-credentials --format env)", and unset AWS_PROFILE`,
  )
}
