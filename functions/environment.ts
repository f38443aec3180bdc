/** The names of the environment variables that the functions read: `cdk/` and `local/` set them. */
export const environmentNames = {
  /** `dynamodb` (default) or `memory`. */
  layer: 'CHANNELS_LAYER',
  /** Name of the DynamoDB table. */
  table: 'CHANNELS_TABLE',
  /** URL of the delivery queue. */
  deliveryQueueUrl: 'CHANNELS_DELIVERY_QUEUE_URL',
  /** The `@connections` endpoint; without it each event's own API and stage are used. */
  managementEndpoint: 'CHANNELS_MANAGEMENT_ENDPOINT',
  /** `production` (default) or `development`, which turns on the checks that cost time. */
  environment: 'CHANNELS_ENVIRONMENT',
  /** `debug`, `info` (default), `warn` or `error`. */
  logLevel: 'CHANNELS_LOG_LEVEL',
} as const

/** What the functions are told by their environment. */
export interface Environment {
  readonly layer: 'dynamodb' | 'memory'
  readonly table: string
  readonly deliveryQueueUrl: string
  readonly managementEndpoint: string | undefined
  /** Another DynamoDB than the region's: an emulator. */
  readonly dynamodbEndpoint: string | undefined
  readonly isDevelopment: boolean
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error'
  readonly region: string
}

/**
 * Reads and checks the environment: the one place where `process.env` is read.
 *
 * @throws TypeError naming the variable, its value and the rule
 */
export function readEnvironment(env: NodeJS.ProcessEnv = process.env): Environment {
  const layer = oneOf(env, environmentNames.layer, ['dynamodb', 'memory'])
  if (layer === 'memory' && env['AWS_LAMBDA_FUNCTION_NAME']) {
    throw new TypeError(
      `environment variable ${environmentNames.layer} is "memory" in Lambda, where every container has its own memory: set it to dynamodb`,
    )
  }
  return {
    layer,
    table: required(env, environmentNames.table),
    deliveryQueueUrl: required(env, environmentNames.deliveryQueueUrl),
    managementEndpoint:
      env[environmentNames.managementEndpoint] ||
      env['AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI'] ||
      undefined,
    dynamodbEndpoint: env['AWS_ENDPOINT_URL_DYNAMODB'] || env['AWS_ENDPOINT_URL'] || undefined,
    isDevelopment: oneOf(env, environmentNames.environment, ['production', 'development']) === 'development',
    logLevel: oneOf(env, environmentNames.logLevel, ['info', 'debug', 'warn', 'error']),
    region: required(env, 'AWS_REGION'),
  }
}

/**
 * The credentials that Lambda gives a function. They are in the environment for as long as its container lives.
 *
 * @throws TypeError if there are none
 */
export async function environmentCredentials(
  env: NodeJS.ProcessEnv = process.env,
): Promise<{ accessKeyId: string; secretAccessKey: string; sessionToken?: string }> {
  const sessionToken = env['AWS_SESSION_TOKEN']
  return {
    accessKeyId: required(env, 'AWS_ACCESS_KEY_ID'),
    secretAccessKey: required(env, 'AWS_SECRET_ACCESS_KEY'),
    ...(sessionToken ? { sessionToken } : {}),
  }
}

function required(env: NodeJS.ProcessEnv, name: string): string {
  const value = env[name]
  if (value) return value
  throw new TypeError(`environment variable ${name} is not set: set it on the function`)
}

function oneOf<const Choice extends string>(
  env: NodeJS.ProcessEnv,
  name: string,
  choices: readonly [Choice, ...Choice[]],
): Choice {
  const value = env[name]
  if (value === undefined || value === '') return choices[0]
  const choice = choices.find((candidate) => candidate === value)
  if (choice !== undefined) return choice
  throw new TypeError(`environment variable ${name} is "${value}": set it to one of ${choices.join(', ')}`)
}
