import { SQSDeliveryQueue, SQSWorkerQueue } from '../backends/sqs/index.ts'
import type { DeliveryQueue } from '../stores/delivery-queue.ts'
import type { WorkerQueue } from '../stores/worker-queue.ts'
import type { LayerEnvironment } from './layer-environment.ts'

/** The delivery queue at `queueUrl`, reached as `environment` says. */
export function deliveryQueueAt(queueUrl: string, environment: LayerEnvironment): DeliveryQueue {
  return new SQSDeliveryQueue({ queueUrl, client: clientConfig(environment) })
}

/** The queue of each worker channel that the environment names. */
export function workerQueuesOf(environment: LayerEnvironment): Readonly<Record<string, WorkerQueue>> {
  const client = clientConfig(environment)
  const urls = Object.entries(environment.workerQueueUrls)
  return Object.fromEntries(
    urls.map(([channel, queueUrl]) => [channel, new SQSWorkerQueue({ queueUrl, client })]),
  )
}

/** What the SDK would find in the environment of the process, which need not be the one that was read. */
function clientConfig({ region, sqsEndpoint: endpoint, credentials }: LayerEnvironment): {
  readonly region?: string
  readonly endpoint?: string
  readonly credentials?: NonNullable<LayerEnvironment['credentials']>
} {
  return {
    ...(region === undefined ? {} : { region }),
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(credentials === undefined ? {} : { credentials }),
  }
}
