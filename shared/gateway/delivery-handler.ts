import type { Application, WebsocketScope } from '../application.ts'
import { InvalidEventError } from '../errors.ts'
import { isPlainObject } from '../message.ts'
import type { DeliveryTask, QueuedDelivery } from '../stores/delivery-queue.ts'
import type { LambdaContext } from './deadline.ts'
import { delaySecondsOf } from './deferred-tasks.ts'
import { Invocation } from './invocation.ts'
import type { Runtime } from './runtime.ts'
import { untilOpen } from './until-open.ts'

/** Times that one task is put back into the queue before it is given up: about 20 minutes of waiting. */
const MAX_ATTEMPTS = 10

/** What SQS is answered: the messages that are to be delivered again. */
export interface BatchResult {
  readonly batchItemFailures: readonly { readonly itemIdentifier: string }[]
}

/** A Lambda handler for the delivery queue. */
export type DeliveryHandler = (event: unknown, context?: LambdaContext) => Promise<BatchResult>

/**
 * Makes the Lambda handler of the delivery queue: it delivers frames and events that had to wait, and goes on
 * with fan-outs that ran out of time. `ReportBatchItemFailures` must be on.
 *
 * What cannot be delivered yet goes back into the queue, later each time. What was tried ten times, or cannot
 * be read, is reported as failed, so that the queue moves it to its dead letters.
 *
 * @throws {@link InvalidEventError} (the handler) for an event that is none of SQS
 */
export function createDeliveryHandler(
  application: Application<WebsocketScope>,
  runtime: Runtime,
): DeliveryHandler {
  return async (event, context) => {
    const surroundings = { application, runtime, context }
    const lines = Object.values(
      Object.groupBy(recordsOf(event), ({ messageId, body }) => connectionIn(body) ?? messageId),
    )
    const failures = await Promise.all(lines.map((line = []) => deliverInOrder(line, surroundings)))
    return { batchItemFailures: failures.flat().map((itemIdentifier) => ({ itemIdentifier })) }
  }
}

/** Delivers what is due to one connection, one after the other. Resolves to the messages that failed. */
async function deliverInOrder(
  records: readonly QueueRecord[],
  surroundings: Surroundings,
): Promise<readonly string[]> {
  const { logger, metrics } = surroundings.runtime
  const failed: string[] = []
  let behind: number | undefined
  for (const { messageId, body } of records) {
    try {
      behind = await deliver(parse(body), surroundings, behind)
    } catch (error) {
      logger.error('a queued delivery failed', { messageId, error })
      metrics.count('queuedDeliveryFailed', 1)
      failed.push(messageId)
    }
  }
  return failed
}

/** One message of the queue. */
interface QueueRecord {
  readonly messageId: string
  readonly body: string
}

interface Surroundings {
  readonly application: Application<WebsocketScope>
  readonly runtime: Runtime
  readonly context: LambdaContext | undefined
}

/**
 * Delivers one message, or puts it back `behind` one that waits for the same connection for so many seconds. Resolves
 * to how long the next one has to wait, if it has to.
 */
async function deliver(
  { task, endpoint, attempt }: QueuedDelivery,
  { application, runtime, context }: Surroundings,
  behind: number | undefined,
): Promise<number | undefined> {
  if (attempt > MAX_ATTEMPTS) throw new Error(`tried ${MAX_ATTEMPTS} times: ${describe(task)}`)
  const invocation = new Invocation({ runtime, application, endpoint, context, attempt })
  const delaySeconds = Math.max(delaySecondsOf(attempt), behind ?? 0)
  if (behind !== undefined) {
    await invocation.enqueue([task], { delaySeconds })
    return delaySeconds
  }
  await perform(task, invocation)
  await invocation.finish()
  const isWaiting =
    task.kind !== 'group' && invocation.outbox(task.connectionId, task.connectedAt).isDeferring
  return isWaiting ? delaySeconds : undefined
}

async function perform(task: DeliveryTask, invocation: Invocation): Promise<void> {
  if (task.kind === 'group') {
    const { group, exclude, event, frame, after, upTo } = task
    const payload = event === undefined ? { frame: frame ?? '' } : { event }
    await invocation.layer.fanOut(group, payload, {
      exclude,
      ...(after === undefined ? {} : { after }),
      ...(upTo === undefined ? {} : { upTo }),
    })
    return
  }
  if (!(await untilOpen(task, invocation))) return
  if (task.kind === 'event') {
    await invocation.event(task.connectionId, task.event, true)
    return
  }
  const outbox = invocation.outbox(task.connectionId, task.connectedAt)
  for (const frame of task.frames) invocation.count(await outbox.send(frame))
  if (task.close === true) await outbox.close()
}

function recordsOf(event: unknown): readonly QueueRecord[] {
  const records = isPlainObject(event) ? event['Records'] : undefined
  if (!Array.isArray(records)) {
    const seen = isPlainObject(event)
      ? `an object with the keys ${Object.keys(event).join(', ') || '(none)'}`
      : typeof event
    throw new InvalidEventError(
      `this is no event of an SQS queue, but ${seen}: connect the delivery queue to this function`,
    )
  }
  return records.map((record: unknown) => {
    const { messageId, body } = isPlainObject(record) ? record : {}
    return { messageId: String(messageId), body: typeof body === 'string' ? body : '' }
  })
}

/** The connection that a message is for, if it can be read and is for one. */
function connectionIn(body: string): string | undefined {
  try {
    const { task } = parse(body)
    return task.kind === 'group' ? undefined : task.connectionId
  } catch {
    // Delivering it says what is wrong with it.
    return undefined
  }
}

function parse(body: string): QueuedDelivery {
  const parsed: unknown = JSON.parse(body)
  if (isQueuedDelivery(parsed)) return parsed
  throw new InvalidEventError(
    `this is no queued delivery, but ${body.slice(0, 200)}: only this library writes to the delivery queue`,
  )
}

/** Whoever may write to the queue is this library; the kind tells its messages from a stray one. */
function isQueuedDelivery(value: unknown): value is QueuedDelivery {
  const task = isPlainObject(value) ? value['task'] : undefined
  return isPlainObject(task) && ['frames', 'event', 'group'].includes(String(task['kind']))
}

function describe(task: DeliveryTask): string {
  return task.kind === 'group'
    ? `a ${task.kind} send to "${task.group}"`
    : `${task.kind} for connection ${task.connectionId}`
}
