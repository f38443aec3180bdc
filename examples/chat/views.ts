import { readFile } from 'node:fs/promises'

/** Answers one HTTP request, as `fetch` would. */
export type Views = (request: Request) => Promise<Response>

/** How the pages find the chat's sockets. */
export interface ViewOptions {
  /**
   * The socket address where it is not on the pages' own origin, as on API Gateway without CloudFront in
   * front: `wss://….execute-api.….amazonaws.com/prod`. The room's path travels in its query.
   */
  readonly websocketUrl?: string
}

interface Page {
  readonly file: string
  readonly status: number
}

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
 *
 * Any room name that is a legal path segment gets the page; whether there is such a room is for the socket's
 * handshake to say. Without the final slash the answer is 301, as in Django. Anything else is 404, and a method
 * other than GET and HEAD is 405.
 */
export const views: Views = createViews()

/** {@link views}, for sockets on another origin. */
export function createViews(options: ViewOptions = {}): Views {
  const headers = securityHeaders(options)

  return async function answer(request: Request): Promise<Response> {
    const { pathname, search } = new URL(request.url)
    if (isRoomPath(`${pathname}/`)) return respond(301, '', { ...headers, location: `${pathname}/${search}` })
    const page = pageAt(pathname)
    if (page.status === 200 && request.method !== 'GET' && request.method !== 'HEAD') {
      return respond(405, `${request.method} is not allowed here: use GET\n`, {
        ...headers,
        allow: 'GET, HEAD',
      })
    }
    const body = withWebsocketUrl(await readFile(new URL(page.file, PAGES), 'utf8'), options.websocketUrl)
    const type = contentType(page.file)
    return respond(page.status, request.method === 'HEAD' ? null : body, { ...headers, 'content-type': type })
  }
}

function pageAt(pathname: string): Page {
  const [, staticFile] = /^\/static\/([^/]+)$/.exec(pathname) ?? []
  if (staticFile !== undefined && STATIC_FILES.has(staticFile)) return { file: staticFile, status: 200 }
  if (pathname === '/') return { file: 'index.html', status: 200 }
  if (isRoomPath(pathname)) return { file: 'room.html', status: 200 }
  return { file: 'not-found.html', status: 404 }
}

function isRoomPath(pathname: string): boolean {
  const [, room] = /^\/chat\/([^/]+)\/$/.exec(pathname) ?? []
  return room !== undefined && isDecodable(room)
}

function isDecodable(segment: string): boolean {
  try {
    return decodeURIComponent(segment) !== ''
  } catch {
    // `%zz` or bytes that are not UTF-8: no room can have such a name.
    return false
  }
}

function withWebsocketUrl(body: string, websocketUrl: string | undefined): string {
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

function respond(status: number, body: string | null, headers: Readonly<Record<string, string>>): Response {
  return new Response(body, { status, headers: { 'content-type': 'text/plain; charset=utf-8', ...headers } })
}
