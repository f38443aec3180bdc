import type {
  SendMessageBatchRequestEntry,
  SendMessageBatchResult,
  SQSClientConfig,
} from '@aws-sdk/client-sqs'
import { queueJson } from '../../codec.ts'

/** Quotas of SendMessageBatch: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html */
const MAX_BATCH_ENTRIES = 10
const MAX_BATCH_BYTES = 1_048_576

/** Calls at a time: thousands of members that were throttled together must be in the queue within the invocation's last seconds. */
const CONCURRENCY = 16

/** Bound of one call, in milliseconds, the SDK's own retries included. */
const TIMEOUT_MS = 5_000

/** Which SQS queue, and how to reach it. */
export interface SQSQueueOptions {
  readonly queueUrl: string
  /** Passed to the SDK's client; region, credentials and `AWS_ENDPOINT_URL_SQS` come from the environment without it. */
  readonly client?: SQSClientConfig
}

/** What a queue did not take; all else is in it. */
export interface SQSLoss {
  /** The places of these messages among all that were to be put. */
  readonly refused: readonly number[]
  /** Why the first of them was not taken. */
  readonly cause: unknown
}

type Entry = SendMessageBatchRequestEntry & { readonly MessageBody: string }

type BatchSender = (queueUrl: string, entries: Entry[]) => Promise<SendMessageBatchResult>

/** The SDK is loaded with the first call: most invocations of a chat never put anything into a queue. */
async function loadSender(config: SQSClientConfig): Promise<BatchSender> {
  const { SendMessageBatchCommand, SQSClient } = await import('@aws-sdk/client-sqs')
  const client = new SQSClient(config)
  return (QueueUrl, Entries) =>
    client.send(new SendMessageBatchCommand({ QueueUrl, Entries }), {
      abortSignal: AbortSignal.timeout(TIMEOUT_MS),
    })
}

/** One SQS standard queue, for sending. */
export class SQSQueue {
  readonly queueUrl: string
  readonly #config: SQSClientConfig
  #sender: Promise<BatchSender> | undefined

  constructor({ queueUrl, client = {} }: SQSQueueOptions) {
    this.queueUrl = queueUrl
    this.#config = client
  }

  /** Puts `contents` as JSON into the queue, one message each. Resolves to what it did not take, if anything. Never rejects. */
  async put(contents: readonly unknown[], delaySeconds: number): Promise<SQSLoss | undefined> {
    const refused: number[] = []
    let cause: unknown
    const waiting = batches(contents.map((content, index) => entryOf(content, index, delaySeconds)))
    const worker = async (): Promise<void> => {
      // A batch that fails must not keep the others from being tried: they are the rest of what has to wait.
      for (const entries of waiting) {
        const result = await this.#send(entries)
        refused.push(...result.failed.map(({ Id }) => Number(Id)))
        cause ??= result.cause
      }
    }
    await Promise.all(Array.from({ length: CONCURRENCY }, worker))
    return refused.length === 0 ? undefined : { refused, cause }
  }

  /** Resolves to the entries that the queue did not take, and why. */
  async #send(entries: Entry[]): Promise<{ readonly failed: readonly Entry[]; readonly cause?: unknown }> {
    try {
      this.#sender ??= loadSender(this.#config)
      const send = await this.#sender
      const { Failed = [] } = await send(this.queueUrl, entries)
      const [first] = Failed
      if (first === undefined) return { failed: [] }
      // One more try for those that the batch refused alone; the SDK has retried the call itself.
      const failed = entries.filter(({ Id }) => Failed.some((failure) => failure.Id === Id))
      if (failed.length < entries.length) return await this.#send(failed)
      return {
        failed,
        cause: new Error(`${first.Code ?? 'no code'}: ${first.Message ?? 'no message'}`),
      }
    } catch (cause) {
      return { failed: entries, cause }
    }
  }
}

function entryOf(content: unknown, index: number, delaySeconds: number): Entry {
  return { Id: String(index), MessageBody: queueJson(content), DelaySeconds: delaySeconds }
}

/** Cuts entries into batches. Several may take from it: each gets the next one. */
function* batches(entries: readonly Entry[]): Generator<Entry[], void> {
  let batch: Entry[] = []
  let bytes = 0
  for (const entry of entries) {
    const size = Buffer.byteLength(entry.MessageBody)
    if (batch.length === MAX_BATCH_ENTRIES || (batch.length > 0 && bytes + size > MAX_BATCH_BYTES)) {
      yield batch
      batch = []
      bytes = 0
    }
    batch.push(entry)
    bytes += size
  }
  if (batch.length > 0) yield batch
}
