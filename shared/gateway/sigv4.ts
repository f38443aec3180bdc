import { hash } from 'node:crypto'
import { hmac, HmacKey } from './hmac.ts'

const SERVICE = 'execute-api'

/** AWS credentials, as the SDK's credential providers return them. */
export interface AwsCredentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string | undefined
  readonly expiration?: Date | undefined
}

/** What every signature of one poster has in common. */
export interface SignerOptions {
  /** The `host` header: with the port unless it is the scheme's default. */
  readonly host: string
  readonly region: string
}

/** What differs from request to request. */
export interface SignedRequest {
  readonly method: string
  /** The path as it is on the wire, encoded a second time. */
  readonly canonicalPath: string
  /** SHA-256 of the body in hex; {@link EMPTY_PAYLOAD_HASH} without one. */
  readonly payloadHash: string
  /** Absent without a body. */
  readonly contentType?: string
}

/** SHA-256 of nothing. */
export const EMPTY_PAYLOAD_HASH: string = hash('sha256', '', 'hex')

/** What depends only on the second, the credentials and the content type. */
interface Shared {
  readonly credentials: AwsCredentials
  readonly second: number
  readonly contentType: string | undefined
  /** Canonical request from the empty query string up to the payload hash. */
  readonly canonicalTail: string
  readonly stringToSignHead: string
  readonly key: HmacKey
  /** Headers from `host` up to the signature. */
  readonly headerHead: string
}

/**
 * Signs requests to API Gateway with Signature Version 4: the header lines that a request needs, each ended by
 * CRLF. The signing key is computed once per day and credentials, all that depends on the time once per second.
 */
export class RequestSigner {
  readonly #options: SignerOptions
  #shared: Shared | undefined
  #key: { readonly credentials: AwsCredentials; readonly day: string; readonly signing: HmacKey } | undefined

  constructor(options: SignerOptions) {
    this.#options = options
  }

  /** The lines `content-type`, `host`, `x-amz-date`, `x-amz-security-token` and `authorization`. */
  headers(request: SignedRequest, credentials: AwsCredentials, nowMs: number): string {
    const shared = this.#sharedAt(Math.floor(nowMs / 1000), credentials, request.contentType)
    const canonical = `${request.method}\n${request.canonicalPath}${shared.canonicalTail}${request.payloadHash}`
    const signature = shared.key.hex(shared.stringToSignHead + hash('sha256', canonical, 'hex'))
    return `${shared.headerHead}${signature}\r\n`
  }

  #sharedAt(second: number, credentials: AwsCredentials, contentType: string | undefined): Shared {
    const last = this.#shared
    if (last?.second === second && last.credentials === credentials && last.contentType === contentType) return last
    const shared = this.#computeShared(second, credentials, contentType)
    this.#shared = shared
    return shared
  }

  #computeShared(second: number, credentials: AwsCredentials, contentType: string | undefined): Shared {
    const date = new Date(second * 1000).toISOString().replaceAll(/[-:]|\.\d+/g, '')
    const day = date.slice(0, 8)
    const scope = `${day}/${this.#options.region}/${SERVICE}/aws4_request`
    const headers = signedHeaders(this.#options.host, date, credentials, contentType)
    const names = headers.map(([name]) => name).join(';')
    return {
      credentials,
      second,
      contentType,
      canonicalTail: `\n\n${headers.map(([name, value]) => `${name}:${value}\n`).join('')}\n${names}\n`,
      stringToSignHead: `AWS4-HMAC-SHA256\n${date}\n${scope}\n`,
      key: this.#keyFor(credentials, day),
      headerHead:
        headers.map(([name, value]) => `${name}: ${value}\r\n`).join('') +
        `authorization: AWS4-HMAC-SHA256 Credential=${credentials.accessKeyId}/${scope}, ` +
        `SignedHeaders=${names}, Signature=`,
    }
  }

  #keyFor(credentials: AwsCredentials, day: string): HmacKey {
    if (this.#key?.credentials === credentials && this.#key.day === day) return this.#key.signing
    const steps = [day, this.#options.region, SERVICE, 'aws4_request']
    const start = Buffer.from(`AWS4${credentials.secretAccessKey}`)
    const signing = new HmacKey(steps.reduce(hmac, start))
    this.#key = { credentials, day, signing }
    return signing
  }
}

/** Encodes one path segment as Signature Version 4 wants it: all but letters, digits, `-`, `.`, `_` and `~`. */
export function encodeSegment(segment: string): string {
  return encodeURIComponent(segment).replaceAll(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}

// In alphabetical order, as the canonical request demands.
function signedHeaders(
  host: string,
  date: string,
  credentials: AwsCredentials,
  contentType: string | undefined,
): (readonly [string, string])[] {
  const { sessionToken } = credentials
  return [
    ...(contentType === undefined ? [] : [['content-type', contentType] as const]),
    ['host', host],
    ['x-amz-date', date],
    ...(sessionToken === undefined ? [] : [['x-amz-security-token', sessionToken] as const]),
  ]
}
