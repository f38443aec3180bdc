import type { Application, WebsocketScope } from '../application.ts'
import type { LambdaContext } from './deadline.ts'
import { Invocation } from './invocation.ts'
import { invoked } from './invoked.ts'
import { openConnection, type ProxyResult } from './open-connection.ts'
import type { Runtime } from './runtime.ts'
import { serveEvent } from './serve-event.ts'
import { parseWebsocketEvent } from './websocket-event.ts'

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
  return invoked(runtime, async (raw, context) => {
    const event = parseWebsocketEvent(raw)
    const invocation = new Invocation({ runtime, application, context, endpoint: runtime.endpointOf(event) })
    if (event.kind === 'connect') return openConnection(event, invocation, application)
    await serveEvent(event, invocation)
    return { statusCode: 200 }
  })
}
