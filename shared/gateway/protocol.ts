import { requireMessageSize } from '../codec.ts'
import { ProtocolError } from '../errors.ts'
import { MAX_MESSAGE_BYTES } from '../limits.ts'
import type { JsonValue, Message } from '../message.ts'

/** One protocol message of an application, understood. */
export type Step =
  | { readonly kind: 'accept'; readonly subprotocol: string | undefined }
  | { readonly kind: 'send'; readonly frames: readonly [string] }
  | {
      readonly kind: 'close'
      /** The envelope that tells the client code and reason, where there is something to tell. */
      readonly frames: readonly string[]
      /** The status of a handshake refused by it. */
      readonly status: number
    }

/**
 * Understands a message that an application gave to `send`.
 *
 * @throws {@link ProtocolError} for a type that a WebSocket server does not know, bytes, or a bad status
 * @throws {@link MessageTooLargeError}
 */
export function messageOfSend(message: Message): Step {
  if (message.type === 'websocket.send') return { kind: 'send', frames: [frameOf(message)] }
  if (message.type === 'websocket.close') return closing(message)
  if (message.type === 'websocket.accept') {
    const subprotocol = message['subprotocol']
    return { kind: 'accept', subprotocol: typeof subprotocol === 'string' ? subprotocol : undefined }
  }
  throw new ProtocolError(
    `the application sent "${message.type}", which a WebSocket server does not know: send websocket.accept, websocket.send or websocket.close`,
  )
}

function frameOf(message: Message): string {
  const text = message['text']
  if (typeof text !== 'string') {
    throw new ProtocolError(
      'websocket.send without "text": API Gateway sends text frames only, so encode bytes as base64',
    )
  }
  requireMessageSize(text, MAX_MESSAGE_BYTES)
  return text
}

/** Whether a handshake can be refused with `status`. */
export function isRefusal(status: unknown): status is number {
  return typeof status === 'number' && Number.isInteger(status) && status >= 400 && status <= 499
}

function closing(message: Message): Step {
  const { code, reason, status = 403 } = message
  if (!isRefusal(status)) {
    throw new ProtocolError(
      `a connection cannot be refused with status ${JSON.stringify(status)}: use one from 400 to 499`,
    )
  }
  const isTold = code !== undefined || reason !== undefined
  return { kind: 'close', frames: isTold ? [closeEnvelope(code, reason)] : [], status }
}

/** The frame that tells a client code and reason of a close: API Gateway itself always says 1000. */
export function closeEnvelope(code: JsonValue = 1000, reason: JsonValue = ''): string {
  return JSON.stringify({ type: 'websocket.close', code, reason })
}
