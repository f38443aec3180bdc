import type { Application, WebsocketScope } from '../application.ts'
import { InvalidEventError } from '../errors.ts'
import { BaseChannelLayer } from '../layers/base-channel-layer.ts'
import type { GroupPayload } from '../layers/delivery.ts'
import { isPlainObject } from '../message.ts'
import type { DeliveryTask, QueuedDelivery } from '../stores/delivery-queue.ts'
import type { LambdaContext } from './deadline.ts'
import { delaySecondsOf } from './deferred-tasks.ts'
import { Invocation } from './invocation.ts'
import { type BatchResult, batchResult, type QueueRecord, queueRecords } from './queue-event.ts'
import { DEFAULT_LAYER, type Runtime } from './runtime.ts'
import { endWhenDue } from './connection-end.ts'
import { untilOpen } from './until-open.ts'

/** Times that one task is put back into the queue before it is given up: about 20 minutes of waiting. */
const MAX_ATTEMPTS = 10

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
      Object.groupBy(
        queueRecords(event, 'the delivery queue'),
        ({ messageId, body }) => connectionIn(body) ?? messageId,
      ),
    )
    const failures = await Promise.all(lines.map((line = []) => deliverInOrder(line, surroundings)))
    return batchResult(failures.flat())
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
    const { group, layer = DEFAULT_LAYER, exclude, after, upTo } = task
    await layerOf(layer, invocation).fanOut(group, payloadOf(task), {
      exclude,
      ...(after === undefined ? {} : { after }),
      ...(upTo === undefined ? {} : { upTo }),
    })
    return
  }
  if (task.kind === 'end') return endWhenDue(task, invocation)
  if (!(await untilOpen(task, invocation))) return
  if (task.kind === 'event') {
    await invocation.event(task.connectionId, task.event, true)
    return
  }
  const outbox = invocation.outbox(task.connectionId, task.connectedAt)
  for (const frame of task.frames) invocation.count(await outbox.send(frame))
  if (task.close === true) await outbox.close()
}

function layerOf(alias: string, invocation: Invocation): BaseChannelLayer {
  const [store, delivery] = [invocation.storeOf(alias), invocation.deliveryOf(alias)]
  return new BaseChannelLayer({ store, delivery, surroundings: invocation.runtime })
}

type GroupTask = Extract<DeliveryTask, { readonly kind: 'group' }>

/** An event that was rendered has its frame with it. */
function payloadOf({ event, frame, close }: GroupTask): GroupPayload {
  if (close !== undefined) return { close }
  if (event === undefined) return { frame: frame ?? '' }
  return frame === undefined ? { event } : { event, frame }
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
  return isPlainObject(task) && ['frames', 'event', 'group', 'end'].includes(String(task['kind']))
}

function describe(task: DeliveryTask): string {
  return task.kind === 'group'
    ? `a ${task.kind} send to "${task.group}"`
    : `${task.kind} for connection ${task.connectionId}`
}
