import type { Application, HttpScope } from '../application.ts'
import { markHandlings } from '../broadcast.ts'
import type { ChannelLayer } from '../channel-layer.ts'
import { ProtocolError } from '../errors.ts'
import { bytesOf, messageBody } from '../http-message.ts'
import type { EventMap, Message } from '../message.ts'

/** What a view gets besides the request. Hono calls it `Bindings`, and has it at `c.env`. */
export interface FetchEnvironment<S extends HttpScope = HttpScope, Events = EventMap> {
  /** The request as middleware and routers saw it, with what they added: `user`, `session`, `urlRoute`. */
  readonly scope: S
  /** Sends to channels and groups: the layer "default". `scope.connection.channelLayer(alias)` has the others. */
  readonly channelLayer: ChannelLayer<Events>
}

/** A view, or many behind a router of their own: Hono's `app.fetch`, or a plain function. */
export type FetchFunction<S extends HttpScope = HttpScope> = (
  request: Request,
  env: FetchEnvironment<S>,
) => Response | Promise<Response>

// What a Request refuses to have: https://fetch.spec.whatwg.org/#forbidden-method
const FORBIDDEN_METHODS: ReadonlySet<string> = new Set(['CONNECT', 'TRACE', 'TRACK'])

// An application of fewer than three parameters looks like a view.
const NO_VIEW =
  'If it is an application of (scope, message, send) and no view of (request, env), wrapApplication(inner, application) makes it known as one'

/**
 * An application that answers each request with what `view` makes of it, so that middleware and `UrlRouter` can be put
 * around it. `ProtocolTypeRouter` takes `view` as it is.
 *
 * The response is read to its end before it goes out: Lambda returns it whole, so an endless one, such as server-sent
 * events, is refused. Body, status and headers arrive as they are, several `set-cookie` included.
 *
 * @example
 * ```ts
 * const app = new Hono<{ Bindings: FetchEnvironment }>()
 * app.post('/rooms/:room', async (c) => {
 *   await c.env.channelLayer.groupSend(`chat_${c.req.param('room')}`, { type: 'chat.message', message: await c.req.text() })
 *   return c.body(null, 204)
 * })
 * const application = fetchApplication(app.fetch)
 * ```
 */
export function fetchApplication<S extends HttpScope = HttpScope>(view: FetchFunction<S>): Application<S> {
  const application: Application<S> = async (scope, message, send) => {
    const response = await respond(view, scope, message)
    const { status, headers } = response
    const bytes = new Uint8Array(await response.arrayBuffer())
    await send({ type: 'http.response.start', status, headers: [...headers] })
    await send({ type: 'http.response.body', ...messageBody(bytes), moreBody: false })
  }
  // No event of a layer reaches a view.
  return markHandlings(application, [])
}

async function respond<S extends HttpScope>(
  view: FetchFunction<S>,
  scope: S,
  message: Message,
): Promise<Response> {
  if (FORBIDDEN_METHODS.has(scope.method)) return new Response(null, { status: 405 })
  const response: unknown = await view(requestOf(scope, message), {
    scope,
    get channelLayer() {
      return scope.connection.channelLayer('default')
    },
  })
  if (!(response instanceof Response)) {
    throw new ProtocolError(
      `the view returned ${describe(response)} for ${scope.method} ${scope.path}: return a Response${response === undefined ? `. ${NO_VIEW}` : ''}`,
    )
  }
  if (response.headers.get('content-type')?.startsWith('text/event-stream') === true) {
    await response.body?.cancel()
    throw new ProtocolError(
      `the view returned server-sent events for ${scope.method} ${scope.path}, and Lambda returns a response only when it is whole: use a WebSocket`,
    )
  }
  return response
}

function requestOf({ method, scheme, path, queryString, headers }: HttpScope, message: Message): Request {
  const url = `${scheme}://${headers['host']?.[0] ?? 'localhost'}${encodedPath(path)}${queryString === '' ? '' : `?${queryString}`}`
  const hasBody = method !== 'GET' && method !== 'HEAD'
  return new Request(url, { method, headers: headersOf(headers), body: hasBody ? bytesOf(message) : null })
}

/** A path that was decoded, as a URL has it. What was `%2F` is a slash now; all else is the same again. */
function encodedPath(path: string): string {
  return encodeURI(path.toWellFormed()).replaceAll('?', '%3F').replaceAll('#', '%23')
}

function headersOf(headers: HttpScope['headers']): Headers {
  const result = new Headers()
  for (const [name, values] of Object.entries(headers))
    for (const value of values) result.append(name, bytewise(value))
  return result
}

/** Headers are bytes to `fetch`; API Gateway has decoded them as UTF-8. */
function bytewise(value: string): string {
  return /[^\0-\xff]/.test(value) ? Buffer.from(value, 'utf8').toString('latin1') : value
}

function describe(value: unknown): string {
  if (typeof value !== 'object' || value === null) return value === undefined ? 'nothing' : typeof value
  return `an object of class ${value.constructor?.name ?? 'null'}`
}
