import { DynamoDBChannelStore, httpTransport } from '../shared/backends/dynamodb/index.ts'
import { MemoryChannelStore } from '../shared/backends/memory/index.ts'
import { SQSDeliveryQueue } from '../shared/backends/sqs/index.ts'
import { FastPoster, Runtime } from '../shared/gateway/index.ts'
import type { ChannelStore } from '../shared/index.ts'
import { type Environment, environmentCredentials, readEnvironment } from './environment.ts'
import { createLogger } from './logger.ts'
import { surviveRejections } from './unhandled-rejections.ts'

/** Builds what the functions share, from their environment. */
export function createRuntime(environment: Environment): Runtime {
  const { deliveryQueueUrl, managementEndpoint, isDevelopment, logLevel, region } = environment
  return new Runtime({
    store: createStore(environment),
    queue: new SQSDeliveryQueue({ queueUrl: deliveryQueueUrl }),
    createPoster: (endpoint) => new FastPoster({ endpoint, region, credentials: environmentCredentials }),
    endpoint: managementEndpoint,
    region,
    logger: createLogger(logLevel, isDevelopment),
    isDevelopment,
  })
}

function createStore({ layer, table, dynamodbEndpoint, region }: Environment): ChannelStore {
  if (layer === 'memory') return new MemoryChannelStore()
  const transport = httpTransport({ region, credentials: environmentCredentials, endpoint: dynamodbEndpoint })
  return new DynamoDBChannelStore({ tableName: table, transport })
}

/** The one thing that survives from one invocation to the next. Built once per container, when it starts. */
export const runtime: Runtime = createRuntime(readEnvironment())

surviveRejections(runtime)
