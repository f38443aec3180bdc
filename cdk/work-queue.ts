import { Duration } from 'aws-cdk-lib'
import type { IFunction } from 'aws-cdk-lib/aws-lambda'
import { SqsEventSource } from 'aws-cdk-lib/aws-lambda-event-sources'
import { DeduplicationScope, FifoThroughputLimit, Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs'
import { Construct } from 'constructs'
import { ConfigurationError } from '../shared/errors.ts'
import { requireWholeNumber } from '../shared/whole-number.ts'
import { acceptFinding } from './nag-reasons.ts'

/** Options of {@link WorkQueue}. */
export interface WorkQueueProps {
  /** How long the function that reads it runs at most. */
  readonly longest: Duration
  /**
   * How often a message is handed out before it is a dead letter, 1 to 1000.
   *
   * @default 5
   */
  readonly maxReceiveCount?: number
  /**
   * How long a message that was not done stays hidden. Not under `longest`, or two invocations could have it; at most 12
   * hours.
   *
   * @default - six times as long as the function runs, as AWS advises
   */
  readonly visibilityTimeout?: Duration
  /**
   * Hands messages of one group out in order: a FIFO queue of high throughput, limited by group and not as a whole.
   *
   * @default false
   */
  readonly isOrdered?: boolean
}

/** How a function reads a {@link WorkQueue}. */
export interface WorkQueueReaderProps {
  /**
   * Messages that one invocation has at most, 1 to 10.
   *
   * @default 10
   */
  readonly batchSize?: number
  /**
   * How many invocations the queue starts at the same time at most, 2 to 1000.
   *
   * @default - as many as Lambda likes
   */
  readonly maxConcurrency?: number
}

/** How long a dead letter can be looked at: as long as SQS keeps a message. */
const DEAD_LETTER_RETENTION = Duration.days(14)

/** AWS's advice for a queue that a function reads: six times the function's time-out. */
const VISIBILITY_FACTOR = 6

/** SQS hides no message for longer. */
const MOST_HOURS_HIDDEN = 12

/** Both limits by group together make it a queue of high throughput. */
const IN_ORDER = {
  fifo: true,
  fifoThroughputLimit: FifoThroughputLimit.PER_MESSAGE_GROUP_ID,
  deduplicationScope: DeduplicationScope.MESSAGE_GROUP,
} as const

/** A queue whose messages a function does, encrypted and reached by TLS only, with a queue for those that fail. */
export class WorkQueue extends Construct {
  readonly queue: Queue
  readonly deadLetterQueue: Queue

  constructor(scope: Construct, id: string, props: WorkQueueProps) {
    super(scope, id)
    const { maxReceiveCount = 5, isOrdered = false } = props
    requireWholeNumber(maxReceiveCount, 'maxReceiveCount', { most: 1000 })
    this.deadLetterQueue = this.#createDeadLetterQueue(isOrdered)
    this.queue = new Queue(this, 'Queue', {
      ...(isOrdered ? IN_ORDER : {}),
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      visibilityTimeout: visibilityOf(props),
      deadLetterQueue: { queue: this.deadLetterQueue, maxReceiveCount },
    })
  }

  #createDeadLetterQueue(isOrdered: boolean): Queue {
    const queue = new Queue(this, 'DeadLetters', {
      ...(isOrdered ? { fifo: true } : {}),
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      retentionPeriod: DEAD_LETTER_RETENTION,
    })
    acceptFinding(queue, 'AwsSolutions-SQS3', 'This is the queue of dead letters.')
    return queue
  }

  /** Lets `reader` have the messages, in batches of which each message succeeds or fails alone. */
  addReader(reader: IFunction, props: WorkQueueReaderProps = {}): void {
    const { batchSize = 10, maxConcurrency } = props
    requireWholeNumber(batchSize, 'batchSize', { most: 10 })
    if (maxConcurrency !== undefined) {
      requireWholeNumber(maxConcurrency, 'maxConcurrency', { least: 2, most: 1000 })
    }
    reader.addEventSource(
      new SqsEventSource(this.queue, {
        batchSize,
        reportBatchItemFailures: true,
        ...(maxConcurrency === undefined ? {} : { maxConcurrency }),
      }),
    )
  }
}

function visibilityOf({ longest, visibilityTimeout }: WorkQueueProps): Duration {
  if (visibilityTimeout === undefined) return Duration.seconds(longest.toSeconds() * VISIBILITY_FACTOR)
  const [seconds, least] = [visibilityTimeout.toSeconds(), longest.toSeconds()]
  if (seconds >= least && seconds <= MOST_HOURS_HIDDEN * 3600) return visibilityTimeout
  throw new ConfigurationError(
    `visibilityTimeout is ${seconds} seconds: set it to at least the ${least} seconds that the function may run, and at most ${MOST_HOURS_HIDDEN} hours, or leave it out`,
  )
}
