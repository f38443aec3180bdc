import {
  type LayerEnvironment,
  layerVariables,
  readLayerEnvironment,
  requireVariable,
  variableOf,
} from '../shared/environment/index.ts'

/** The names of the environment variables that the functions read: `cdk/` and `local/` set them. */
export const environmentNames = {
  ...layerVariables,
  /** `production` (default) or `development`, which turns on the checks that cost time. */
  environment: 'CHANNELS_ENVIRONMENT',
  /** `debug`, `info` (default), `warn` or `error`. */
  logLevel: 'CHANNELS_LOG_LEVEL',
  /** The hosts of the pages that may connect, with commas between them: `chat.example,.chat.example`. */
  allowedHosts: 'CHANNELS_ALLOWED_HOSTS',
} as const

/** What the functions are told by their environment. */
export type Environment = LayerEnvironment & {
  readonly deliveryQueueUrl: string
  readonly isDevelopment: boolean
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error'
  readonly region: string
}

/**
 * Reads and checks the environment: the one place where `process.env` is read.
 *
 * @throws ConfigurationError naming the variable, its value and the rule
 */
export function readEnvironment(env: NodeJS.ProcessEnv = process.env): Environment {
  return {
    ...readLayerEnvironment(env),
    deliveryQueueUrl: requireVariable(env, environmentNames.deliveryQueueUrl),
    isDevelopment:
      variableOf(env, environmentNames.environment, ['production', 'development']) === 'development',
    logLevel: variableOf(env, environmentNames.logLevel, ['info', 'debug', 'warn', 'error']),
    region: requireVariable(env, 'AWS_REGION'),
  }
}

/** Which pages may connect, as `allowedHostsOriginValidator` takes it; none if nothing is said. */
export function readAllowedHosts(env: NodeJS.ProcessEnv = process.env): readonly string[] {
  const hosts = (env[environmentNames.allowedHosts] ?? '').split(',').map((host) => host.trim())
  return hosts.filter((host) => host !== '')
}

/**
 * The credentials that Lambda gives a function. They are in the environment for as long as its container lives.
 *
 * @throws ConfigurationError if there are none
 */
export async function environmentCredentials(
  env: NodeJS.ProcessEnv = process.env,
): Promise<{ accessKeyId: string; secretAccessKey: string; sessionToken?: string }> {
  const sessionToken = env['AWS_SESSION_TOKEN']
  return {
    accessKeyId: requireVariable(env, 'AWS_ACCESS_KEY_ID'),
    secretAccessKey: requireVariable(env, 'AWS_SECRET_ACCESS_KEY'),
    ...(sessionToken ? { sessionToken } : {}),
  }
}
