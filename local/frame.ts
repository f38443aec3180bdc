import { MAX_FRAME_BYTES } from '../shared/limits.ts'

const FINAL = 0x80
const TEXT = 0x01
const CONTINUATION = 0x00

/**
 * Wraps `payload` into one unmasked text message (RFC 6455, section 5.2), cut into frames of at most 32 KB as API
 * Gateway does.
 *
 * One buffer, written with one call: for the short frames of a fan-out cheaper than header and payload apart.
 */
export function textMessage(payload: Buffer): Buffer {
  if (payload.length <= MAX_FRAME_BYTES) return frame(TEXT | FINAL, payload)
  const frames: Buffer[] = []
  for (let at = 0; at < payload.length; at += MAX_FRAME_BYTES) {
    const opcode = at === 0 ? TEXT : CONTINUATION
    const isLast = at + MAX_FRAME_BYTES >= payload.length
    frames.push(frame(isLast ? opcode | FINAL : opcode, payload.subarray(at, at + MAX_FRAME_BYTES)))
  }
  return Buffer.concat(frames)
}

function frame(firstByte: number, payload: Buffer): Buffer {
  const { length } = payload
  const headerLength = length < 126 ? 2 : 4
  const bytes = Buffer.allocUnsafe(headerLength + length)
  bytes[0] = firstByte
  if (headerLength === 2) {
    bytes[1] = length
  } else {
    bytes[1] = 126
    bytes.writeUInt16BE(length, 2)
  }
  bytes.set(payload, headerLength)
  return bytes
}

/**
 * Follows the frame headers of one inbound byte stream and says where API Gateway refuses it: at the first frame
 * of more than 32 KB (1009) or the first binary one (1003).
 *
 * `ws` limits messages, not frames, and it hands over a frame that it has complete at once; so the meter reads
 * each chunk before `ws` does, and counts the whole messages in front of the offending frame: those were sent in good order.
 */
export class FrameMeter {
  #header: Buffer = Buffer.alloc(14)
  #headerLength = 0
  #payloadLeft = 0
  #messages = 0
  #violation: FrameViolation | undefined

  /** The first refused frame, once it was seen. */
  get violation(): FrameViolation | undefined {
    return this.#violation
  }

  /** Reads on; returns the violation if there is one. */
  read(chunk: Buffer): FrameViolation | undefined {
    let at = 0
    while (at < chunk.length && this.#violation === undefined) {
      if (this.#payloadLeft > 0) {
        const skipped = Math.min(this.#payloadLeft, chunk.length - at)
        this.#payloadLeft -= skipped
        at += skipped
      } else {
        this.#header[this.#headerLength] = chunk[at] ?? 0
        this.#headerLength += 1
        at += 1
        if (this.#headerLength >= 2 && this.#headerLength === this.#headerSize()) this.#endHeader()
      }
    }
    return this.#violation
  }

  #headerSize(): number {
    const second = this.#header[1] ?? 0
    const length = second & 0x7f
    return 2 + (length === 126 ? 2 : length === 127 ? 8 : 0) + ((second & 0x80) === 0 ? 0 : 4)
  }

  #endHeader(): void {
    const first = this.#header[0] ?? 0
    const opcode = first & 0x0f
    const size = this.#payloadSize()
    this.#headerLength = 0
    this.#payloadLeft = size
    if (opcode === 2) {
      this.#refuse(1003, `binary frame of ${size} bytes, only text is taken`)
    } else if (size > MAX_FRAME_BYTES) {
      this.#refuse(1009, `frame of ${size} bytes, at most ${MAX_FRAME_BYTES}`)
    } else if ((first & 0x80) !== 0 && opcode < 8) {
      this.#messages += 1
    }
  }

  #refuse(code: number, reason: string): void {
    this.#violation = { code, reason, messagesBefore: this.#messages }
  }

  #payloadSize(): number {
    const length = (this.#header[1] ?? 0) & 0x7f
    if (length === 126) return this.#header.readUInt16BE(2)
    if (length === 127) return this.#header.readUInt32BE(2) * 2 ** 32 + this.#header.readUInt32BE(6)
    return length
  }
}

/** Why API Gateway ends a connection, and how many whole messages came before. */
export interface FrameViolation {
  readonly code: number
  readonly reason: string
  readonly messagesBefore: number
}
