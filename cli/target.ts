import { layerVariables, type Variables } from '../shared/environment/index.ts'
import { type CommandOption, type OptionValues, UsageError } from './command.ts'
import { type DevServerNotice, runningDevServers } from './dev-servers.ts'

/** Where a command goes. */
export interface Target {
  /** For people: which store that is. */
  readonly description: string
  readonly env: Variables
}

/** An option that says where a command goes. */
type Setting =
  | 'table'
  | 'redis-url'
  | 'redis-prefix'
  | 'region'
  | 'endpoint-url'
  | 'queue-url'
  | 'management-endpoint'

/** These options, and the variable that each of them sets. */
const settings: Readonly<
  Record<Setting, CommandOption & { readonly value: string; readonly variable: string }>
> = {
  table: { value: 'NAME', variable: layerVariables.table, help: 'the DynamoDB table' },
  'redis-url': {
    value: 'URL',
    variable: layerVariables.redisUrl,
    help: 'the Redis or Valkey server instead',
  },
  'redis-prefix': { value: 'TEXT', variable: layerVariables.redisPrefix, help: 'what its keys begin with' },
  region: { value: 'NAME', variable: 'AWS_REGION', help: 'the AWS region' },
  'endpoint-url': { value: 'URL', variable: 'AWS_ENDPOINT_URL', help: 'another AWS: an emulator' },
  'queue-url': { value: 'URL', variable: layerVariables.deliveryQueueUrl, help: 'the delivery queue' },
  'management-endpoint': {
    value: 'URL',
    variable: layerVariables.managementEndpoint,
    help: 'the API: https://{api}.execute-api.{region}.amazonaws.com/{stage}',
  },
}

/** The options that say where a command goes. */
export const targetOptions: Readonly<Record<string, CommandOption>> = {
  local: { help: 'the npm run dev of this machine; so it is without any of the following' },
  port: { value: 'NUMBER', help: 'of which npm run dev, where several run' },
  ...settings,
}

/**
 * Where the options and the environment say that a command goes; to the dev server of this machine if they say nothing.
 *
 * @throws {@link UsageError} if options contradict each other, or there is no dev server to go to
 */
export async function findTarget(options: OptionValues, env: Variables): Promise<Target> {
  const given = (Object.keys(settings) as Setting[]).filter((name) => options.text(name) !== undefined)
  const isLocal = options.flag('local') || options.text('port') !== undefined
  if (isLocal && given.length > 0) {
    throw new UsageError(
      `--local and --${given.join(', --')}: a dev server has all of that itself, leave out one or the other`,
    )
  }
  if (given.includes('table') && given.includes('redis-url')) {
    throw new UsageError('--table and --redis-url: groups are in one of them, leave out the other')
  }
  const named = isLocal ? undefined : namedTarget(given, options, env)
  return named ?? (await devTarget(options.text('port')))
}

function namedTarget(given: readonly Setting[], options: OptionValues, env: Variables): Target | undefined {
  const chosen = chosenEnvironment(given, options, env)
  const { [layerVariables.layer]: layer, [layerVariables.table]: table } = chosen
  if (layer === 'redis') return { description: 'Redis', env: chosen }
  if (layer === 'memory') throw outOfReach(`${layerVariables.layer} in the environment is "memory"`)
  if (!layer && !table && given.length === 0) return undefined
  const place = chosen['AWS_ENDPOINT_URL_DYNAMODB'] ?? chosen['AWS_ENDPOINT_URL'] ?? chosen['AWS_REGION']
  const at = place === undefined ? '' : ` at ${place}`
  return { description: `DynamoDB table ${requireSetting(chosen, 'table')}${at}`, env: chosen }
}

/** The environment with what the options say instead. */
function chosenEnvironment(given: readonly Setting[], options: OptionValues, env: Variables): Variables {
  const set = given.map((name) => [settings[name].variable, options.text(name)])
  const endpoint = { [layerVariables.managementEndpoint]: env['AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI'] }
  const inherited = Object.entries({ ...endpoint, ...env })
    // Otherwise the environment's own addresses of the services would stand before the option.
    .filter(([name]) => !given.includes('endpoint-url') || !name.startsWith('AWS_ENDPOINT_URL_'))
  const layer: Record<string, string> = {}
  if (given.includes('table')) layer[layerVariables.layer] = 'dynamodb'
  if (given.includes('redis-url')) layer[layerVariables.layer] = 'redis'
  return { ...Object.fromEntries(inherited), ...Object.fromEntries(set), ...layer } as Variables
}

async function devTarget(port: string | undefined): Promise<Target> {
  const running = await runningDevServers()
  const fitting = port === undefined ? running : running.filter((server) => String(server.port) === port)
  const [server] = fitting
  if (server !== undefined && fitting.length === 1) return targetOf(server)
  if (fitting.length > 1) {
    const ports = fitting.map((other) => other.port).join(', ')
    throw new UsageError(`several dev servers run, on the ports ${ports}: say which with --port`)
  }
  throw new UsageError(
    `no npm run dev of yours runs${port === undefined ? '' : ` on port ${port}`}: start it, or say where else the groups are: --table NAME, --redis-url URL, or ${layerVariables.table} in the environment`,
  )
}

function targetOf({ url, env }: DevServerNotice): Target {
  if (env[layerVariables.layer] !== 'memory') return { description: `the dev server at ${url}`, env }
  throw outOfReach(`the dev server at ${url} runs with --layer memory`)
}

function outOfReach(reason: string): UsageError {
  return new UsageError(
    `${reason}: those groups are in the memory of the process that serves them, and nobody else reaches them; use DynamoDB or Redis there`,
  )
}

/**
 * What the option `name`, or its variable, says.
 *
 * @throws {@link UsageError} if neither was given
 */
export function requireSetting(env: Variables, name: Setting): string {
  const { variable, value, help } = settings[name]
  const text = env[variable]
  if (text) return text
  throw new UsageError(`it is not known where to go (${help}): give --${name} ${value}, or set ${variable}`)
}
