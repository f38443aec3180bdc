import {
  type EnvironmentCredentials,
  type LayerEnvironment,
  readLayerEnvironment,
  requireVariable,
  variableOf,
  type Variables,
} from '../environment/index.ts'
import { ConfigurationError } from '../errors.ts'
import { environmentNames } from './environment-names.ts'
import type { LogLevel } from './readable-logger.ts'

/** What the functions are told by their environment. */
export type Environment = LayerEnvironment & {
  readonly deliveryQueueUrl: string
  readonly isDevelopment: boolean
  readonly logLevel: LogLevel
  /** `lambda-channels` if nothing is said. */
  readonly service: string
  /** Whether the container was made for an invocation that waits for it, and not ahead of any. */
  readonly isColdStart: boolean
  readonly region: string
}

/**
 * Reads and checks the variables of {@link environmentNames} that a runtime is made of.
 *
 * @throws {@link ConfigurationError} naming the variable, its value and the rule
 */
export function readEnvironment(env: Variables): Environment {
  return {
    ...readLayerEnvironment(env),
    deliveryQueueUrl: requireVariable(env, environmentNames.deliveryQueueUrl),
    isDevelopment:
      variableOf(env, environmentNames.environment, ['production', 'development']) === 'development',
    logLevel: variableOf(env, environmentNames.logLevel, ['info', 'debug', 'warn', 'error']),
    service: env[environmentNames.service] || 'lambda-channels',
    isColdStart: env['AWS_LAMBDA_INITIALIZATION_TYPE'] === 'on-demand',
    region: requireVariable(env, 'AWS_REGION'),
  }
}

/** Which pages may connect, as `allowedHostsOriginValidator` takes it; none if nothing is said. */
export function allowedHostsOf(env: Variables): readonly string[] {
  const hosts = (env[environmentNames.allowedHosts] ?? '').split(',').map((host) => host.trim())
  return hosts.filter((host) => host !== '')
}

/**
 * Where pages find the sockets; undefined if on their own origin.
 *
 * @throws {@link ConfigurationError} if it is no URL of a socket
 */
export function websocketUrlOf(env: Variables): string | undefined {
  const url = env[environmentNames.websocketUrl]
  if (!url) return undefined
  if (/^wss?:/.test(url) && URL.canParse(url)) return url
  throw new ConfigurationError(
    `environment variable ${environmentNames.websocketUrl} is "${url}", which is no URL of a WebSocket: set it to wss://host/stage, or leave it out if pages and sockets have one origin`,
  )
}

/**
 * The credentials that Lambda gives a function. They are in the environment for as long as its container lives.
 *
 * @throws {@link ConfigurationError} if there are none
 */
export async function environmentCredentials(env: Variables): Promise<EnvironmentCredentials> {
  const sessionToken = env['AWS_SESSION_TOKEN']
  return {
    accessKeyId: requireVariable(env, 'AWS_ACCESS_KEY_ID'),
    secretAccessKey: requireVariable(env, 'AWS_SECRET_ACCESS_KEY'),
    ...(sessionToken ? { sessionToken } : {}),
  }
}
