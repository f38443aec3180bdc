/** What differs from an ordinary event. */
export interface EventFields {
  readonly connectedAt?: number
  readonly headers?: Readonly<Record<string, string>>
  readonly query?: Readonly<Record<string, string>>
  readonly requestContext?: Readonly<Record<string, unknown>>
}

/** The event of a `$connect`, with the fields that API Gateway sends. */
export function connectEvent(connectionId: string, fields: EventFields = {}): object {
  const { headers = {}, query } = fields
  const all = { Host: 'abc.execute-api.eu-west-1.amazonaws.com', ...headers }
  return {
    headers: all,
    multiValueHeaders: Object.fromEntries(Object.entries(all).map(([name, value]) => [name, [value]])),
    ...(query === undefined ? {} : { queryStringParameters: query }),
    ...websocketEvent(connectionId, { eventType: 'CONNECT', routeKey: '$connect' }, fields),
  }
}

/** The event of a text frame. */
export function messageEvent(connectionId: string, body: string, fields: EventFields = {}): object {
  const context = { eventType: 'MESSAGE', routeKey: '$default', messageId: 'LB_RefXQDoEAbzg=' }
  return { ...websocketEvent(connectionId, context, fields), body }
}

/** The event of a `$disconnect`. */
export function disconnectEvent(connectionId: string, code: number | null, fields: EventFields = {}): object {
  const context = {
    eventType: 'DISCONNECT',
    routeKey: '$disconnect',
    disconnectStatusCode: code,
    disconnectReason: code === null ? null : 'Connection Closed Normally',
  }
  return websocketEvent(connectionId, context, fields)
}

function websocketEvent(connectionId: string, context: object, fields: EventFields): object {
  return {
    requestContext: {
      requestId: 'LB_RdGnUjoEEv4g=',
      connectionId,
      connectedAt: fields.connectedAt ?? Date.UTC(2026, 0, 1),
      apiId: 'abc',
      stage: 'prod',
      domainName: 'abc.execute-api.eu-west-1.amazonaws.com',
      identity: { sourceIp: '203.0.113.7', userAgent: 'test' },
      ...context,
      ...fields.requestContext,
    },
    isBase64Encoded: false,
  }
}
