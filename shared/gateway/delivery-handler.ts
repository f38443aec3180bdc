import type { Application, WebsocketScope } from '../application.ts'
import { StoreError } from '../errors.ts'
import { BaseChannelLayer } from '../layers/base-channel-layer.ts'
import type { GroupPayload } from '../layers/delivery.ts'
import type { DeliveryTask, QueuedDelivery } from '../stores/delivery-queue.ts'
import type { LambdaContext } from './deadline.ts'
import { delaySecondsOf } from './deferred-tasks.ts'
import { Invocation } from './invocation.ts'
import { invoked } from './invoked.ts'
import { type BatchResult, batchResult, type QueueRecord, queueRecords } from './queue-event.ts'
import { readDelivery } from './read-delivery.ts'
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
 * What cannot be delivered yet goes back into the queue, later each time; so does a task for which the store failed, if
 * it may be well again. What was tried ten times, or cannot be read, or did not end in time is reported as failed, so that
 * the queue moves it to its dead letters.
 *
 * @throws {@link InvalidEventError} (the handler) for an event that is none of SQS
 */
export function createDeliveryHandler(
  application: Application<WebsocketScope>,
  runtime: Runtime,
): DeliveryHandler {
  return invoked(runtime, async (event, context) => {
    const surroundings = { application, runtime, context }
    const lines = Object.values(
      Object.groupBy(
        queueRecords(event, 'the delivery queue'),
        ({ messageId, body }) => connectionIn(body) ?? messageId,
      ),
    )
    const failures = await Promise.all(lines.map((line = []) => deliverInOrder(line, surroundings)))
    return batchResult(failures.flat())
  })
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
      behind = await deliver(readDelivery(body), surroundings, behind)
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
  delivery: QueuedDelivery,
  surroundings: Surroundings,
  behind: number | undefined,
): Promise<number | undefined> {
  const { task, attempt } = delivery
  if (attempt > MAX_ATTEMPTS) throw new Error(`tried ${MAX_ATTEMPTS} times: ${describe(task)}`)
  const invocation = invocationFor(delivery, surroundings)
  const delaySeconds = Math.max(delaySecondsOf(attempt), behind ?? 0)
  if (behind !== undefined) {
    await invocation.enqueue([task], { delaySeconds })
    return delaySeconds
  }
  const isBack = await performOrPutBack(delivery, invocation)
  const isWaiting =
    task.kind !== 'group' && invocation.outbox(task.connectionId, task.connectedAt).isDeferring
  return isBack || isWaiting ? delaySeconds : undefined
}

function invocationFor(
  { task, endpoint, attempt, isInOrder }: QueuedDelivery,
  surroundings: Surroundings,
): Invocation {
  // What is left of a group's members was never tried, however often their range was.
  if (task.kind === 'group') return new Invocation({ ...surroundings, endpoint, attempt: 0 })
  const inOrder = isInOrder === true ? task.connectionId : undefined
  return new Invocation({ ...surroundings, endpoint, attempt, inOrder })
}

/** Whether the task went back into the queue, because the store failed and may be well again. */
async function performOrPutBack(delivery: QueuedDelivery, invocation: Invocation): Promise<boolean> {
  const { task, attempt } = delivery
  try {
    await perform(delivery, invocation)
    return false
  } catch (error) {
    if (!(error instanceof StoreError && error.retryable)) throw error
    const { logger } = invocation.runtime
    logger.warn('a queued delivery goes back into the queue', { task: describe(task), attempt, error })
    const delaySeconds = delaySecondsOf(attempt)
    await invocation.enqueue([task], { delaySeconds, attempt: attempt + 1 })
    return true
  } finally {
    // Even after a failure: what was sent by then has to go somewhere.
    await invocation.finish()
  }
}

async function perform({ task, attempt }: QueuedDelivery, invocation: Invocation): Promise<void> {
  if (task.kind === 'group') return fanOut(task, attempt, invocation)
  if (task.kind === 'event') {
    if (await untilOpen(task, invocation)) await invocation.event(task.connectionId, task.event, true)
    return
  }
  const performed = task.kind === 'end' ? endWhenDue(task, invocation) : sendFrames(task, invocation)
  await invocation.withinGrace(performed, () => {
    throw new Error(`${describe(task)} did not end in time: a clean-up hangs, or disconnect() does`)
  })
}

async function fanOut(task: GroupTask, attempt: number, invocation: Invocation): Promise<void> {
  const { group, layer = DEFAULT_LAYER, exclude, after, upTo, sentAt } = task
  const [store, delivery] = [invocation.storeOf(layer), invocation.deliveryOf(layer, attempt)]
  await new BaseChannelLayer({ store, delivery, surroundings: invocation.runtime }).fanOut(
    group,
    payloadOf(task),
    {
      exclude,
      ...(after === undefined ? {} : { after }),
      ...(upTo === undefined ? {} : { upTo }),
      ...(sentAt === undefined ? {} : { sentAt }),
    },
  )
}

async function sendFrames(task: FramesTask, invocation: Invocation): Promise<void> {
  if (!(await untilOpen(task, invocation))) return
  const outbox = invocation.outbox(task.connectionId, task.connectedAt)
  for (const frame of task.frames) invocation.count(await outbox.send(frame))
  if (task.close === true) await outbox.close()
}

type GroupTask = Extract<DeliveryTask, { readonly kind: 'group' }>
type FramesTask = Extract<DeliveryTask, { readonly kind: 'frames' }>

/** An event that was rendered has its frame with it. */
function payloadOf({ event, frame, close }: GroupTask): GroupPayload {
  if (close !== undefined) return { close }
  if (event === undefined) return { frame: frame ?? '' }
  return frame === undefined ? { event } : { event, frame }
}

/** The connection that a message is for, if it can be read and is for one. */
function connectionIn(body: string): string | undefined {
  try {
    const { task } = readDelivery(body)
    return task.kind === 'group' ? undefined : task.connectionId
  } catch {
    // Delivering it says what is wrong with it.
    return undefined
  }
}

function describe(task: DeliveryTask): string {
  return task.kind === 'group'
    ? `a ${task.kind} send to "${task.group}"`
    : `${task.kind} for connection ${task.connectionId}`
}
