import { requireMessage } from '../codec.ts'
import { InvalidEventError } from '../errors.ts'
import { isPlainObject, type Message } from '../message.ts'
import { requireWorkerChannelName } from '../names.ts'
import type { QueueRecord } from './queue-event.ts'
import type { EventPlace } from './server-context.ts'

const MOST_KEYS = 10
const LONGEST_KEY = 40

/** A job as a queue has handed it out. */
export interface QueuedJob {
  readonly channel: string
  readonly message: Message
  readonly jobId: string
  readonly receiveCount: number
  /** How often it was put into its queue again, because there was no time for it. */
  readonly putBacks: number
  /** How logs name it. */
  readonly place: EventPlace
}

/**
 * Reads a job. One that was put by hand may lack its id: then it is known by that of its message in the queue.
 *
 * @throws {@link InvalidEventError} if it is none
 * @throws {@link InvalidNameError} if its channel cannot be a worker's
 * @throws {@link InvalidMessageError} if its message is none
 */
export function readJob({ messageId, body, receiveCount }: QueueRecord): QueuedJob {
  const job = parse(body)
  if (!isPlainObject(job) || typeof job['channel'] !== 'string' || job['message'] === undefined) {
    throw new InvalidEventError(
      `this is no job, but ${describe(body, job)}: a worker's queue takes {"channel":"…","message":{"type":"…"}}`,
    )
  }
  const channel = requireWorkerChannelName(job['channel'])
  const message = requireMessage(job['message'])
  const jobId = typeof job['id'] === 'string' && job['id'] !== '' ? job['id'] : messageId
  return {
    channel,
    message,
    jobId,
    receiveCount,
    putBacks: countOf(job['putBacks']),
    place: { channelName: channel, jobId, messageId, receiveCount },
  }
}

function countOf(value: unknown): number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0 ? value : 0
}

/** What a body is that is no job, without its values: there may be a secret among them, and this ends up in a log. */
function describe(body: string, content: unknown): string {
  if (body === '') return 'nothing'
  if (!isPlainObject(content)) return `${body.length} characters that are no JSON object`
  const keys = Object.keys(content)
    .slice(0, MOST_KEYS)
    .map((key) => JSON.stringify(key.slice(0, LONGEST_KEY)))
  return `an object of ${body.length} characters with ${keys.length === 0 ? 'no keys' : `the keys ${keys.join(', ')}`}`
}

/** Undefined if it is no JSON. */
function parse(body: string): unknown {
  try {
    return JSON.parse(body)
  } catch {
    return undefined
  }
}
