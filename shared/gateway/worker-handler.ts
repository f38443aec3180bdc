import type { Application, ChannelScope, WebsocketScope } from '../application.ts'
import { forEachConcurrently } from '../layers/for-each-concurrently.ts'
import { workerChannelsOf } from '../worker-channels.ts'
import { Deadline, type LambdaContext } from './deadline.ts'
import { invoked } from './invoked.ts'
import { JobRun, type WorkerSurroundings } from './job-run.ts'
import { type BatchResult, batchResult, type QueueRecord, queueRecords } from './queue-event.ts'
import type { Runtime } from './runtime.ts'
import { type QueuedJob, readJob } from './queued-job.ts'

/** Jobs of one batch that run at the same time. */
const CONCURRENCY = 10

/** How often a job that runs at most once is put back: as often as AWS advises that a queue hands out another one. */
const MOST_PUT_BACKS = 5

/** A Lambda handler for queues of worker channels. */
export type WorkerHandler = (event: unknown, context?: LambdaContext) => Promise<BatchResult>

/**
 * Makes the Lambda handler of worker channels: each job of a batch runs in `application`, up to ten at a time, with a
 * scope of type `channel`. `ReportBatchItemFailures` must be on.
 *
 * A job that throws, that cannot be read, or for which there was no time is reported as failed, alone: the queue hands it
 * out again, and makes it a dead letter in the end. A job of a channel with the guarantee `at-most-once` runs when it is
 * handed out for the first time, and never again.
 *
 * @example
 * ```ts
 * export const handler = createWorkerHandler(application, runtime)
 * ```
 *
 * @throws {@link ConfigurationError} if the runtime has no `endpoint`: a job does not tell where the WebSocket API is
 * @throws {@link InvalidEventError} (the handler) for an event that is none of SQS
 */
export function createWorkerHandler(
  application: Application<ChannelScope | WebsocketScope>,
  runtime: Runtime,
): WorkerHandler {
  const endpoint = runtime.requireEndpoint({ handler: 'a worker handler', event: 'a job' })
  return invoked(runtime, async (event, context) => {
    const batch = new JobBatch({ application, runtime, endpoint, context })
    const failed: string[] = []
    await forEachConcurrently(queueRecords(event, 'the queues of workers'), CONCURRENCY, async (record) => {
      if (!(await batch.take(record))) failed.push(record.messageId)
    })
    return batchResult(failed)
  })
}

/** The jobs that one invocation was given. */
class JobBatch {
  readonly #surroundings: WorkerSurroundings
  readonly #deadline: Deadline

  constructor(surroundings: WorkerSurroundings) {
    this.#surroundings = surroundings
    this.#deadline = new Deadline(surroundings.context)
    if (this.#deadline.isOver) this.#tellNoTime()
  }

  /** Whether the queue is done with the message. Never rejects. */
  async take(record: QueueRecord): Promise<boolean> {
    const job = this.#read(record)
    if (job === undefined) return false
    const isOnce = workerChannelsOf(this.#surroundings.application).get(job.channel) === 'at-most-once'
    if (isOnce && job.receiveCount > 1) {
      this.#tell(job, 'jobDropped', 'a job was handed out again and does not run: it runs at most once')
      return true
    }
    if (this.#deadline.isOver) return isOnce ? this.#putBack(job) : this.#leave(job)
    if (await new JobRun(job, this.#surroundings).isDoneBy(this.#deadline)) return true
    if (isOnce) this.#tell(job, 'jobLost', 'a job has failed and does not run again: it runs at most once')
    return isOnce
  }

  #read(record: QueueRecord): QueuedJob | undefined {
    try {
      return readJob(record)
    } catch (error) {
      const { messageId, receiveCount } = record
      const { logger, metrics } = this.#surroundings.runtime
      metrics.count('jobUnreadable', 1)
      logger.error('a job could not be read', { messageId, receiveCount, error })
      return undefined
    }
  }

  #leave(job: QueuedJob): boolean {
    this.#tell(job, 'jobNotStarted', 'there was no time for a job: the queue hands it out again')
    return false
  }

  /** As {@link #leave} for a job that runs at most once. Handed out again it would be dropped; put anew it is not. */
  async #putBack(job: QueuedJob): Promise<boolean> {
    const { application, runtime } = this.#surroundings
    const putBacks = job.putBacks + 1
    if (putBacks > MOST_PUT_BACKS) return this.#giveUp(job)
    try {
      const queue = runtime.workers.find(job.channel, workerChannelsOf(application))
      await queue?.enqueue([{ id: job.jobId, channel: job.channel, message: job.message, putBacks }])
      this.#tell(job, 'jobNotStarted', 'there was no time for a job: it was put into its queue again')
    } catch (error) {
      runtime.logger.error('a job could not be put into its queue again', { ...job.place, error })
      this.#tell(job, 'jobLost', 'there was no time for a job and none to put it back: it does not run')
    }
    return true
  }

  #giveUp(job: QueuedJob): boolean {
    this.#surroundings.runtime.metrics.count('jobLost', 1)
    this.#surroundings.runtime.logger.error(
      `a job does not run: there was no time for it, after it was put into its queue again ${job.putBacks} times; give its function more time, or its queue smaller batches`,
      { ...job.place, type: job.message.type },
    )
    return true
  }

  #tellNoTime(): void {
    this.#surroundings.runtime.logger.error(
      'there was no time for a single job: the last 2.5 s of an invocation are kept for what is to be put into queues, so give the function a time-out of 10 s or more',
    )
  }

  #tell({ place, message }: QueuedJob, count: string, what: string): void {
    const { logger, metrics } = this.#surroundings.runtime
    metrics.count(count, 1)
    logger.warn(what, { ...place, type: message.type })
  }
}
