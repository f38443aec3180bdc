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
 * Each event is served as the other handler would serve it, failures of the consumer included. But a 410 that a connection's
 * own event meets does not end it: its `$disconnect` is in the queue too, behind its frames.
 *
 * An event for which there was no time is reported as failed with all that are behind it, so that the queue hands them out
 * again in their order. One that cannot be read, or comes from an address that is none, is reported alone, and becomes a dead
 * letter in the end. An event whose handler does not end in time is not served again; so none begins when less time is left
 * than the longest one of this invocation took. If the whole invocation dies, its batch comes again: events may be served
 * twice, but never out of order.
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

/** From this hand-out on, what still was not begun is on its way to the dead letters. */
const LATE_RECEIVE = 4

/** A message of the queue; without an event if it could not be read. */
interface Entry {
  readonly messageId: string
  readonly receiveCount: number
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
  /** What the longest event so far took. */
  #longestMs = 0

  constructor(surroundings: Surroundings) {
    this.#surroundings = surroundings
    this.#deadline = new Deadline(surroundings.context)
  }

  read(record: QueueRecord): Entry {
    const { messageId, groupId, receiveCount } = record
    const event = this.#read(record)
    // Emulators leave the group out.
    return { messageId, receiveCount, line: groupId ?? event?.connectionId ?? messageId, event }
  }

  /** Serves the messages of one connection, and resolves to the ids of those that are to be handed out again. Never rejects. */
  async serve(line: readonly Entry[]): Promise<readonly string[]> {
    const failed: string[] = []
    for (const [index, { messageId, event }] of line.entries()) {
      if (event === undefined) {
        // What is behind it is served: it would be received as often as this one, and end among the dead letters with it.
        failed.push(messageId)
      } else if (this.#deadline.isOver || this.#deadline.leftMs < this.#longestMs) {
        return [...failed, ...this.#leave(line.slice(index), event)]
      } else {
        await this.#timed(() => this.#serve(event))
      }
    }
    return failed
  }

  async #timed(work: () => Promise<void>): Promise<void> {
    const before = this.#deadline.leftMs
    await work()
    const tookMs = before - this.#deadline.leftMs
    // Without an end of the time it is no number, and longer than nothing.
    if (tookMs > this.#longestMs) this.#longestMs = tookMs
  }

  async #serve(event: LaterEvent): Promise<void> {
    const endpoint = this.#surroundings.runtime.endpointOf(event)
    const invocation = new Invocation({ ...this.#surroundings, endpoint, inOrder: event.connectionId })
    await serveEvent(event, invocation, (handled) =>
      invocation.withinGrace(handled, () => this.#overrun(event)),
    )
  }

  #read({ messageId, body, groupId, receiveCount }: QueueRecord): LaterEvent | undefined {
    const { runtime } = this.#surroundings
    const { logger, metrics } = runtime
    try {
      const event = laterEvent(body)
      // An address that is none is found out here, where it costs this message alone; the poster is kept.
      runtime.poster(runtime.endpointOf(event))
      return event
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
    const receiveCount = Math.max(...line.map((entry) => entry.receiveCount))
    logger[receiveCount < LATE_RECEIVE ? 'warn' : 'error'](
      'there was no time for the next events of a connection: the queue hands them out again, which counts as a try each time; give the function more time, or its queue smaller batches',
      { channelName: connectionId, count: line.length, receiveCount },
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
