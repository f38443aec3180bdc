import { StoreError } from '../../errors.ts'
import type { DeliveryQueue, EnqueueOptions, QueuedDelivery } from '../../stores/delivery-queue.ts'
import { SQSQueue, type SQSQueueOptions } from './sqs-queue.ts'

/** Options of {@link SQSDeliveryQueue}. */
export type SQSDeliveryQueueOptions = SQSQueueOptions

/** Keeps deliveries in an SQS standard queue. */
export class SQSDeliveryQueue implements DeliveryQueue {
  readonly #queue: SQSQueue

  constructor(options: SQSDeliveryQueueOptions) {
    this.#queue = new SQSQueue(options)
  }

  async enqueue(
    deliveries: readonly QueuedDelivery[],
    { delaySeconds = 0 }: EnqueueOptions = {},
  ): Promise<void> {
    const loss = await this.#queue.put(deliveries, delaySeconds)
    if (loss === undefined) return
    throw new StoreError(
      `${loss.refused.length} deliveries could not be put into the queue ${this.#queue.queueUrl}, so what they carry is lost unless the caller keeps it: check that the queue exists and that this function may sqs:SendMessage to it`,
      { retryable: true, ...loss },
    )
  }
}
