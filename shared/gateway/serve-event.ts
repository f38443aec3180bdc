import { takeRecord } from './clean-up.ts'
import type { Invocation } from './invocation.ts'
import type { WebsocketEvent } from './websocket-event.ts'

/** An event of a connection that was accepted: a frame, or its end. */
export type LaterEvent = Exclude<WebsocketEvent, { readonly kind: 'connect' }>

/**
 * Serves a frame or a `$disconnect`, and resolves when all is posted, put into the delivery queue, or logged and counted as
 * failed. Never rejects, whatever the consumer does.
 *
 * @param within - resolves as what the consumer does, or sooner; what it has sent by then still goes somewhere
 */
export async function serveEvent(
  event: LaterEvent,
  invocation: Invocation,
  within: (handled: Promise<void>) => Promise<void> = (handled) => handled,
): Promise<void> {
  const steps = [
    () => within(event.kind === 'message' ? receive(event, invocation) : disconnected(event, invocation)),
    // Even after a failure: what was sent by then has to go somewhere.
    () => invocation.finish(),
  ]
  for (const step of steps) {
    try {
      await step()
    } catch (error) {
      reportEventFailure(event, invocation, error)
    }
  }
}

/** A failure of the server half, such as a store that is down: it proves nothing about the client, so nothing is closed. */
function reportEventFailure(event: LaterEvent, { runtime }: Invocation, error: unknown): void {
  runtime.metrics.count('eventFailed', 1)
  runtime.logger.error(`an event of kind "${event.kind}" could not be handled`, {
    channelName: event.connectionId,
    error,
  })
}

async function receive(
  event: LaterEvent & { readonly kind: 'message' },
  invocation: Invocation,
): Promise<void> {
  invocation.count('received')
  const outcome = await invocation.handle(event.connectionId, { type: 'websocket.receive', text: event.text })
  if (outcome !== undefined) return
  invocation.count('messageWithoutRecord')
  invocation.runtime.logger.info(
    'no handler runs: the connection has no record, its $disconnect came first',
    {
      channelName: event.connectionId,
    },
  )
  // A client that still sends although its record is long gone was to be closed, and that failed.
  if (!invocation.isYoung(event.connectedAt))
    await invocation.outbox(event.connectionId, event.connectedAt).close()
}

async function disconnected(
  event: LaterEvent & { readonly kind: 'disconnect' },
  invocation: Invocation,
): Promise<void> {
  const record = await takeRecord(invocation.runtime, event.connectionId)
  if (record) await invocation.disconnect(record, event)
  else
    invocation.runtime.logger.debug('$disconnect of a connection without a record', {
      channelName: event.connectionId,
    })
}
