import { MemoryChannelStore } from '../shared/backends/memory/index.ts'
import { DynamoDBChannelStore } from '../shared/backends/dynamodb/index.ts'
import { SQSDeliveryQueue } from '../shared/backends/sqs/index.ts'
import { FastPoster, Runtime } from '../shared/gateway/index.ts'
import { type Environment, environmentCredentials, readEnvironment } from './environment.ts'
import { createLogger } from './logger.ts'

/** Builds what the functions share, from their environment. */
export function createRuntime(environment: Environment): Runtime {
  const { table, deliveryQueueUrl, managementEndpoint, isDevelopment, logLevel, region } = environment
  return new Runtime({
    store: environment.layer === 'memory' ? new MemoryChannelStore() : new DynamoDBChannelStore({ tableName: table }),
    queue: new SQSDeliveryQueue({ queueUrl: deliveryQueueUrl }),
    createPoster: (endpoint) => new FastPoster({ endpoint, region, credentials: environmentCredentials }),
    endpoint: managementEndpoint,
    region,
    logger: createLogger(logLevel, isDevelopment),
    isDevelopment,
  })
}

/** The one thing that survives from one invocation to the next. Built once per container, when it starts. */
export const runtime: Runtime = createRuntime(readEnvironment())
