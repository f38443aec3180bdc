import type { Application, WebsocketScope } from '../application.ts'
import { InvalidEventError } from '../errors.ts'
import { readSerialBody } from '../serial-body.ts'
import { Deadline, type LambdaContext } from './deadline.ts'
import { Invocation } from './invocation.ts'
import { invoked } from './invoked.ts'
import { type BatchResult, batchResult, type QueueRecord, queueRecords } from './queue-event.ts'
import type { Runtime } from './runtime.ts'
import { type LaterEvent, serveEvent } from './serve-event.ts'
import { parseWebsocketEvent } from './websocket-event.ts'

/** A Lambda handler for the FIFO queue of `ordering: 'serial'`. */
export type SerialHandler = (event: unknown, context?: LambdaContext) => Promise<BatchResult>

/**
 * Makes the Lambda handler of the FIFO queue that API Gateway puts frames and `$disconnect` into: those of one connection
 * are served one after the other, in the order of the queue; different connections at the same time.
 * `ReportBatchItemFailures` must be on. `$connect` goes to {@link createWebsocketHandler}, because it has to answer.
 *
 * Each event is served as the other handler would serve it, failures of the consumer included. An event for which there was
 * no time is reported as failed with all that are behind it, so that the queue hands them out again in their order. One
 * that cannot be read is reported alone, and becomes a dead letter in the end. An event whose handler does not end in time
 * is not served again. If the whole invocation dies, its batch comes again: events may be served twice, but never out of order.
 *
 * @example
 * ```ts
 * export const handler = createSerialHandler(application, runtime)
 * ```
 *
 * @throws {@link InvalidEventError} (the handler) for an event that is none of SQS
 */
export function createSerialHandler(
  application: Application<WebsocketScope>,
  runtime: Runtime,
): SerialHandler {
  return invoked(runtime, async (event, context) => {
    const batch = new SerialBatch({ application, runtime, context })
    const entries = queueRecords(event, 'the serial queue').map((record) => batch.read(record))
    const lines = Map.groupBy(entries, ({ line }) => line)
    const failed = await Promise.all([...lines.values()].map((line) => batch.serve(line)))
    return batchResult(failed.flat())
  })
}

/** A message of the queue; without an event if it could not be read. */
interface Entry {
  readonly messageId: string
  /** What it keeps its order within: its connection. */
  readonly line: string
  readonly event: LaterEvent | undefined
}

interface Surroundings {
  readonly application: Application<WebsocketScope>
  readonly runtime: Runtime
  readonly context: LambdaContext | undefined
}

/** The messages that one invocation was given. */
class SerialBatch {
  readonly #surroundings: Surroundings
  readonly #deadline: Deadline

  constructor(surroundings: Surroundings) {
    this.#surroundings = surroundings
    this.#deadline = new Deadline(surroundings.context)
  }

  read(record: QueueRecord): Entry {
    const { messageId, groupId } = record
    const event = this.#read(record)
    // Emulators leave the group out.
    return { messageId, line: groupId ?? event?.connectionId ?? messageId, event }
  }

  /** Serves the messages of one connection, and resolves to the ids of those that are to be handed out again. Never rejects. */
  async serve(line: readonly Entry[]): Promise<readonly string[]> {
    const failed: string[] = []
    for (const [index, { messageId, event }] of line.entries()) {
      if (event === undefined) {
        // What is behind it is served: it would be received as often as this one, and end among the dead letters with it.
        failed.push(messageId)
      } else if (this.#deadline.isOver) {
        return [...failed, ...this.#leave(line.slice(index), event)]
      } else {
        await this.#serve(event)
      }
    }
    return failed
  }

  async #serve(event: LaterEvent): Promise<void> {
    const { runtime } = this.#surroundings
    const invocation = new Invocation({ ...this.#surroundings, endpoint: runtime.endpointOf(event) })
    await serveEvent(event, invocation, (handled) =>
      invocation.withinGrace(handled, () => this.#overrun(event)),
    )
  }

  #read({ messageId, body, groupId, receiveCount }: QueueRecord): LaterEvent | undefined {
    const { logger, metrics } = this.#surroundings.runtime
    try {
      return laterEvent(body)
    } catch (error) {
      metrics.count('serialUnreadable', 1)
      logger.error('a message of the serial queue could not be read', {
        channelName: groupId,
        messageId,
        receiveCount,
        error,
      })
      return undefined
    }
  }

  #leave(line: readonly Entry[], { connectionId }: LaterEvent): readonly string[] {
    const { logger, metrics } = this.#surroundings.runtime
    metrics.count('serialNotStarted', line.length)
    logger.warn(
      'there was no time for the next events of a connection: the queue hands them out again; give the function more time, or its queue smaller batches',
      { channelName: connectionId, count: line.length },
    )
    return line.map(({ messageId }) => messageId)
  }

  #overrun({ connectionId, kind }: LaterEvent): void {
    const { logger, metrics } = this.#surroundings.runtime
    metrics.count('serialUnfinished', 1)
    logger.error(
      `an event of kind "${kind}" was still being handled when the time was up, and is left alone: give the function more time, or do less in one event`,
      { channelName: connectionId },
    )
  }
}

/** @throws {@link InvalidEventError} for what is no frame and no `$disconnect` */
function laterEvent(body: string): LaterEvent {
  const event = parseWebsocketEvent(readSerialBody(body))
  if (event.kind !== 'connect') return event
  throw new InvalidEventError(
    'a $connect came through the serial queue, which cannot answer it: route only $default and $disconnect to the queue, and $connect to the function of createWebsocketHandler',
  )
}
