import { isUtf8 } from 'node:buffer'
import { InvalidMessageError } from './errors.ts'
import type { Message } from './message.ts'

/** Bytes as a message carries them, which is JSON: as text where they are text, else as base64. */
export interface MessageBody {
  readonly body: string
  readonly isBase64Encoded: boolean
}

/** One header of a response. A name may come several times. */
export type HeaderEntry = readonly [name: string, value: string]

/** What a response begins with. */
export interface ResponseHead {
  readonly status: number
  readonly headers: readonly HeaderEntry[]
}

/** `http.response.start`: the first message that an application sends for a request, once. `http.response.body` follows. */
export interface ResponseStart extends ResponseHead {
  readonly type: 'http.response.start'
}

/** The body of a message that carries `content`. */
export function messageBody(content: string | Uint8Array): MessageBody {
  if (typeof content === 'string') return { body: content, isBase64Encoded: false }
  const bytes = Buffer.from(content.buffer, content.byteOffset, content.byteLength)
  return isUtf8(bytes)
    ? { body: bytes.toString('utf8'), isBase64Encoded: false }
    : { body: bytes.toString('base64'), isBase64Encoded: true }
}

/** The bytes that a message carries; none, if it has no body. */
export function bytesOf({ body, isBase64Encoded }: Message | MessageBody): Buffer<ArrayBuffer> {
  if (typeof body !== 'string') return Buffer.alloc(0)
  return Buffer.from(body, isBase64Encoded === true ? 'base64' : 'utf8')
}

/**
 * Checks what an application sends as `http.response.start`.
 *
 * @throws {@link InvalidMessageError} for a status that no response can have, and a header that would end the headers
 * early or add another one
 */
export function requireResponseStart({ type, status, headers = [] }: Message): ResponseStart {
  if (typeof status !== 'number' || !Number.isInteger(status) || status < 200 || status > 599) {
    throw new InvalidMessageError(
      `response status is ${JSON.stringify(status)}: use a whole number from 200 to 599`,
    )
  }
  if (type !== 'http.response.start' || !Array.isArray(headers)) {
    throw new InvalidMessageError(`${type} has headers that are no list of [name, value]: send such a list`)
  }
  return { type, status, headers: headers.map(requireHeader) }
}

const HEADER_NAME = /^[!#$%&'*+\-.^_`|~0-9a-zA-Z]+$/
// Visible characters, space and tab, as RFC 9110 has them (5.5): no line break, which would begin another header.
const HEADER_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/

function requireHeader(entry: unknown): HeaderEntry {
  const [name, value]: readonly unknown[] = Array.isArray(entry) ? entry : []
  if (typeof name !== 'string' || !HEADER_NAME.test(name)) {
    throw new InvalidMessageError(
      `header name ${JSON.stringify(name)} is none: use letters, digits and "-", without spaces`,
    )
  }
  if (typeof value !== 'string' || !HEADER_VALUE.test(value)) {
    // The value may be a secret, such as a cookie.
    throw new InvalidMessageError(
      `header "${name}" has a value that is ${typeof value === 'string' ? 'not printable in Latin-1, such as a line break' : `of type ${typeof value}`}: encode it, for instance with encodeURIComponent()`,
    )
  }
  return [name, value]
}
