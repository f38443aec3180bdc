import { createHash, randomUUID } from 'node:crypto'
import type { Clock } from '../shared/clock.ts'
import type { Logger } from '../shared/logger.ts'
import { failuresOf } from './batch-failures.ts'
import { sleepQuietly } from './deadlines.ts'
import type { Faults } from './faults.ts'
import type { Invoker } from './invoker.ts'
import { killedResult, type LambdaFunction } from './lambda-function.ts'
import type { GatewayPolicies } from './policies.ts'
import { FifoLine, type QueueLine, StandardLine } from './queue-line.ts'

const MAX_BATCH = 10

/** One message in the queue. */
export interface QueueMessage {
  readonly messageId: string
  readonly body: string
  readonly md5OfBody: string
  readonly sentAt: number
  readonly messageAttributes: Readonly<Record<string, object>>
  /** Of a FIFO queue: what it keeps its order within. */
  readonly groupId: string | undefined
  /** Which message of the queue it is. */
  readonly sequence: number
  /** Deliveries so far. */
  receiveCount: number
  firstReceivedAt: number | undefined
}

/** A message that was delivered as often as the policy allows, and failed each time. */
export interface DeadLetter {
  /** The name of the queue it was in. */
  readonly queue: string
  readonly messageId: string
  readonly body: string
  readonly receiveCount: number
  /** Why the last delivery failed. */
  readonly reason: string
}

/** What to put into the queue. */
export interface QueueEntry {
  readonly body: string
  /** Default 0. */
  readonly delaySeconds?: number
  /** As in a Lambda event: by name, `{ stringValue, dataType }`. */
  readonly messageAttributes?: Readonly<Record<string, object>>
  /** What it keeps its order within, in a FIFO queue. */
  readonly groupId?: string
}

/** What the queue needs of the gateway. */
export interface LocalQueueOptions {
  /** One that ends with `.fifo` makes it a FIFO queue, as in SQS. */
  readonly name: string
  /** Receives the batches. Without it messages stay in the queue. */
  readonly target: LambdaFunction | undefined
  readonly invoker: Invoker
  readonly policies: GatewayPolicies
  readonly faults: Faults
  readonly clock: Clock
  readonly logger: Logger
}

/**
 * An SQS queue with its Lambda event source mapping, in memory: batches of up to ten as soon as there is anything, partial
 * batch responses, redelivery after a visibility time-out, dead letters. Standard or, by its name, FIFO.
 */
export class LocalQueue {
  readonly deadLetters: DeadLetter[] = []
  readonly #options: LocalQueueOptions
  readonly #line: QueueLine
  readonly #stop = new AbortController()
  #hidden = 0
  #inFlight = 0
  #sent = 0
  #workers = 0
  #isScheduled = false
  #idleWaiters: (() => void)[] = []

  constructor(options: LocalQueueOptions) {
    this.#options = options
    this.#line = this.isFifo ? new FifoLine() : new StandardLine(options.faults)
  }

  get name(): string {
    return this.#options.name
  }

  /** Whether it keeps the order of each group, and its messages have one. */
  get isFifo(): boolean {
    return this.name.endsWith('.fifo')
  }

  get arn(): string {
    return `arn:aws:sqs:us-east-1:000000000000:${this.name}`
  }

  /** Messages that can be received now, are with a function, or are delayed. */
  get counts(): { readonly visible: number; readonly inFlight: number; readonly delayed: number } {
    return { visible: this.#line.length, inFlight: this.#inFlight, delayed: this.#hidden }
  }

  /** Puts one message into the queue. */
  send(entry: QueueEntry): QueueMessage {
    const message: QueueMessage = {
      messageId: randomUUID(),
      body: entry.body,
      md5OfBody: createHash('md5').update(entry.body).digest('hex'),
      sentAt: this.#options.clock.now(),
      messageAttributes: entry.messageAttributes ?? {},
      groupId: this.isFifo ? (entry.groupId ?? '') : undefined,
      sequence: (this.#sent += 1),
      receiveCount: 0,
      firstReceivedAt: undefined,
    }
    const delayMs = (entry.delaySeconds ?? 0) * 1000 + this.#options.faults.delayMessagesMs
    if (delayMs > 0) {
      this.#line.hold(message)
      void this.#showLater(message, delayMs)
    } else this.#show(message)
    return message
  }

  /**
   * Resolves when the queue is empty and nothing of it is being worked on; at once if no function receives it, or if it
   * is closed.
   */
  async drained(): Promise<void> {
    if (this.#options.target === undefined) return
    while (!this.#isEmpty() && !this.#stop.signal.aborted)
      await new Promise<void>((resolve) => this.#idleWaiters.push(resolve))
  }

  /** Stops delivering: what is in the queue stays there, and nobody waits for it any more. */
  close(): void {
    this.#stop.abort()
    this.#wake()
  }

  #isEmpty(): boolean {
    return this.#line.length + this.#hidden + this.#inFlight === 0
  }

  #show(message: QueueMessage): void {
    this.#line.add(message)
    if (this.#isScheduled) return
    this.#isScheduled = true
    // After the current burst of sends, so that they share a batch.
    setImmediate(() => {
      this.#isScheduled = false
      this.#startWorkers()
    })
  }

  /** Shows a message that is held. */
  async #showLater(message: QueueMessage, ms: number): Promise<void> {
    this.#hidden += 1
    await sleepQuietly(this.#options.clock, ms, this.#stop.signal)
    this.#hidden -= 1
    this.#line.release(message)
    if (!this.#stop.signal.aborted) this.#show(message)
  }

  #startWorkers(): void {
    const { target, policies } = this.#options
    if (target === undefined) return
    while (this.#workers < policies.queueConcurrency) {
      const batch = this.#take()
      if (batch.length === 0) return
      void this.#work(target, batch)
    }
  }

  async #work(target: LambdaFunction, first: readonly QueueMessage[]): Promise<void> {
    this.#workers += 1
    for (let batch = first; batch.length > 0; batch = this.#take()) {
      this.#inFlight += batch.length
      this.#settle(batch, await this.#deliver(target, batch))
      this.#inFlight -= batch.length
      this.#wakeIfEmpty()
    }
    this.#workers -= 1
  }

  /** What can be received: nothing of a closed queue. */
  #take(): readonly QueueMessage[] {
    return this.#stop.signal.aborted ? [] : this.#line.take(MAX_BATCH)
  }

  /** Invokes the function with `batch`; returns why messages failed, by message id. */
  async #deliver(
    target: LambdaFunction,
    batch: readonly QueueMessage[],
  ): Promise<ReadonlyMap<string, string>> {
    const now = this.#options.clock.now()
    for (const message of batch) {
      message.receiveCount += 1
      message.firstReceivedAt ??= now
    }
    const { faults, invoker } = this.#options
    const doom = faults.takeDoom()
    const event = { Records: batch.map((message) => queueRecord(message, this.arn)) }
    const result = await invoker.invoke(target, event, { signal: doom?.signal })
    doom?.forget()
    return failuresOf(doom === undefined ? result : killedResult, batch)
  }

  #settle(batch: readonly QueueMessage[], failures: ReadonlyMap<string, string>): void {
    const { name: queue, faults, policies, logger } = this.#options
    for (const message of batch) {
      const reason = failures.get(message.messageId)
      if (reason === undefined) {
        this.#line.release(message)
        if (!this.isFifo && faults.takeDuplicate()) this.#show(message)
        continue
      }
      const about = { queue, messageId: message.messageId, receiveCount: message.receiveCount, reason }
      if (message.receiveCount < policies.maxReceiveCount) {
        logger.warn('a queue message failed and will be delivered again', about)
        void this.#showLater(message, policies.visibilityTimeoutMs)
      } else {
        logger.error('a queue message failed for the last time and is a dead letter now', {
          ...about,
          body: message.body,
        })
        this.deadLetters.push({ ...about, body: message.body })
        this.#line.release(message)
      }
    }
  }

  #wakeIfEmpty(): void {
    if (this.#isEmpty()) this.#wake()
  }

  #wake(): void {
    const waiters = this.#idleWaiters
    this.#idleWaiters = []
    for (const wake of waiters) wake()
  }
}

function queueRecord(message: QueueMessage, arn: string): object {
  return {
    messageId: message.messageId,
    receiptHandle: `${message.messageId}#${message.receiveCount}`,
    body: message.body,
    attributes: {
      ApproximateReceiveCount: String(message.receiveCount),
      SentTimestamp: String(message.sentAt),
      SenderId: 'local',
      ApproximateFirstReceiveTimestamp: String(message.firstReceivedAt ?? message.sentAt),
      ...(message.groupId !== undefined && {
        MessageGroupId: message.groupId,
        MessageDeduplicationId: message.messageId,
        SequenceNumber: String(message.sequence).padStart(20, '0'),
      }),
    },
    messageAttributes: message.messageAttributes,
    md5OfBody: message.md5OfBody,
    eventSource: 'aws:sqs',
    eventSourceARN: arn,
    awsRegion: 'us-east-1',
  }
}
