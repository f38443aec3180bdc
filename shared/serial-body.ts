/**
 * What of an event's request context travels through the queue of `ordering: 'serial'`. The names are API Gateway's, in its
 * events and in `$context` of its mapping templates alike. What is not here was stored at `$connect`, or nobody asks for it.
 */
export const serialFields = {
  eventType: 'text',
  connectionId: 'text',
  connectedAt: 'number',
  requestId: 'text',
  apiId: 'text',
  stage: 'text',
  domainName: 'text',
  disconnectStatusCode: 'number',
  disconnectReason: 'text',
} as const

/** One of {@link serialFields}. */
export type SerialField = keyof typeof serialFields

/** The fields that only a `$disconnect` has. */
export const endingFields: ReadonlySet<SerialField> = new Set(['disconnectStatusCode', 'disconnectReason'])

/** The names of {@link serialFields}, in the order in which they stand in a message. */
export const serialFieldNames: readonly SerialField[] = Object.keys(serialFields) as SerialField[]

/** The field of the frame's text. */
export const TEXT_FIELD = 'body'

/** An event of a WebSocket API, as far as it travels. */
export interface SerialEvent {
  readonly requestContext: Readonly<Record<string, unknown>>
  readonly body?: string
}

/**
 * The body of the queue's message for one event: a URL-encoded form. So any text survives, an empty one too, although SQS
 * takes neither empty bodies nor most control characters.
 */
export function serialBody({ requestContext, body = '' }: SerialEvent): string {
  const form = new URLSearchParams()
  for (const name of serialFieldNames) form.set(name, textOf(requestContext[name]))
  form.set(TEXT_FIELD, body)
  return form.toString()
}

/** The event that was made a body of: as an event of Lambda proxy integration, if it is one at all. */
export function readSerialBody(text: string): SerialEvent {
  const form = new URLSearchParams(text)
  const fields = serialFieldNames.map((name) => [name, valueOf(name, form.get(name))] as const)
  return {
    requestContext: Object.fromEntries(fields.filter(([, value]) => value !== undefined)),
    body: form.get(TEXT_FIELD) ?? '',
  }
}

function textOf(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : ''
}

/** Undefined if the field is not there, which is said by leaving it empty. */
function valueOf(name: SerialField, text: string | null): string | number | undefined {
  if (text === null || text === '') return undefined
  if (serialFields[name] === 'text') return text
  return /^\d+$/.test(text) ? Number(text) : undefined
}
