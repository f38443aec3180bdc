import { ProtocolError } from '../errors.ts'
import { bytesOf, type HeaderEntry, messageBody, requireResponseStart } from '../http-message.ts'
import { MAX_RESPONSE_BYTES } from '../limits.ts'
import type { Message } from '../message.ts'

/** What API Gateway is answered for a request of an HTTP API, payload format 2.0. */
export interface HttpResult {
  readonly statusCode: number
  /** By lower-case name; several values of one name are joined by a comma. */
  readonly headers: Readonly<Record<string, string>>
  /** One `set-cookie` each. */
  readonly cookies?: readonly string[]
  readonly body?: string
  readonly isBase64Encoded?: boolean
}

/** Statuses without a body: https://www.rfc-editor.org/rfc/rfc9110#section-6.4.1 */
const BODILESS: ReadonlySet<number> = new Set([204, 205, 304])

/** Headers that are the gateway's: they speak of the connection to the client, or of a body that it encodes anew. */
const GATEWAYS: ReadonlySet<string> = new Set([
  'connection',
  'content-length',
  'keep-alive',
  'transfer-encoding',
  'upgrade',
])

/** The response to one request, as an application sends it: `http.response.start`, then `http.response.body`. */
export class HttpReply {
  readonly #isHead: boolean
  readonly #parts: Buffer[] = []
  #start: { readonly status: number; readonly headers: readonly HeaderEntry[] } | undefined
  #isComplete = false

  /** @param method - of the request: the response to HEAD has no body */
  constructor(method: string) {
    this.#isHead = method === 'HEAD'
  }

  /**
   * Takes one message of the application.
   *
   * @throws {@link ProtocolError} if it comes in the wrong order, or is none of a response
   * @throws {@link InvalidMessageError} for a status or header that no response can have
   */
  take(message: Message): void {
    if (this.#isComplete) throw wrong(message, 'after the response was complete', 'send nothing more')
    if (message.type === 'http.response.start') this.#begin(message)
    else if (message.type === 'http.response.body') this.#add(message)
    else throw wrong(message, 'for an HTTP request', 'send http.response.start, then http.response.body')
  }

  /**
   * The result for API Gateway.
   *
   * @throws {@link ProtocolError} if the response is not complete, or larger than Lambda lets it be
   */
  result(): HttpResult {
    if (this.#start === undefined) {
      throw new ProtocolError(
        'the application ended without a response: return a Response, or call sendResponse() in handle()',
      )
    }
    if (!this.#isComplete) {
      throw new ProtocolError(
        'the application ended in the middle of its response: end it by sendBody() without moreBody; a body cannot be streamed, Lambda returns it whole',
      )
    }
    return requireSize(toResult(this.#start, this.#bodyFor(this.#start.status)))
  }

  #begin(message: Message): void {
    if (this.#start) throw wrong(message, 'twice', 'send headers and status once')
    this.#start = requireResponseStart(message)
  }

  #add(message: Message): void {
    if (!this.#start) throw wrong(message, 'before http.response.start', 'send headers and status first')
    this.#parts.push(bytesOf(message))
    this.#isComplete = message['moreBody'] !== true
  }

  #bodyFor(status: number): Buffer | undefined {
    return this.#isHead || BODILESS.has(status) ? undefined : Buffer.concat(this.#parts)
  }
}

function toResult(
  { status, headers }: { readonly status: number; readonly headers: readonly HeaderEntry[] },
  body: Buffer | undefined,
): HttpResult {
  const cookies = headers.filter(([name]) => name.toLowerCase() === 'set-cookie').map(([, value]) => value)
  return {
    statusCode: status,
    headers: joined(headers),
    ...(cookies.length === 0 ? {} : { cookies }),
    ...(body === undefined ? {} : messageBody(body)),
  }
}

function joined(headers: readonly HeaderEntry[]): Record<string, string> {
  const byName = new Map<string, string>()
  for (const [written, value] of headers) {
    const name = written.toLowerCase()
    if (name === 'set-cookie' || GATEWAYS.has(name)) continue
    const earlier = byName.get(name)
    byName.set(name, earlier === undefined ? value : `${earlier}, ${value}`)
  }
  return Object.fromEntries(byName)
}

function requireSize(result: HttpResult): HttpResult {
  // JSON writes a character with six bytes at most.
  if ((result.body?.length ?? 0) * 6 < MAX_RESPONSE_BYTES / 2) return result
  const bytes = Buffer.byteLength(JSON.stringify(result))
  if (bytes <= MAX_RESPONSE_BYTES) return result
  throw new ProtocolError(
    `the response has ${bytes} bytes as Lambda returns it, ${MAX_RESPONSE_BYTES} is the most: send a part of it, or a redirect to where it is kept, such as a signed URL of S3${result.isBase64Encoded === true ? '; what is not UTF-8 travels as base64, with a third more bytes' : ''}`,
  )
}

function wrong({ type }: Message, when: string, instead: string): ProtocolError {
  return new ProtocolError(`the application sent "${type}" ${when}: ${instead}`)
}
