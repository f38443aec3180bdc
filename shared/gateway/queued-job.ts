import { requireMessage } from '../codec.ts'
import { InvalidEventError } from '../errors.ts'
import { isPlainObject, type Message } from '../message.ts'
import { requireWorkerChannelName } from '../names.ts'
import type { QueueRecord } from './queue-event.ts'
import type { EventPlace } from './server-context.ts'

/** A job as a queue has handed it out. */
export interface QueuedJob {
  readonly channel: string
  readonly message: Message
  readonly jobId: string
  readonly receiveCount: number
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
      `this is no job, but ${body === '' ? 'nothing' : body.slice(0, 200)}: a worker's queue takes {"channel":"…","message":{"type":"…"}}`,
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
    place: { channelName: channel, jobId, messageId, receiveCount },
  }
}

/** Undefined if it is no JSON. */
function parse(body: string): unknown {
  try {
    return JSON.parse(body)
  } catch {
    return undefined
  }
}
