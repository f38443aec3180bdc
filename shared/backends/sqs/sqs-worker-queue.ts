import { StoreError } from '../../errors.ts'
import type { EnqueueOptions } from '../../stores/delivery-queue.ts'
import type { WorkerJob, WorkerQueue } from '../../stores/worker-queue.ts'
import { SQSQueue, type SQSQueueOptions } from './sqs-queue.ts'

/** Options of {@link SQSWorkerQueue}. */
export type SQSWorkerQueueOptions = SQSQueueOptions

/** Keeps jobs in an SQS standard queue, for one worker channel or for several. */
export class SQSWorkerQueue implements WorkerQueue {
  readonly #queue: SQSQueue

  constructor(options: SQSWorkerQueueOptions) {
    this.#queue = new SQSQueue(options)
  }

  async enqueue(jobs: readonly WorkerJob[], { delaySeconds = 0 }: EnqueueOptions = {}): Promise<void> {
    const loss = await this.#queue.put(jobs, delaySeconds)
    if (loss === undefined) return
    const channels = [...new Set(jobs.map(({ channel }) => `"${channel}"`))].join(', ')
    throw new StoreError(
      `${loss.refused.length} of ${jobs.length} jobs for ${channels} could not be put into the queue ${this.#queue.queueUrl}, and will not run: check that the queue exists and that this function may sqs:SendMessage to it`,
      { retryable: true, cause: loss.cause },
    )
  }
}
