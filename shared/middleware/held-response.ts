import type { Send } from '../application.ts'
import { ProtocolError } from '../errors.ts'
import {
  bytesOf,
  messageBody,
  requireResponseStart,
  type ResponseHead,
  type ResponseStart,
} from '../http-message.ts'
import { MAX_RESPONSE_BYTES } from '../limits.ts'
import type { Message } from '../message.ts'

/** What middleware may add to a response, in bytes: a few cookies. */
const ROOM_FOR_HEADERS = 16_384

/** What {@link HeldResponse} is made of. */
export interface HeldResponseOptions {
  readonly send: Send
  /** Makes the head that goes out. */
  readonly respond: (head: ResponseHead) => ResponseHead | Promise<ResponseHead>
  /** Whether the body goes out too: not for HEAD. */
  readonly hasBody: boolean
}

/**
 * A response to an HTTP request that waits until it is whole, small enough, and its application done: then its head is
 * made by `respond`, and all of it goes out. Of an application that throws, nothing does, and `respond` never runs.
 */
export class HeldResponse {
  readonly #options: HeldResponseOptions
  readonly #body: Message[] = []
  #start: ResponseStart | undefined
  #isWhole = false
  #isDone = false
  #isGone = false

  constructor(options: HeldResponseOptions) {
    this.#options = options
  }

  /**
   * Takes one message of the application; what is no part of a response passes, and the server refuses it.
   *
   * @throws {@link ProtocolError} for a second head, and for what comes after the last part
   * @throws {@link InvalidMessageError} for a status or header that no response can have
   */
  async take(message: Message): Promise<void> {
    if (this.#isGone || !this.#hold(message)) return this.#options.send(message)
    return this.#release()
  }

  /** The application is done. What it began and did not wait for may follow. */
  async finish(): Promise<void> {
    this.#isDone = true
    return this.#release()
  }

  #hold(message: Message): boolean {
    const isStart = message.type === 'http.response.start'
    if (!isStart && (message.type !== 'http.response.body' || this.#start === undefined)) return false
    if (this.#isWhole || (isStart && this.#start)) throw tooMuch(message)
    if (isStart) this.#start = requireResponseStart(message)
    else this.#body.push(message)
    this.#isWhole = !isStart && message['moreBody'] !== true
    return true
  }

  async #release(): Promise<void> {
    if (this.#start === undefined || !this.#isWhole || !this.#isDone || this.#isGone) return
    this.#isGone = true
    const { send, respond, hasBody } = this.#options
    const { type, ...head } = this.#start
    if (hasBody) requireFit(head, this.#body)
    await send({ type, ...(await respond(head)) })
    for (const part of this.#body) await send(part)
  }
}

/** Throws for a response that the server would refuse, before `respond` tells anybody that it went out. */
function requireFit(head: ResponseHead, parts: readonly Message[]): void {
  const body = Buffer.concat(parts.map((part) => bytesOf(part)))
  // JSON writes a byte of text with six at most.
  if (body.length * 6 < MAX_RESPONSE_BYTES / 2) return
  const bytes = Buffer.byteLength(JSON.stringify({ ...head, ...messageBody(body) }))
  const most = MAX_RESPONSE_BYTES - ROOM_FOR_HEADERS
  if (bytes <= most) return
  throw new ProtocolError(
    `the response has ${bytes} bytes as Lambda returns it, and ${most} is the most where a middleware may add to its headers: send a part of it, or a redirect to where it is kept, such as a signed URL of S3`,
  )
}

function tooMuch({ type }: Message): ProtocolError {
  return new ProtocolError(
    `the application sent "${type}" where its response was ${type === 'http.response.start' ? 'begun' : 'complete'}: send headers and status once, and nothing after the last part of the body`,
  )
}
