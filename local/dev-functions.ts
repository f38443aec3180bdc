import { devNull } from 'node:os'
import { fileURLToPath } from 'node:url'
import { environmentNames } from '../shared/lambda/environment-names.ts'
import { ConfigurationError } from '../shared/errors.ts'
import { containerPool } from './container-pool.ts'
import type { DevLayer } from './dev-options.ts'
import { inProcessFunction, type LambdaHandler } from './in-process-function.ts'
import { ReloadableFunction } from './dev-reloadable-function.ts'
import { errorResult, type LambdaFunction } from './lambda-function.ts'
import type { LocalAddresses } from './http-server.ts'
import { loadFailure } from './load-failure.ts'

/** Name of the table in the embedded DynamoDB. */
export const DEV_TABLE = 'channels'

/** The queue of all worker channels: each job says which it is for. */
export const DEV_WORKER_QUEUE = 'workers'

/** The functions behind the dev server's gateway: each a module of functions/. */
export type DevFunctionName = 'websocket' | 'http' | 'delivery' | 'worker' | 'serial'

/** The modules that export the handlers, of the functions that there are to be. */
export type DevEntries = Readonly<Partial<Record<DevFunctionName, URL>>>

/** The functions behind the dev server's gateway, running. */
export interface DevFunctions {
  readonly byName: ReadonlyMap<string, LambdaFunction>
  /**
   * Serves new invocations with the sources as they are now. Rejects, and goes on with the old, if they do not
   * load. Absent where sources cannot be reloaded.
   */
  reload?(): Promise<void>
  close(): Promise<void>
}

/** Where the functions find what they need. */
export interface DevSurroundings {
  readonly layer: DevLayer
  readonly addresses: LocalAddresses
  /** Of the embedded DynamoDB, where there is one. */
  readonly databaseEndpoint?: string
  readonly redisUrl: string
  /** The hosts of pages that may connect. */
  readonly allowedHosts: readonly string[]
}

/**
 * The environment variables of the functions.
 *
 * Every address of AWS leads to this machine, the general one included, and no configuration or credentials of
 * the user are read: a function under development reaches nothing real.
 */
export function functionEnvironment(surroundings: DevSurroundings): Record<string, string> {
  const { layer, addresses, databaseEndpoint = addresses.url, redisUrl, allowedHosts } = surroundings
  return {
    [environmentNames.layer]: layer,
    [environmentNames.table]: DEV_TABLE,
    [environmentNames.redisUrl]: redisUrl,
    [environmentNames.redisPrefix]: redisPrefix(addresses),
    [environmentNames.deliveryQueueUrl]: addresses.queueUrl,
    [environmentNames.workerQueues]: JSON.stringify({ '*': addresses.queueUrlOf(DEV_WORKER_QUEUE) }),
    [environmentNames.managementEndpoint]: addresses.managementEndpoint,
    [environmentNames.environment]: 'development',
    [environmentNames.allowedHosts]: allowedHosts.join(),
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'local',
    AWS_SECRET_ACCESS_KEY: 'local',
    AWS_ENDPOINT_URL: addresses.url,
    AWS_ENDPOINT_URL_DYNAMODB: databaseEndpoint,
    AWS_ENDPOINT_URL_SQS: addresses.url,
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_CONFIG_FILE: devNull,
    AWS_SHARED_CREDENTIALS_FILE: devNull,
    TZ: 'UTC',
  }
}

/** Two dev servers that share a Redis must not take each other's members for dead: each has a port of its own. */
export function redisPrefix({ port }: LocalAddresses): string {
  return `channels-dev:${port}`
}

/** Functions in containers: isolated from each other and from this process, as on Lambda. */
export async function startContainers(
  entries: DevEntries,
  env: Record<string, string>,
): Promise<DevFunctions> {
  const byName = new Map(
    Object.entries(entries).map(([name, entry]) => [
      name,
      new ReloadableFunction(() => containerPool({ entry, env })),
    ]),
  )
  const close = async (): Promise<void> =>
    void (await Promise.all([...byName.values()].map((each) => each.close())))
  const reload = async (): Promise<void> => {
    // One after the other: what does not load as the first leaves the others alone too.
    for (const each of byName.values()) await each.load()
  }
  try {
    await reload()
  } catch (error) {
    await close()
    throw error
  }
  return { byName, reload, close }
}

/**
 * Functions in this process, which share its memory and any number of which run at once. The environment
 * becomes this process's own: `AWS_*` of the user goes.
 */
export async function loadInProcess(entries: DevEntries, env: Record<string, string>): Promise<DevFunctions> {
  for (const name of Object.keys(process.env)) {
    if (name.startsWith('AWS_')) delete process.env[name]
  }
  Object.assign(process.env, env)
  const byName = new Map(await Promise.all(Object.entries(entries).map(loadFunction)))
  return { byName, close: async () => undefined }
}

async function loadFunction([functionName, entry]: [string, URL]): Promise<[string, LambdaFunction]> {
  return [functionName, inProcessFunction(await importHandler(entry), { functionName })]
}

async function importHandler(entry: URL): Promise<LambdaHandler> {
  const { handler } = await importModule(entry)
  if (typeof handler === 'function') return handler
  throw new TypeError(`${entry.pathname} does not export a function "handler"`)
}

async function importModule(entry: URL): Promise<{ readonly handler?: LambdaHandler }> {
  try {
    return (await import(entry.href)) as { readonly handler?: LambdaHandler }
  } catch (error) {
    throw new ConfigurationError(loadFailure(fileURLToPath(entry), error), { cause: error })
  }
}

/** A function that is still being started: its invocations wait for it. */
export function whenStarted(functions: Promise<DevFunctions>, name: DevFunctionName): LambdaFunction {
  return {
    invoke: async (event) => {
      const started = await functions.catch(errorResult)
      if ('kind' in started) return started
      const target = started.byName.get(name)
      return target ? await target.invoke(event) : errorResult(new Error(`there is no function ${name}`))
    },
  }
}
