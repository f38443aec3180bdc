import type { Application, WebsocketScope } from '../application.ts'
import { InvalidEventError } from '../errors.ts'
import { isPlainObject } from '../message.ts'
import type { DeliveryTask, QueuedDelivery } from '../stores/delivery-queue.ts'
import { Invocation, type LambdaContext } from './invocation.ts'
import type { Runtime } from './runtime.ts'

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
export function createDeliveryHandler(application: Application<WebsocketScope>, runtime: Runtime): DeliveryHandler {
  return async (event, context) => {
    const failures = await Promise.all(
      recordsOf(event).map(async ({ messageId, body }) => {
        try {
          await deliver(parse(body), { application, runtime, context })
          return []
        } catch (error) {
          runtime.logger.error('a queued delivery failed', { messageId, error })
          runtime.metrics.count('queuedDeliveryFailed', 1)
          return [{ itemIdentifier: messageId }]
        }
      }),
    )
    return { batchItemFailures: failures.flat() }
  }
}

interface Surroundings {
  readonly application: Application<WebsocketScope>
  readonly runtime: Runtime
  readonly context: LambdaContext | undefined
}

async function deliver({ task, endpoint, attempt }: QueuedDelivery, { application, runtime, context }: Surroundings): Promise<void> {
  if (attempt > MAX_ATTEMPTS) throw new Error(`tried ${MAX_ATTEMPTS} times: ${describe(task)}`)
  const invocation = new Invocation({ runtime, application, endpoint, context, attempt })
  await perform(task, invocation)
  await invocation.finish()
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
  if (!(await invocation.untilOpen(task))) return
  if (task.kind === 'event') {
    await invocation.event(task.connectionId, task.event)
    return
  }
  const outbox = invocation.outbox(task.connectionId, task.connectedAt)
  for (const frame of task.frames) invocation.count(await outbox.send(frame))
  if (task.close === true) await outbox.close()
}

function recordsOf(event: unknown): { readonly messageId: string; readonly body: string }[] {
  const records = isPlainObject(event) ? event['Records'] : undefined
  if (!Array.isArray(records)) {
    const seen = isPlainObject(event) ? `an object with the keys ${Object.keys(event).join(', ') || '(none)'}` : typeof event
    throw new InvalidEventError(`this is no event of an SQS queue, but ${seen}: connect the delivery queue to this function`)
  }
  return records.map((record: unknown) => {
    const { messageId, body } = isPlainObject(record) ? record : {}
    return { messageId: String(messageId), body: typeof body === 'string' ? body : '' }
  })
}

function parse(body: string): QueuedDelivery {
  const parsed: unknown = JSON.parse(body)
  const task = isPlainObject(parsed) ? parsed['task'] : undefined
  const kind = isPlainObject(task) ? task['kind'] : undefined
  if (kind === 'frames' || kind === 'event' || kind === 'group') return parsed as unknown as QueuedDelivery
  throw new InvalidEventError(`this is no queued delivery: its task is of kind ${String(kind)}. Only this library writes to the delivery queue`)
}

function describe(task: DeliveryTask): string {
  return task.kind === 'group' ? `a ${task.kind} send to "${task.group}"` : `${task.kind} for connection ${task.connectionId}`
}
