import type { Application, WebsocketScope } from '../application.ts'
import type { LambdaContext } from './deadline.ts'
import { takeRecord } from './clean-up.ts'
import { Invocation } from './invocation.ts'
import { openConnection, type ProxyResult } from './open-connection.ts'
import type { Runtime } from './runtime.ts'
import { parseWebsocketEvent, type WebsocketEvent } from './websocket-event.ts'

/** A Lambda handler for the routes of a WebSocket API. */
export type WebsocketHandler = (event: unknown, context?: LambdaContext) => Promise<ProxyResult>

/**
 * Makes the Lambda handler that serves `$connect`, `$default` and `$disconnect` with `application`.
 *
 * It answers 200 to every message, whatever the consumer does: API Gateway would send the client a frame of
 * its own otherwise. `$connect` answers as the consumer decides, 404 for a path that no route matches and 500
 * for an exception.
 *
 * @example
 * ```ts
 * export const handler = createWebsocketHandler(application, runtime)
 * ```
 *
 * @throws {@link InvalidEventError} (the handler) for an event that is none of a WebSocket API
 */
export function createWebsocketHandler(
  application: Application<WebsocketScope>,
  runtime: Runtime,
): WebsocketHandler {
  return async (raw, context) => {
    const event = parseWebsocketEvent(raw)
    const invocation = new Invocation({ runtime, application, context, endpoint: runtime.endpointOf(event) })
    if (event.kind === 'connect') return openConnection(event, invocation, application)
    const steps = [
      () => (event.kind === 'message' ? receive(event, invocation) : disconnected(event, invocation)),
      // Even after a failure: what was sent by then has to go somewhere.
      () => invocation.finish(),
    ]
    for (const step of steps) {
      try {
        await step()
      } catch (error) {
        reportEventFailure(runtime, event, error)
      }
    }
    return { statusCode: 200 }
  }
}

/** A failure of the server half, such as a store that is down: it proves nothing about the client, so nothing is closed. */
function reportEventFailure(runtime: Runtime, event: WebsocketEvent, error: unknown): void {
  runtime.metrics.count('eventFailed', 1)
  runtime.logger.error(`an event of kind "${event.kind}" could not be handled`, {
    channelName: event.connectionId,
    error,
  })
}

async function receive(
  event: WebsocketEvent & { readonly kind: 'message' },
  invocation: Invocation,
): Promise<void> {
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
  event: WebsocketEvent & { readonly kind: 'disconnect' },
  invocation: Invocation,
): Promise<void> {
  const record = await takeRecord(invocation.runtime, event.connectionId)
  if (record) await invocation.disconnect(record, event)
  else
    invocation.runtime.logger.debug('$disconnect of a connection without a record', {
      channelName: event.connectionId,
    })
}
