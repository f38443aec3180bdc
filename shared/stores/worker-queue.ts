import type { Message } from '../message.ts'
import type { EnqueueOptions } from './delivery-queue.ts'

/** One message for a worker channel. */
export interface WorkerJob {
  /** Tells the job from any other, however often it is put or handed out: what a worker remembers to do it once only. */
  readonly id: string
  /** The worker channel. */
  readonly channel: string
  readonly message: Message
  /** How often it was put into its queue again, because there was no time for it; absent at first. */
  readonly putBacks?: number
}

/**
 * Where jobs wait for a worker. At least once: a job may be handed out twice. In no order.
 *
 * A queue may hold jobs for several channels, since each job names its own.
 */
export interface WorkerQueue {
  /**
   * Puts jobs into the queue; all are in it when it resolves.
   *
   * @throws {@link StoreError} if any could not be put
   */
  enqueue(jobs: readonly WorkerJob[], options?: EnqueueOptions): Promise<void>
}
