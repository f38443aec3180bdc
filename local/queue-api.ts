import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { isPlainObject } from '../shared/message.ts'
import { isFromPage } from './from-a-page.ts'
import type { LocalQueue, QueueEntry } from './local-queue.ts'
import type { LocalQueues } from './local-queues.ts'

const TARGET_PREFIX = 'AmazonSQS.'
const MAX_BODY_BYTES = 1_048_576
const MAX_BATCH = 10
const MAX_DELAY_SECONDS = 900

/** The part of SQS's JSON protocol that a sender needs, as the unmodified `@aws-sdk/client-sqs` speaks it. */
export class QueueApi {
  readonly #queues: LocalQueues
  readonly #urlOf: (name: string) => string
  #isClosed = false

  constructor(queues: LocalQueues, urlOf: (name: string) => string) {
    this.#queues = queues
    this.#urlOf = urlOf
  }

  /** From now on what is sent is taken, and forgotten: for when the queues are closed. */
  close(): void {
    this.#isClosed = true
  }

  /** Serves `request` if it is for SQS; says whether it was. */
  serve(request: IncomingMessage, response: ServerResponse): boolean {
    const target = request.headers['x-amz-target']
    if (typeof target !== 'string' || !target.startsWith(TARGET_PREFIX)) return false
    if (isFromPage(request)) {
      request.resume()
      const message = 'the local queues serve programs of this machine, and no page in a browser'
      reply(response, 403, { __type: 'com.amazonaws.sqs#AccessDeniedException', message })
      return true
    }
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () =>
      this.#answer(response, target.slice(TARGET_PREFIX.length), Buffer.concat(chunks).toString()),
    )
    return true
  }

  #answer(response: ServerResponse, action: string, text: string): void {
    try {
      reply(response, 200, this.#run(action, readInput(text)))
    } catch (error) {
      if (!(error instanceof QueueFault)) throw error
      reply(response, 400, { __type: `com.amazonaws.sqs#${error.type}`, message: error.message })
    }
  }

  #run(action: string, input: Record<string, unknown>): object {
    if (action === 'GetQueueUrl') return { QueueUrl: this.#named(input['QueueName']) }
    const queue = this.#at(input['QueueUrl'])
    if (action === 'SendMessage') return this.#send(queue, input)
    if (action === 'SendMessageBatch') return this.#sendBatch(queue, input)
    if (action === 'GetQueueAttributes') return { Attributes: attributesOf(queue) }
    throw new QueueFault(
      'UnsupportedOperation',
      `the local queue has no ${action}: it has SendMessage, SendMessageBatch, GetQueueUrl and GetQueueAttributes`,
    )
  }

  #named(name: unknown): string {
    if (typeof name === 'string' && this.#queues.find(name)) return this.#urlOf(name)
    throw noQueue(`called ${JSON.stringify(name)}`, this.#queues.names)
  }

  #at(url: unknown): LocalQueue {
    const queue = typeof url === 'string' ? this.#queues.find(url.slice(url.lastIndexOf('/') + 1)) : undefined
    if (queue) return queue
    throw noQueue(`at ${JSON.stringify(url)}`, this.#queues.names.map(this.#urlOf))
  }

  #send(queue: LocalQueue, input: Record<string, unknown>): object {
    const entry = readEntry(input)
    if (queue.isFifo && entry.groupId === undefined)
      throw new QueueFault('MissingParameter', 'MessageGroupId is missing: the queue is a FIFO queue')
    // Taken, so that an invocation in its last moments ends well; a closed queue forgets what is delayed.
    const message = queue.send(this.#isClosed ? { ...entry, delaySeconds: 1 } : entry)
    return { MessageId: message.messageId, MD5OfMessageBody: message.md5OfBody }
  }

  #sendBatch(queue: LocalQueue, input: Record<string, unknown>): object {
    const entries = readBatch(input)
    const Successful: object[] = []
    const Failed: object[] = []
    for (const { Id, ...entry } of entries) {
      try {
        Successful.push({ Id, ...this.#send(queue, entry) })
      } catch (error) {
        if (!(error instanceof QueueFault)) throw error
        Failed.push({ Id, SenderFault: true, Code: error.type, Message: error.message })
      }
    }
    return { Successful, Failed }
  }
}

function attributesOf({ counts, arn }: LocalQueue): Record<string, string> {
  return {
    ApproximateNumberOfMessages: String(counts.visible),
    ApproximateNumberOfMessagesNotVisible: String(counts.inFlight),
    ApproximateNumberOfMessagesDelayed: String(counts.delayed),
    QueueArn: arn,
  }
}

function noQueue(which: string, known: readonly string[]): QueueFault {
  return new QueueFault('QueueDoesNotExist', `there is no queue ${which}: use ${known.join(' or ')}`)
}

class QueueFault extends Error {
  readonly type: string

  constructor(type: string, message: string) {
    super(message)
    this.type = type
  }
}

function readInput(text: string): Record<string, unknown> {
  let input: unknown
  try {
    input = JSON.parse(text)
  } catch (error) {
    throw new QueueFault('SerializationException', `the request is no JSON: ${String(error)}`)
  }
  if (!isPlainObject(input)) throw new QueueFault('SerializationException', 'the request is no JSON object')
  return input
}

function readEntry(input: Record<string, unknown>): QueueEntry {
  const { MessageBody: body, DelaySeconds: delaySeconds = 0, MessageAttributes: attributes = {} } = input
  if (typeof body !== 'string' || body === '')
    throw new QueueFault('MissingParameter', 'MessageBody is missing or empty')
  const bytes = Buffer.byteLength(body)
  if (bytes > MAX_BODY_BYTES) {
    throw new QueueFault(
      'InvalidParameterValue',
      `MessageBody has ${bytes} bytes, ${MAX_BODY_BYTES} is the most SQS takes`,
    )
  }
  if (typeof delaySeconds !== 'number' || delaySeconds < 0 || delaySeconds > MAX_DELAY_SECONDS) {
    throw new QueueFault(
      'InvalidParameterValue',
      `DelaySeconds is ${JSON.stringify(delaySeconds)}: use 0 to ${MAX_DELAY_SECONDS}`,
    )
  }
  const groupId = input['MessageGroupId']
  return {
    body,
    delaySeconds,
    messageAttributes: readAttributes(attributes),
    ...(typeof groupId === 'string' && { groupId }),
  }
}

// From the API's spelling to the one of Lambda events.
function readAttributes(attributes: unknown): Record<string, object> {
  if (!isPlainObject(attributes)) return {}
  return Object.fromEntries(
    Object.entries(attributes).map(([name, value]) => {
      const { StringValue, BinaryValue, DataType } = isPlainObject(value) ? value : {}
      return [
        name,
        {
          stringValue: StringValue,
          binaryValue: BinaryValue,
          stringListValues: [],
          binaryListValues: [],
          dataType: DataType,
        },
      ]
    }),
  )
}

function readBatch(input: Record<string, unknown>): (Record<string, unknown> & { Id: string })[] {
  const entries = input['Entries']
  if (!Array.isArray(entries) || entries.length === 0)
    throw new QueueFault('EmptyBatchRequest', 'Entries is empty')
  if (entries.length > MAX_BATCH) {
    throw new QueueFault(
      'TooManyEntriesInBatchRequest',
      `Entries has ${entries.length} entries, ${MAX_BATCH} is the most SQS takes`,
    )
  }
  const batch = (entries as readonly unknown[]).map((entry) => {
    const id = isPlainObject(entry) ? entry['Id'] : undefined
    if (typeof id !== 'string')
      throw new QueueFault('InvalidBatchEntryId', `the Id ${JSON.stringify(id)} of an entry is no string`)
    return { ...(entry as Record<string, unknown>), Id: id }
  })
  if (new Set(batch.map(({ Id }) => Id)).size < batch.length) {
    throw new QueueFault('BatchEntryIdsNotDistinct', 'two entries have the same Id')
  }
  return batch
}

function reply(response: ServerResponse, status: number, body: object): void {
  const text = JSON.stringify(body)
  response.writeHead(status, {
    'Content-Type': 'application/x-amz-json-1.0',
    'x-amzn-RequestId': randomUUID(),
    'Content-Length': Buffer.byteLength(text),
  })
  response.end(text)
}
