import { isUtf8 } from 'node:buffer'
import type { IncomingMessage } from 'node:http'
import { clfTime, handshakeHeaders, LOCAL_API_ID, sourceIp } from './events.ts'
import { gatewayId } from './ids.ts'

/** Types whose bodies an HTTP API passes on as text; all others come as base64. */
const TEXT_TYPES = /^(?:text\/|application\/(?:json|javascript|xml)\b)/i

/**
 * The event of one request of an HTTP API, payload format 2.0; `undefined` for one that is refused before: a target that
 * is no path, or an escape that is none.
 */
export function httpEvent(request: IncomingMessage, body: Buffer, now: number): object | undefined {
  const { method = 'GET', url = '' } = request
  const mark = url.indexOf('?')
  const rawPath = decodedPath(mark === -1 ? url : url.slice(0, mark))
  if (rawPath === undefined) return undefined
  const { cookie, ...headers } = headersOf(request)
  const domainName = headers['host'] ?? ''
  const userAgent = headers['user-agent']
  return {
    version: '2.0',
    routeKey: '$default',
    rawPath,
    rawQueryString: mark === -1 ? '' : url.slice(mark + 1),
    ...(cookie !== undefined && { cookies: cookie.split(/; */) }),
    headers,
    requestContext: {
      accountId: '000000000000',
      apiId: LOCAL_API_ID,
      domainName,
      domainPrefix: domainName.split('.', 1)[0],
      http: {
        method,
        path: rawPath,
        protocol: `HTTP/${request.httpVersion}`,
        sourceIp: sourceIp(request),
        ...(userAgent !== undefined && { userAgent }),
      },
      requestId: gatewayId(),
      routeKey: '$default',
      stage: '$default',
      time: clfTime(now),
      timeEpoch: now,
    },
    ...(body.length > 0 && bodyOf(body, headers)),
  }
}

/** An HTTP API decodes the path before it makes the event: `%2F` is a slash. */
function decodedPath(path: string): string | undefined {
  if (!path.startsWith('/')) return undefined
  try {
    return decodeURIComponent(path)
  } catch {
    // No escape, or no UTF-8: the caller answers 400.
    return undefined
  }
}

function headersOf(request: IncomingMessage): Record<string, string> {
  const headers = new Map<string, string>()
  for (const [name, values] of handshakeHeaders(request))
    headers.set(name.toLowerCase(), values.join(name.toLowerCase() === 'cookie' ? '; ' : ','))
  return Object.fromEntries(headers)
}

function bodyOf(
  body: Buffer,
  headers: Readonly<Record<string, string>>,
): { readonly body: string; readonly isBase64Encoded: boolean } {
  const isText =
    TEXT_TYPES.test(headers['content-type'] ?? '') &&
    headers['content-encoding'] === undefined &&
    isUtf8(body)
  return { body: body.toString(isText ? 'utf8' : 'base64'), isBase64Encoded: !isText }
}
