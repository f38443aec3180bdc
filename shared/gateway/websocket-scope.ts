import type { Connection, WebsocketScope } from '../application.ts'
import type { JsonObject } from '../message.ts'
import type { WebsocketEvent } from './websocket-event.ts'

/**
 * Headers that are told to `connect` and never stored: secrets don't belong in a table, and the handshake's
 * own say nothing later.
 */
const NOT_STORED = [
  /token|secret|passw|api-?key|access-?key|credential|session|cookie|signature/,
  /(?:^|[^a-z])(?:auth|authorization|authentication|bearer|csrf|jwt|oidc|xsrf)(?:[^a-z]|$)/,
  /^(?:connection|upgrade|pragma|cache-control|accept-encoding|content-length|x-amzn-trace-id|x-forwarded-port)$/,
  /^sec-(?:websocket|fetch|ch-ua)/,
]

/** The scope of a connection as it is stored with it. */
export interface StoredScope {
  readonly path: string
  readonly query: Readonly<Record<string, string>>
  readonly headers: Readonly<Record<string, readonly string[]>>
  readonly subprotocols: readonly string[]
  readonly client: string | null
  readonly authorizer?: JsonObject
  /** When the connection ends at the latest, in milliseconds since the epoch, and with which code. */
  readonly end?: { readonly at: number; readonly code: number }
  /** What routers and middleware remembered, by their key. */
  readonly remembered: JsonObject
}

/** Builds the scope that `$connect` describes: whole, as only `connect` sees it. */
export function scopeOfConnect(event: WebsocketEvent & { readonly kind: 'connect' }): StoredScope {
  const { path = '/', ...query } = event.query
  return {
    path: path.startsWith('/') ? path : `/${path}`,
    query,
    headers: event.headers,
    subprotocols: (event.headers['sec-websocket-protocol'] ?? [])
      .flatMap((value) => value.split(','))
      .map((value) => value.trim())
      .filter((value) => value !== ''),
    client: event.sourceIp ?? null,
    ...(event.authorizer === undefined ? {} : { authorizer: event.authorizer }),
    remembered: {},
  }
}

/**
 * The part of the scope that is kept, with what the application remembered. Of the offered subprotocols only the
 * accepted one is: browsers can send a token nowhere but among them and in the URL.
 */
export function storable(scope: StoredScope, remembered: JsonObject, accepted?: string): JsonObject {
  const headers = Object.entries(scope.headers).filter(
    ([name]) => !NOT_STORED.some((pattern) => pattern.test(name)),
  )
  const subprotocols = accepted === undefined ? [] : [accepted]
  return { ...scope, headers: Object.fromEntries(headers), subprotocols, remembered }
}

/** What the application sees for one event. */
export function websocketScope(
  { remembered: _remembered, end: _end, client, authorizer, ...stored }: StoredScope,
  identity: { readonly channelName: string; readonly connectedAt: number; readonly connection: Connection },
): WebsocketScope {
  return {
    type: 'websocket',
    ...stored,
    client: client ?? undefined,
    ...(authorizer === undefined ? {} : { authorizer }),
    ...identity,
  }
}
