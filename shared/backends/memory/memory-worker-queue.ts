import { type Clock, systemClock } from '../../clock.ts'
import { queueJson } from '../../codec.ts'
import type { EnqueueOptions } from '../../stores/delivery-queue.ts'
import type { WorkerJob, WorkerQueue } from '../../stores/worker-queue.ts'

/** A {@link WorkerQueue} in this process, for tests: jobs wait until they are taken. */
export class MemoryWorkerQueue implements WorkerQueue {
  readonly #clock: Clock
  #waiting: { readonly body: string; readonly dueAt: number }[] = []
  #taken = 0

  constructor({ clock = systemClock }: { readonly clock?: Clock } = {}) {
    this.#clock = clock
  }

  async enqueue(jobs: readonly WorkerJob[], { delaySeconds = 0 }: EnqueueOptions = {}): Promise<void> {
    const dueAt = this.#clock.now() + 1000 * delaySeconds
    // As text, so that nothing passes that a real queue would not carry.
    this.#waiting.push(...jobs.map((job) => ({ body: queueJson(job), dueAt })))
  }

  /** How many jobs wait, delayed ones included. */
  get size(): number {
    return this.#waiting.length
  }

  /** Takes all jobs that are due, as the event that SQS invokes a function with. */
  take(): { readonly Records: readonly { readonly messageId: string; readonly body: string }[] } {
    const now = this.#clock.now()
    const due = this.#waiting.filter(({ dueAt }) => dueAt <= now)
    this.#waiting = this.#waiting.filter(({ dueAt }) => dueAt > now)
    return { Records: due.map(({ body }) => ({ messageId: `job-${(this.#taken += 1)}`, body })) }
  }
}
