import { deliveryQueueAt, openStore, workerQueuesOf } from '../shared/environment/index.ts'
import { FastPoster, Runtime } from '../shared/gateway/index.ts'
import { type Environment, environmentCredentials, readEnvironment } from './environment.ts'
import { createLogger } from './logger.ts'
import { surviveRejections } from './unhandled-rejections.ts'

/** Builds what the functions share, from their environment. */
export async function createRuntime(environment: Environment): Promise<Runtime> {
  const { deliveryQueueUrl, managementEndpoint, isDevelopment, logLevel, region } = environment
  return new Runtime({
    store: (await openStore(environment)).store,
    queue: deliveryQueueAt(deliveryQueueUrl, environment),
    workers: workerQueuesOf(environment),
    createPoster: (endpoint) => new FastPoster({ endpoint, region, credentials: environmentCredentials }),
    endpoint: managementEndpoint,
    region,
    logger: createLogger(logLevel, isDevelopment),
    isDevelopment,
  })
}

/** The one thing that survives from one invocation to the next. Built once per container, when it starts. */
export const runtime: Runtime = await createRuntime(readEnvironment())

surviveRejections(runtime)
