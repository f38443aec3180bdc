import type { Application, ChannelScope, Send, WebsocketScope } from '../application.ts'
import { ProtocolError } from '../errors.ts'
import { StopConsumer } from '../signals.ts'
import type { Deadline, LambdaContext } from './deadline.ts'
import { Invocation } from './invocation.ts'
import type { QueuedJob } from './queued-job.ts'
import { reportFailure } from './report-failure.ts'
import type { ServerContext } from './server-context.ts'
import type { Runtime } from './runtime.ts'

/** What jobs run in. */
export interface WorkerSurroundings {
  readonly application: Application<ChannelScope | WebsocketScope>
  readonly runtime: Runtime
  readonly endpoint: string
  readonly context: LambdaContext | undefined
}

/** One job while it runs. */
export class JobRun {
  readonly #job: QueuedJob
  readonly #surroundings: WorkerSurroundings
  readonly #invocation: Invocation
  readonly #context: ServerContext

  constructor(job: QueuedJob, surroundings: WorkerSurroundings) {
    this.#job = job
    this.#surroundings = surroundings
    this.#invocation = new Invocation(surroundings)
    this.#context = this.#invocation.contextOf(job.message, job.place)
  }

  /**
   * Runs the job, and resolves to whether all went well by `deadline`. One that is still running then is left alone, so
   * that the others of its batch are not run again. Never rejects.
   */
  async isDoneBy(deadline: Deadline): Promise<boolean> {
    const isDone = await deadline.orElse(this.#run(), () => this.#overrun())
    this.#surroundings.runtime.metrics.count(isDone ? 'jobDone' : 'jobFailed', 1)
    return isDone
  }

  async #run(): Promise<boolean> {
    const hasRun = await this.#attempt(() => this.#handle())
    // Even after a failure: what was sent by then has to go somewhere.
    const isFinished = await this.#attempt(() => this.#invocation.finish())
    return hasRun && isFinished && !this.#context.hasFailedLate
  }

  async #handle(): Promise<void> {
    const { channel, jobId, receiveCount, message } = this.#job
    const scope: ChannelScope = { type: 'channel', channel, jobId, receiveCount, connection: this.#context }
    await this.#surroundings.application(scope, message, refuse(channel))
  }

  /** Whether `step` goes well. */
  async #attempt(step: () => Promise<void>): Promise<boolean> {
    try {
      await step()
      return true
    } catch (error) {
      if (error instanceof StopConsumer) return true
      await reportFailure(this.#surroundings.runtime, error, { context: this.#context })
      return false
    }
  }

  #overrun(): boolean {
    const { place, message } = this.#job
    this.#surroundings.runtime.logger.error(
      'a job was still running when the time was up: give its function more time, or cut the job into smaller ones',
      { ...place, consumer: this.#context.consumer, type: message.type },
    )
    return false
  }
}

function refuse(channel: string): Send {
  return async ({ type }) => {
    throw new ProtocolError(
      `a job of worker channel "${channel}" sent "${type}", but a worker has no client: use this.channelLayer to send to a connection or a group`,
    )
  }
}
