import { SendMessageBatchCommand, SQSClient, type SendMessageBatchRequestEntry, type SQSClientConfig } from '@aws-sdk/client-sqs'
import { StoreError } from '../../errors.ts'
import type { DeliveryQueue, EnqueueOptions, QueuedDelivery } from '../../stores/delivery-queue.ts'

/** Quotas of SendMessageBatch: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html */
const MAX_BATCH_ENTRIES = 10
const MAX_BATCH_BYTES = 1_048_576

/** Bound of one call, in milliseconds, the SDK's own retries included. */
const TIMEOUT_MS = 5_000

/** Options of {@link SQSDeliveryQueue}. */
export interface SQSDeliveryQueueOptions {
  readonly queueUrl: string
  /** Passed to the SDK's client; region, credentials and `AWS_ENDPOINT_URL_SQS` come from the environment without it. */
  readonly client?: SQSClientConfig
}

/** Keeps deliveries in an SQS standard queue. */
export class SQSDeliveryQueue implements DeliveryQueue {
  readonly #queueUrl: string
  readonly #client: SQSClient

  constructor({ queueUrl, client = {} }: SQSDeliveryQueueOptions) {
    this.#queueUrl = queueUrl
    this.#client = new SQSClient(client)
  }

  async enqueue(deliveries: readonly QueuedDelivery[], { delaySeconds = 0 }: EnqueueOptions = {}): Promise<void> {
    for (const bodies of batches(deliveries.map((delivery) => JSON.stringify(delivery)))) {
      await this.#send(bodies.map((MessageBody, index) => ({ Id: String(index), MessageBody, DelaySeconds: delaySeconds })))
    }
  }

  async #send(entries: SendMessageBatchRequestEntry[]): Promise<void> {
    let failed: SendMessageBatchRequestEntry[]
    try {
      const command = new SendMessageBatchCommand({ QueueUrl: this.#queueUrl, Entries: entries })
      const { Failed = [] } = await this.#client.send(command, { abortSignal: AbortSignal.timeout(TIMEOUT_MS) })
      failed = entries.filter(({ Id }) => Failed.some((failure) => failure.Id === Id))
    } catch (error) {
      throw this.#failure(entries.length, error)
    }
    // One more try for the ones that the batch refused alone; the SDK has retried the call itself.
    if (failed.length === entries.length) throw this.#failure(failed.length, undefined)
    if (failed.length > 0) await this.#send(failed)
  }

  #failure(count: number, cause: unknown): StoreError {
    return new StoreError(
      `${count} deliveries could not be put into the queue ${this.#queueUrl}, so what they carry is lost unless the caller keeps it: check that the queue exists and that this function may sqs:SendMessage to it`,
      { retryable: true, cause },
    )
  }
}

function* batches(bodies: readonly string[]): Iterable<readonly string[]> {
  let batch: string[] = []
  let bytes = 0
  for (const body of bodies) {
    const size = Buffer.byteLength(body)
    if (batch.length === MAX_BATCH_ENTRIES || (batch.length > 0 && bytes + size > MAX_BATCH_BYTES)) {
      yield batch
      batch = []
      bytes = 0
    }
    batch.push(body)
    bytes += size
  }
  if (batch.length > 0) yield batch
}
