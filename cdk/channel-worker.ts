import { Duration } from 'aws-cdk-lib'
import type { IGrantable } from 'aws-cdk-lib/aws-iam'
import { Construct } from 'constructs'
import { ConfigurationError } from '../shared/errors.ts'
import { ChannelsFunction, type ChannelsFunctionProps, type FunctionSize } from './channels-function.ts'
import { concurrencyOf } from './queue-concurrency.ts'
import { WorkQueue } from './work-queue.ts'

/** A worker function, and the channels whose jobs it does. */
export interface ChannelWorkerOptions extends FunctionSize {
  /** Names that the application's `ChannelNameRouter` has. Each gets a queue of its own. */
  readonly channels: readonly string[]
  /**
   * Jobs that one invocation does side by side, 1 to 10. 1 for jobs that need the whole function.
   *
   * @default 10
   */
  readonly batchSize?: number
  /**
   * How many invocations each of its queues starts at the same time at most, 2 to 1000.
   *
   * @default - as many as Lambda likes
   */
  readonly maxConcurrency?: number
  /**
   * How often a job is handed out before it is a dead letter, 1 to 1000.
   *
   * @default 5
   */
  readonly maxReceiveCount?: number
}

/** Options of {@link ChannelWorker}. */
export interface ChannelWorkerProps
  extends ChannelWorkerOptions, Omit<ChannelsFunctionProps, keyof FunctionSize | 'isRecursive'> {
  /**
   * Where the queues are, under the names of their channels: a queue, with the jobs in it, stays when its channel gets
   * another worker.
   *
   * @default - below the worker
   */
  readonly queueScope?: Construct
}

/** The queues of some worker channels, one for each, and the function that does their jobs. */
export class ChannelWorker extends Construct {
  readonly function: ChannelsFunction
  /** By channel. */
  readonly queues: ReadonlyMap<string, WorkQueue>

  constructor(scope: Construct, id: string, props: ChannelWorkerProps) {
    super(scope, id)
    const {
      channels,
      batchSize,
      maxConcurrency,
      maxReceiveCount,
      timeout = Duration.seconds(60),
      ...rest
    } = props
    if (channels.length === 0) {
      throw new ConfigurationError(`the worker "${id}" has no channels: name those whose jobs it does`)
    }
    const { queueScope = this, ...size } = rest
    const reserved = size.reservedConcurrentExecutions
    const concurrency = concurrencyOf(`the worker of "${channels[0]}"`, {
      asked: maxConcurrency,
      reserved,
      queues: channels.length,
    })
    this.function = new ChannelsFunction(this, 'Function', { ...size, timeout, isRecursive: true })
    this.queues = new Map(
      channels.map((channel) => {
        const queue = new WorkQueue(queueScope, channel, {
          longest: this.function.longest,
          ...(maxReceiveCount === undefined ? {} : { maxReceiveCount }),
        })
        queue.addReader(this.function, {
          ...(batchSize === undefined ? {} : { batchSize }),
          ...(concurrency === undefined ? {} : { maxConcurrency: concurrency }),
        })
        return [channel, queue]
      }),
    )
  }

  /** Lets `grantee` put jobs into the queues. */
  grantSend(grantee: IGrantable): void {
    for (const { queue } of this.queues.values()) queue.grantSendMessages(grantee)
  }
}
