import { deliveryQueueAt, openStore, type Variables, workerQueuesOf } from '../environment/index.ts'
import { FastPoster, Runtime, type RuntimeOptions } from '../gateway/index.ts'
import { environmentCredentials, readEnvironment } from './environment.ts'
import { openObservation } from './observation.ts'
import { surviveRejections } from './unhandled-rejections.ts'

/** What a runtime has besides what its environment says. A logger or metrics given here replace the usual ones. */
export type EnvironmentRuntimeOptions = Partial<
  Pick<
    RuntimeOptions,
    | 'layers'
    | 'logger'
    | 'metrics'
    | 'onError'
    | 'onInvocation'
    | 'messageLimits'
    | 'openingGraceMs'
    | 'fanOut'
  >
>

/**
 * The runtime that the variables of {@link environmentNames} describe: store, queues, poster, log, metrics. Make one when
 * the container starts, outside the handler.
 *
 * In production it logs JSON and writes metrics to CloudWatch, with `@aws-lambda-powertools/logger` and
 * `@aws-lambda-powertools/metrics`; in development it logs for people, and metrics are lines at debug.
 *
 * From now on a promise of the application that rejects while nobody awaits it is logged and counted as
 * `unhandledRejection`. Otherwise the process would end, and with it an invocation that may be serving other connections.
 * Listeners of your own are called as before; Lambda's, which exits, is removed.
 *
 * @throws {@link ConfigurationError} naming the variable, its value and the rule, or the package that is not installed
 */
export async function runtimeFromEnvironment(
  env: Variables,
  options: EnvironmentRuntimeOptions = {},
): Promise<Runtime> {
  const environment = readEnvironment(env)
  const { deliveryQueueUrl, managementEndpoint, isDevelopment, region } = environment
  const credentials = async () => await environmentCredentials(env)
  const onThrottled = (): void => runtime.metrics.count('throttled', 1)
  const runtime: Runtime = new Runtime({
    ...options,
    ...(await openObservation(environment, options)),
    store: (await openStore(environment)).store,
    queue: deliveryQueueAt(deliveryQueueUrl, environment),
    workers: workerQueuesOf(environment),
    createPoster: (endpoint) => new FastPoster({ endpoint, region, credentials, onThrottled }),
    endpoint: managementEndpoint,
    region,
    isDevelopment,
  })
  surviveRejections(runtime)
  return runtime
}
