import { HttpFailure } from './http-failure.ts'

/** Far above what API Gateway sends; a peer that sends more is not it. */
const MAX_HEAD_BYTES = 16_384
const MAX_BODY_BYTES = 65_536

const STATUS_LINE = /^HTTP\/1\.([01]) ([1-9]\d\d)(?: |$)/
const KNOWN_HEADERS = ['connection', 'keep-alive', 'content-length', 'transfer-encoding'] as const
const SPACE = 0x20
const CHUNK_SIZE = /^([0-9a-fA-F]{1,8})[ \t]*(?:;.*)?$/
const DECIMAL = /^\d{1,9}$/

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
}

/** Reads HTTP/1.1 responses, one after the other, out of pieces of any size. */
export class ResponseParser {
  /** What has come and is not yet read. Between two calls of `push` it is a copy. */
  #rest: Buffer | undefined
  #head: Head | undefined
  #body: Buffer[] = []
  #bodyBytes = 0
  #inTrailer = false

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
    return isComplete ? this.#complete() : undefined
  }

  /** Tells that the peer has closed its side; returns the response that this completes, if it does. */
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
      this.#head = head
      return true
    }
  }

  #readBody(): boolean {
    const head = this.#head
    if (!head || head.framing === 'none') return true
    if (head.framing === 'chunked') return this.#readChunks()
    if (head.framing === 'until-close') {
      this.#take(this.#rest?.length ?? 0)
      return false
    }
    if (head.length > MAX_BODY_BYTES) throw tooLarge()
    this.#take(Math.min(this.#rest?.length ?? 0, head.length - this.#bodyBytes))
    return this.#bodyBytes === head.length
  }

  #readChunks(): boolean {
    for (;;) {
      const rest = this.#rest
      const lineEnd = rest?.indexOf('\r\n', 0, 'latin1') ?? -1
      if (!rest || lineEnd === -1) {
        if (rest && rest.length > MAX_HEAD_BYTES) throw garbage('chunk header or trailer without an end')
        return false
      }
      if (this.#inTrailer) {
        this.#skip(lineEnd + 2)
        if (lineEnd === 0) return true
        continue
      }
      const size = chunkSize(rest.toString('latin1', 0, lineEnd))
      if (this.#bodyBytes + size > MAX_BODY_BYTES) throw tooLarge()
      if (size === 0) {
        this.#inTrailer = true
        this.#skip(lineEnd + 2)
        continue
      }
      if (rest.length < lineEnd + 2 + size + 2) return false
      this.#skip(lineEnd + 2)
      this.#take(size)
      if (this.#rest?.toString('latin1', 0, 2) !== '\r\n') throw garbage('a chunk that does not end where it should')
      this.#skip(2)
    }
  }

  #complete(): HttpResponse {
    const head = this.#head
    if (!head) throw new TypeError('response completed before its head')
    const body = this.#body.length === 0 ? '' : Buffer.concat(this.#body).toString('utf8')
    if (this.#body.length > 0) this.#body = []
    this.#head = undefined
    this.#bodyBytes = 0
    this.#inTrailer = false
    const { status, keepAlive, keepAliveMs } = head
    return { status, body, keepAlive, keepAliveMs }
  }

  #take(bytes: number): void {
    if (bytes === 0 || !this.#rest) return
    this.#bodyBytes += bytes
    if (this.#bodyBytes > MAX_BODY_BYTES) throw tooLarge()
    this.#body.push(Buffer.from(this.#rest.subarray(0, bytes)))
    this.#skip(bytes)
  }

  #skip(bytes: number): void {
    const rest = this.#rest
    this.#rest = rest && bytes < rest.length ? rest.subarray(bytes) : undefined
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
    keepAliveMs: keepAliveMs(headers['keep-alive']),
    ...framing,
  }
}

/** The headers that matter here, by lower-case name; a repeated one is joined with a comma. */
type Headers = Partial<Record<'connection' | 'keep-alive' | 'content-length' | 'transfer-encoding', string>>

function parseHeaders(text: string, start: number): Headers {
  const headers: Headers = {}
  for (let from = start; from < text.length; ) {
    const lineEnd = text.indexOf('\r\n', from)
    const to = lineEnd === -1 ? text.length : lineEnd
    const colon = text.indexOf(':', from)
    if (colon <= from || colon >= to || text.charCodeAt(from) <= SPACE) {
      throw garbage(`a header line that is none: ${JSON.stringify(text.slice(from, Math.min(to, from + 40)))}`)
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

// By length first: most headers are none of these, and this runs for every post.
function headerName(text: string, from: number, colon: number): keyof Headers | undefined {
  const length = colon - from
  if (length !== 10 && length !== 14 && length !== 17) return undefined
  const name = text.slice(from, colon).toLowerCase()
  return KNOWN_HEADERS.find((known) => known === name)
}

// RFC 9112, section 6.3. No response here answers HEAD or CONNECT.
function framingOf(status: number, headers: Headers): Pick<Head, 'framing' | 'length'> {
  if (status < 200 || status === 204 || status === 304) return { framing: 'none', length: 0 }
  const encoding = headers['transfer-encoding']?.toLowerCase()
  if (encoding === 'chunked') return { framing: 'chunked', length: 0 }
  if (encoding !== undefined) throw garbage(`transfer-encoding ${JSON.stringify(encoding)}, which nobody asked for`)
  const length = headers['content-length']
  if (length === undefined) return { framing: 'until-close', length: 0 }
  // A repeated header is joined by a comma and refused here: it does not say where the response ends.
  if (!DECIMAL.test(length)) throw garbage(`content-length ${JSON.stringify(length)}`)
  return length === '0' ? { framing: 'none', length: 0 } : { framing: 'length', length: Number(length) }
}

function keepAliveMs(header: string | undefined): number | undefined {
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

function tooLarge(): HttpFailure {
  return garbage(`a response body of more than ${MAX_BODY_BYTES} bytes`)
}

function garbage(what: string): HttpFailure {
  return new HttpFailure('garbage', `the peer sent ${what}`)
}
