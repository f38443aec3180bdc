import { readFile } from 'node:fs/promises'
import { type Context, Hono } from 'hono'
import { HTTPException } from 'hono/http-exception'
import { type FetchEnvironment, groupName, type HttpScope } from '../../shared/index.ts'
import type { ChatEvents } from './consumers.ts'
import { ANNOUNCEMENTS, type AnnouncementEvents } from './workers.ts'

/** How the pages find the chat's sockets. */
export interface ViewOptions {
  /**
   * The socket address where it is not on the pages' own origin, as on API Gateway without CloudFront in
   * front: `wss://….execute-api.….amazonaws.com/prod`. The room's path travels in its query.
   */
  readonly websocketUrl?: string
}

/** What `c.env` has in a view. */
interface Environment {
  Bindings: FetchEnvironment<HttpScope, ChatEvents & AnnouncementEvents>
}

/** What SQS can keep back. */
const LONGEST_DELAY_SECONDS = 900

const PAGES = new URL('./pages/', import.meta.url)

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  css: 'text/css; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  svg: 'image/svg+xml',
}

// A closed list, so that no path can reach another file.
const STATIC_FILES: ReadonlySet<string> = new Set([
  'chat.css',
  'chat.js',
  'favicon.svg',
  'index.js',
  'reconnecting-socket.js',
])

/**
 * The tutorial's pages: `GET /` asks for a room, `GET /chat/<room>/` is the room, `/static/…` is what they need.
 * `POST /chat/<room>/` says `{"message": "hello"}` in the room; with `"delaySeconds": 60` a worker says it later.
 *
 * Any room name that is a legal path segment gets the page; whether there is such a room is for the socket's
 * handshake to say. Without the final slash the answer is 301, as in Django. Anything else is 404, and a method
 * that a path does not have is 405.
 *
 * All links are relative, so the chat works below a prefix that is taken off before a view sees the path.
 */
export const views: Hono<Environment> = createViews()

/** {@link views}, for sockets on another origin. */
export function createViews(options: ViewOptions = {}): Hono<Environment> {
  const app = new Hono<Environment>()
  const headers = securityHeaders(options)
  app.use(async (c, next) => {
    await next()
    for (const [name, value] of Object.entries(headers)) c.header(name, value)
  })

  const page = async (c: Context<Environment>, file: string): Promise<Response> =>
    c.body(withWebsocketUrl(await textOf(file), options), 200, { 'content-type': contentType(file) })

  app.get('/', (c) => page(c, 'index.html'))
  app.all('/', (c) => notAllowed(c, 'GET, HEAD'))
  app.get('/static/:file', async (c) => {
    const file = c.req.param('file')
    return STATIC_FILES.has(file) ? page(c, file) : notFound(c)
  })

  app.all('/chat/:room', async (c) => {
    const { pathname, search } = new URL(c.req.url)
    // Relative too. The dot is for a room such as "a:b", which would be taken for a scheme.
    const room = pathname.slice(pathname.lastIndexOf('/') + 1)
    return isDecodable(pathname) ? c.redirect(`./${room}/${search}`, 301) : notFound(c)
  })
  app.get('/chat/:room/', (c) =>
    isDecodable(new URL(c.req.url).pathname) ? page(c, 'room.html') : notFound(c),
  )
  app.post('/chat/:room/', async (c) => {
    const said = await saidIn(c.req.raw)
    if (said === undefined) {
      return c.text(
        'send {"message": "hello"} as application/json, with "delaySeconds": 0 to 900 for later\n',
        400,
      )
    }
    const { message, delaySeconds } = said
    const room = c.req.param('room')
    if (delaySeconds !== undefined) {
      const job = { type: 'announcement.make', room, message } as const
      await c.env.channelLayer.send(ANNOUNCEMENTS, job, { delaySeconds })
      return c.json({ delaySeconds }, 202)
    }
    return c.json(
      await c.env.channelLayer.groupSend(groupName('chat', room), { type: 'chat.message', message }),
    )
  })
  app.all('/chat/:room/', (c) => notAllowed(c, 'GET, HEAD, POST'))

  app.notFound(notFound)
  // Hono would answer itself, and neither the log nor the runtime's onError would hear of it.
  app.onError((error) => {
    if (error instanceof HTTPException) return error.getResponse()
    throw error
  })
  return app
}

async function notFound(c: Context<Environment>): Promise<Response> {
  const file = 'not-found.html'
  const depth = c.req.path.split('/').length - 2
  const text = (await textOf(file)).replaceAll('"./', `"./${'../'.repeat(depth)}`)
  return c.body(text, 404, { 'content-type': contentType(file) })
}

function textOf(file: string): Promise<string> {
  return readFile(new URL(file, PAGES), 'utf8')
}

function notAllowed(c: Context<Environment>, allow: string): Response {
  return c.text(`${c.req.method} is not allowed here: use ${allow}\n`, 405, { allow })
}

/** What a request wants to have said. */
interface Said {
  readonly message: string
  readonly delaySeconds?: number
}

/**
 * What is in a request's body. Only JSON that says so: a page of another origin can make a browser post a form, and has to
 * ask before it posts JSON.
 */
async function saidIn(request: Request): Promise<Said | undefined> {
  if (!request.headers.get('content-type')?.startsWith('application/json')) return undefined
  const content: unknown = await request.json().catch(() => undefined)
  return isSaid(content) ? content : undefined
}

function isSaid(content: unknown): content is Said {
  if (typeof content !== 'object' || content === null) return false
  if (!('message' in content) || typeof content.message !== 'string') return false
  if (!('delaySeconds' in content)) return true
  const { delaySeconds } = content
  return (
    typeof delaySeconds === 'number' &&
    Number.isInteger(delaySeconds) &&
    delaySeconds >= 0 &&
    delaySeconds <= LONGEST_DELAY_SECONDS
  )
}

function isDecodable(path: string): boolean {
  try {
    decodeURIComponent(path)
    return true
  } catch {
    // `%zz` or bytes that are not UTF-8: no room can have such a name.
    return false
  }
}

function withWebsocketUrl(body: string, { websocketUrl }: ViewOptions): string {
  if (websocketUrl === undefined) return body
  const content = websocketUrl.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;')
  return body.replace('<!-- websocket-url -->', () => `<meta name="websocket-url" content="${content}" />`)
}

function securityHeaders({ websocketUrl }: ViewOptions): Readonly<Record<string, string>> {
  const sockets = websocketUrl === undefined ? "'self'" : `'self' ${new URL(websocketUrl).origin}`
  return {
    'cache-control': 'no-cache',
    'content-security-policy':
      `default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src ${sockets}; ` +
      "base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    'referrer-policy': 'same-origin',
    'x-content-type-options': 'nosniff',
  }
}

function contentType(file: string): string {
  return CONTENT_TYPES[file.slice(file.lastIndexOf('.') + 1)] ?? 'application/octet-stream'
}
