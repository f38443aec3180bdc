import { STATUS_CODES } from 'node:http'
import type { Application, HttpScope, WebsocketScope } from '../application.ts'
import { RouteNotFoundError } from '../errors.ts'
import type { Message } from '../message.ts'
import { DenyConnection, StopConsumer } from '../signals.ts'
import type { LambdaContext } from './deadline.ts'
import { hasDotSegment, type HttpEvent, httpScope, parseHttpEvent } from './http-event.ts'
import { HttpReply, type HttpResult } from './http-reply.ts'
import { Invocation } from './invocation.ts'
import { invoked } from './invoked.ts'
import { isRefusal } from './protocol.ts'
import { reportFailure } from './report-failure.ts'
import type { Runtime } from './runtime.ts'
import type { ServerContext } from './server-context.ts'

/** A Lambda handler for an HTTP API. */
export type HttpHandler = (event: unknown, context?: LambdaContext) => Promise<HttpResult>

/**
 * Makes the Lambda handler that serves the requests of an HTTP API with `application`: the whole one, for a view that
 * sends to a group runs its members' consumers.
 *
 * It answers when everything that the view has begun is done. A path that no route matches is a 404, and so is any where
 * the application has no `http` side; {@link DenyConnection} is its status; any other exception, and a response that is
 * missing, incomplete or too large for Lambda, is a 500 that tells the client nothing, and the log all. A request with a
 * `Host` that is none, or a path with a segment `.` or `..`, is a 400 that no application sees.
 *
 * @example
 * ```ts
 * export const handler = createHttpHandler(application, runtime)
 * ```
 *
 * @throws {@link ConfigurationError} if the runtime has no `endpoint`: a request does not tell where the WebSocket API is
 * @throws {@link InvalidEventError} (the handler) for an event that is none of an HTTP API with payload format 2.0
 */
export function createHttpHandler(
  application: Application<HttpScope | WebsocketScope>,
  runtime: Runtime,
): HttpHandler {
  const endpoint = runtime.requireEndpoint({ handler: 'an HTTP handler', event: 'an HTTP request' })
  return invoked(runtime, async (raw, lambda) => {
    const event = parseHttpEvent(raw)
    const request = `${event.method} ${event.path}`
    const mistake = mistakeIn(event)
    if (mistake !== undefined) {
      runtime.logger.info(`request answered with 400: ${mistake}`, { request })
      runtime.metrics.count('badRequest', 1)
      return plain(400)
    }
    const message: Message = {
      type: 'http.request',
      body: event.body,
      isBase64Encoded: event.isBase64Encoded,
    }
    const invocation = new Invocation({ runtime, application, context: lambda, endpoint })
    const context = invocation.contextOf(message, { request })
    const result = await answer(event, context, { application, invocation })
    try {
      // Even after a failure: what was sent by then has to go somewhere.
      await invocation.finish()
    } catch (error) {
      await reportFailure(runtime, error, { context, isLate: true })
      return plain(500)
    }
    return context.hasFailedLate ? plain(500) : result
  })
}

async function answer(
  event: HttpEvent,
  context: ServerContext,
  {
    application,
    invocation,
  }: { readonly application: Application<HttpScope>; readonly invocation: Invocation },
): Promise<HttpResult> {
  const { runtime } = invocation
  const reply = new HttpReply(event.method)
  try {
    await untilStopped(
      application(httpScope(event, context), context.message, async (sent) => reply.take(sent)),
    )
    // What nobody has awaited may be a part of the response.
    await invocation.settle()
    return reply.result()
  } catch (error) {
    if (error instanceof RouteNotFoundError) {
      runtime.logger.info('request answered with 404', { ...context.place })
      return plain(404)
    }
    if (error instanceof DenyConnection && isRefusal(error.status)) return plain(error.status)
    await reportFailure(runtime, error, { context })
    return plain(500)
  }
}

/** A consumer that stops is done: what it has sent is the response. */
async function untilStopped(handled: Promise<void>): Promise<void> {
  try {
    await handled
  } catch (error) {
    if (!(error instanceof StopConsumer)) throw error
  }
}

/** An answer of the server itself: the status and its name. */
function plain(statusCode: number): HttpResult {
  return {
    statusCode,
    headers: { 'content-type': 'text/plain; charset=utf-8' },
    body: `${STATUS_CODES[statusCode] ?? 'Refused'}\n`,
    isBase64Encoded: false,
  }
}

/** Why no request can be made of the event that is the same to routers, middleware and views. */
function mistakeIn({ headers, path }: HttpEvent): string | undefined {
  if (!isHost(headers['host']?.[0])) return 'the header Host names no host'
  if (hasDotSegment(path)) return 'a segment of the path is "." or ".."'
  return undefined
}

/** Whether a URL can be made with it. What comes through API Gateway has the name of the API or of its domain. */
function isHost(host: string | undefined): boolean {
  if (host === undefined || !/^(?:[a-z0-9._-]+|\[[0-9a-f:.]+\])(?::\d{1,5})?$/i.test(host)) return false
  return URL.canParse(`https://${host}/`)
}
