import zlib from 'node:zlib'
import { HttpFailure } from './http-failure.ts'

/** Far above what AWS sends. */
const MAX_HEAD_BYTES = 16_384

const STATUS_LINE = /^HTTP\/1\.([01]) ([1-9]\d\d)(?: |$)/
const KNOWN_HEADERS = [
  'connection',
  'keep-alive',
  'x-amz-crc32',
  'content-length',
  'transfer-encoding',
] as const
const SPACE = 0x20
const CHUNK_SIZE = /^([0-9a-fA-F]{1,8})[ \t]*(?:;.*)?$/
const DECIMAL = /^\d{1,10}$/

/** A complete response. */
export interface HttpResponse {
  readonly status: number
  readonly body: string
  /** Whether the peer lets the socket be used again. */
  readonly keepAlive: boolean
  /** How long the peer says it keeps an idle socket. */
  readonly keepAliveMs: number | undefined
}

interface Head {
  readonly status: number
  readonly keepAlive: boolean
  readonly keepAliveMs: number | undefined
  readonly framing: 'none' | 'length' | 'chunked' | 'until-close'
  readonly length: number
  /** CRC-32 that the body must have. DynamoDB sends it with every response. */
  readonly checksum: number | undefined
}

/** Reads HTTP/1.1 responses, one after the other, out of pieces of any size. */
export class ResponseParser {
  readonly #maxBodyBytes: number
  /** What has come and is not yet read. Between two calls of `push` it is a copy. */
  #rest: Buffer | undefined
  #head: Head | undefined
  /** The first {@link #copied} are copies, the others parts of the piece at hand. */
  #body: Buffer[] = []
  #copied = 0
  #bodyBytes = 0
  #chunkPart: 'size' | 'data' | 'end' | 'trailer' = 'size'
  /** Bytes of the chunk at hand that have not come. */
  #chunkRest = 0

  /** @param maxBodyBytes - a body with more of them is refused, so that a peer cannot fill the memory */
  constructor(maxBodyBytes: number) {
    this.#maxBodyBytes = maxBodyBytes
  }

  /** Whether any byte of a response that is not complete has come. */
  get hasStarted(): boolean {
    return this.#rest !== undefined || this.#head !== undefined
  }

  /**
   * Takes the next piece; returns the response that it completes, if it does. Bytes beyond that response stay,
   * and `hasStarted` is then true. The piece may be overwritten afterwards.
   *
   * @throws {@link HttpFailure} of kind `garbage`
   */
  push(piece: Buffer): HttpResponse | undefined {
    this.#rest = this.#rest ? Buffer.concat([this.#rest, piece]) : piece
    const isComplete = (this.#head !== undefined || this.#readHead()) && this.#readBody()
    if (this.#rest) this.#rest = Buffer.from(this.#rest)
    if (isComplete) return this.#complete()
    this.#copyBody()
    return undefined
  }

  /**
   * Tells that the peer has closed its side; returns the response that this completes, if it does.
   *
   * @throws {@link HttpFailure} of kind `garbage`
   */
  end(): HttpResponse | undefined {
    return this.#head?.framing === 'until-close' ? this.#complete() : undefined
  }

  #readHead(): boolean {
    for (;;) {
      const rest = this.#rest
      if (!rest) return false
      const end = rest.indexOf('\r\n\r\n', 0, 'latin1')
      if (end > MAX_HEAD_BYTES || (end === -1 && rest.length > MAX_HEAD_BYTES)) {
        throw garbage(`response headers have more than ${MAX_HEAD_BYTES} bytes`)
      }
      if (end === -1) {
        requireHttp(rest)
        return false
      }
      this.#skip(end + 4)
      const head = parseHead(rest.toString('latin1', 0, end))
      if (head.status === 101) throw garbage('status 101, which nobody asked for')
      if (head.status < 200) continue
      this.#requireSize(head.length)
      this.#head = head
      return true
    }
  }

  #readBody(): boolean {
    const head = this.#head
    if (!head || head.framing === 'none') return true
    if (head.framing === 'chunked') return this.#readChunks()
    if (head.framing === 'until-close') {
      this.#take(this.#available)
      return false
    }
    this.#take(Math.min(this.#available, head.length - this.#bodyBytes))
    return this.#bodyBytes === head.length
  }

  /** True once the last chunk and the trailer have been read. */
  #readChunks(): boolean {
    for (;;) {
      if (this.#chunkPart === 'data') {
        if (!this.#readChunkData()) return false
      } else {
        const line = this.#readLine()
        if (line === undefined) return false
        if (this.#chunkPart === 'trailer' && line === '') return true
        this.#readChunkLine(line)
      }
    }
  }

  #readChunkData(): boolean {
    const bytes = Math.min(this.#available, this.#chunkRest)
    this.#take(bytes)
    this.#chunkRest -= bytes
    if (this.#chunkRest > 0) return false
    this.#chunkPart = 'end'
    return true
  }

  #readChunkLine(line: string): void {
    if (this.#chunkPart === 'trailer') return
    if (this.#chunkPart === 'end') {
      if (line !== '') throw garbage('a chunk that does not end where it should')
      this.#chunkPart = 'size'
      return
    }
    this.#chunkRest = chunkSize(line)
    this.#requireSize(this.#bodyBytes + this.#chunkRest)
    this.#chunkPart = this.#chunkRest === 0 ? 'trailer' : 'data'
  }

  #readLine(): string | undefined {
    const end = this.#rest?.indexOf('\r\n', 0, 'latin1') ?? -1
    if (end > MAX_HEAD_BYTES || (end === -1 && this.#available > MAX_HEAD_BYTES)) {
      throw garbage('chunk header or trailer without an end')
    }
    if (end === -1) return undefined
    const line = this.#rest?.toString('latin1', 0, end)
    this.#skip(end + 2)
    return line
  }

  get #available(): number {
    return this.#rest?.length ?? 0
  }

  #complete(): HttpResponse {
    const [head, body] = [this.#head, this.#body]
    if (!head) throw new TypeError('response completed before its head')
    this.#head = undefined
    this.#bodyBytes = 0
    this.#copied = 0
    this.#chunkPart = 'size'
    if (body.length > 0) this.#body = []
    const { status, keepAlive, keepAliveMs, checksum } = head
    if (checksum !== undefined) requireChecksum(body, checksum)
    return { status, body: textOf(body), keepAlive, keepAliveMs }
  }

  #take(bytes: number): void {
    if (bytes === 0 || !this.#rest) return
    this.#bodyBytes += bytes
    this.#requireSize(this.#bodyBytes)
    this.#body.push(this.#rest.subarray(0, bytes))
    this.#skip(bytes)
  }

  // A body that came in one piece, as most do, is never copied.
  #copyBody(): void {
    for (const part of this.#body.slice(this.#copied)) {
      this.#body[this.#copied] = Buffer.from(part)
      this.#copied += 1
    }
  }

  #skip(bytes: number): void {
    const rest = this.#rest
    this.#rest = rest && bytes < rest.length ? rest.subarray(bytes) : undefined
  }

  #requireSize(bytes: number): void {
    if (bytes > this.#maxBodyBytes) throw garbage(`a response body of more than ${this.#maxBodyBytes} bytes`)
  }
}

function parseHead(text: string): Head {
  const lineEnd = text.indexOf('\r\n')
  const [, minor, digits] = STATUS_LINE.exec(lineEnd === -1 ? text : text.slice(0, lineEnd)) ?? []
  if (digits === undefined) throw garbage(`a status line that is none: ${JSON.stringify(text.slice(0, 40))}`)
  const headers = lineEnd === -1 ? {} : parseHeaders(text, lineEnd + 2)
  const connection = headers['connection']?.toLowerCase() ?? ''
  const framing = framingOf(Number(digits), headers)
  const mayKeep = minor === '1' ? !hasToken(connection, 'close') : hasToken(connection, 'keep-alive')
  return {
    status: Number(digits),
    keepAlive: mayKeep && framing.framing !== 'until-close',
    keepAliveMs: idleTimeMs(headers['keep-alive']),
    checksum: checksumOf(headers['x-amz-crc32']),
    ...framing,
  }
}

/** The headers that matter here, by lower-case name; a repeated one is joined with a comma. */
type Headers = Partial<Record<(typeof KNOWN_HEADERS)[number], string>>

function parseHeaders(text: string, start: number): Headers {
  const headers: Headers = {}
  for (let from = start; from < text.length;) {
    const lineEnd = text.indexOf('\r\n', from)
    const to = lineEnd === -1 ? text.length : lineEnd
    const colon = text.indexOf(':', from)
    if (colon <= from || colon >= to || text.charCodeAt(from) <= SPACE) {
      throw garbage(
        `a header line that is none: ${JSON.stringify(text.slice(from, Math.min(to, from + 40)))}`,
      )
    }
    const name = headerName(text, from, colon)
    if (name !== undefined) {
      const value = text.slice(colon + 1, to).trim()
      headers[name] = headers[name] === undefined ? value : `${headers[name]}, ${value}`
    }
    from = to + 2
  }
  return headers
}

// By length first: most headers are none of these, and this runs for every response.
function headerName(text: string, from: number, colon: number): keyof Headers | undefined {
  const length = colon - from
  if (length !== 10 && length !== 11 && length !== 14 && length !== 17) return undefined
  const name = text.slice(from, colon).toLowerCase()
  return KNOWN_HEADERS.find((known) => known === name)
}

// RFC 9112, section 6.3. No response here answers HEAD or CONNECT.
function framingOf(status: number, headers: Headers): Pick<Head, 'framing' | 'length'> {
  if (status < 200 || status === 204 || status === 304) return { framing: 'none', length: 0 }
  const encoding = headers['transfer-encoding']?.toLowerCase()
  if (encoding === 'chunked') return { framing: 'chunked', length: 0 }
  if (encoding !== undefined)
    throw garbage(`transfer-encoding ${JSON.stringify(encoding)}, which nobody asked for`)
  const length = headers['content-length']
  if (length === undefined) return { framing: 'until-close', length: 0 }
  // A repeated header is joined by a comma and refused here: it does not say where the response ends.
  if (!DECIMAL.test(length)) throw garbage(`content-length ${JSON.stringify(length)}`)
  return length === '0' ? { framing: 'none', length: 0 } : { framing: 'length', length: Number(length) }
}

function checksumOf(header: string | undefined): number | undefined {
  if (header === undefined) return undefined
  if (!DECIMAL.test(header)) throw garbage(`x-amz-crc32 ${JSON.stringify(header)}`)
  return Number(header)
}

function requireChecksum(body: readonly Buffer[], expected: number): void {
  // Node 22.0 and 22.1 lack it; the length is checked all the same.
  if (typeof zlib.crc32 !== 'function') return
  const actual = body.reduce((value, part) => zlib.crc32(part, value), 0)
  if (actual !== expected)
    throw garbage(`a body with the CRC-32 ${actual} that should have ${expected}: it was damaged on its way`)
}

function textOf(body: readonly Buffer[]): string {
  const [first, second] = body
  if (!first) return ''
  return (second ? Buffer.concat(body) : first).toString('utf8')
}

function idleTimeMs(header: string | undefined): number | undefined {
  const seconds = header === undefined ? undefined : /(?:^|[ ,])timeout=(\d{1,6})/i.exec(header)?.[1]
  return seconds === undefined ? undefined : Number(seconds) * 1000
}

function hasToken(header: string, token: string): boolean {
  return header !== '' && header.split(',').some((part) => part.trim() === token)
}

function chunkSize(line: string): number {
  const digits = CHUNK_SIZE.exec(line)?.[1]
  if (digits === undefined) throw garbage(`a chunk size that is none: ${JSON.stringify(line.slice(0, 40))}`)
  return Number.parseInt(digits, 16)
}

// Tells a peer that does not speak HTTP before it has sent a whole head.
function requireHttp(start: Buffer): void {
  const seen = start.toString('latin1', 0, 5)
  if (!'HTTP/'.startsWith(seen)) throw garbage(`a response that starts with ${JSON.stringify(seen)}`)
}

function garbage(what: string): HttpFailure {
  return new HttpFailure('garbage', `the peer sent ${what}`)
}
