import { hash } from 'node:crypto'
import { ConfigurationError } from '../errors.ts'
import type { AwsCredentials } from './credentials-cache.ts'
import { hmac, HmacKey } from './hmac.ts'

/** Room for the method and most paths. */
const PATH_BYTES = 512
/** SHA-256 in hex. */
const HASH_BYTES = 64

const SIMPLE_NAME = /^[\w-]+$/

/** What every signature of one client has in common. */
export interface SignerOptions {
  /** The service's signing name, such as `dynamodb`. */
  readonly service: string
  readonly region: string
  /** The `host` header: with the port unless it is the scheme's default. */
  readonly host: string
}

/**
 * Header names in lower case, and values without leading, trailing or double spaces. What depends on them is kept
 * for each object, so that requests of one kind should pass the same one.
 */
export type SignableHeaders = Readonly<Record<string, string>>

/** What differs from request to request that is signed in its headers. There is no query. */
export interface SignableRequest {
  readonly method: string
  /** The path as it is on the wire, each segment encoded a second time. */
  readonly canonicalPath: string
  /** SHA-256 of the body in hex; {@link EMPTY_PAYLOAD_HASH} without one. */
  readonly payloadHash: string
  /** Headers to sign besides `host` and those that the signature needs. */
  readonly headers: SignableHeaders
}

/** SHA-256 of nothing. */
export const EMPTY_PAYLOAD_HASH: string = hash('sha256', '', 'hex')

/** No headers to sign besides `host` and those that the signature needs. */
export const NO_HEADERS: SignableHeaders = {}

/** A `GET` of `/` without a body that somebody else will make, within some time. */
export interface PresignableRequest {
  readonly query: Readonly<Record<string, string>>
  /** How long the signature is good for, in seconds. */
  readonly expiresSeconds: number
}

/** What depends on the day and the credentials. */
interface DayKey {
  readonly credentials: AwsCredentials
  readonly day: string
  readonly scope: string
  readonly signing: HmacKey
}

/** What depends on the second and the credentials. */
interface Moment {
  readonly credentials: AwsCredentials
  readonly second: number
  readonly date: string
  readonly key: DayKey
  readonly stringToSignHead: string
  readonly kinds: Map<SignableHeaders, RequestKind>
}

/** What depends on the headers as well. */
interface RequestKind {
  /** Room for method and path, the canonical request from the empty query string on, room for the payload hash. */
  readonly canonical: Buffer
  /** Header lines up to the signature. */
  readonly headerHead: string
}

/**
 * Signs requests to one service in one region with Signature Version 4.
 *
 * The signing key is computed once per day and credentials, all else that depends on the time once per second.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/create-signed-request.html
 */
export class RequestSigner {
  readonly #options: SignerOptions
  #moment: Moment | undefined
  #key: DayKey | undefined

  /** @throws {@link ConfigurationError} if the region cannot be one */
  constructor(options: SignerOptions) {
    // It goes into a header line as it is.
    if (!SIMPLE_NAME.test(options.region)) {
      throw new ConfigurationError(
        `region ${JSON.stringify(options.region)} is not the name of a region: use one like eu-west-1`,
      )
    }
    this.#options = options
  }

  /**
   * The header lines `host`, `x-amz-date`, `x-amz-security-token`, those of the request, and `authorization`, each
   * ended by CRLF.
   */
  headers(request: SignableRequest, credentials: AwsCredentials, nowMs: number): string {
    const moment = this.#momentAt(Math.floor(nowMs / 1000), credentials)
    const kind = moment.kinds.get(request.headers) ?? this.#addKind(moment, request.headers)
    const signature = moment.key.signing.hex(
      moment.stringToSignHead + hash('sha256', canonicalRequest(request, kind.canonical), 'hex'),
    )
    return `${kind.headerHead}${signature}\r\n`
  }

  /** The host, the path and the query with its signature: a URL but for the scheme. */
  presign(request: PresignableRequest, credentials: AwsCredentials, nowMs: number): string {
    const { host } = this.#options
    const { date, key, stringToSignHead } = this.#momentAt(Math.floor(nowMs / 1000), credentials)
    const { accessKeyId, sessionToken } = credentials
    const query = canonicalQuery({
      ...request.query,
      'X-Amz-Algorithm': 'AWS4-HMAC-SHA256',
      'X-Amz-Credential': `${accessKeyId}/${key.scope}`,
      'X-Amz-Date': date,
      'X-Amz-Expires': String(request.expiresSeconds),
      'X-Amz-SignedHeaders': 'host',
      ...(sessionToken === undefined ? {} : { 'X-Amz-Security-Token': sessionToken }),
    })
    const canonical = `GET\n/\n${query}\nhost:${host}\n\nhost\n${EMPTY_PAYLOAD_HASH}`
    const signature = key.signing.hex(stringToSignHead + hash('sha256', canonical, 'hex'))
    return `${host}/?${query}&X-Amz-Signature=${signature}`
  }

  #momentAt(second: number, credentials: AwsCredentials): Moment {
    const last = this.#moment
    if (last?.second === second && last.credentials === credentials) return last
    const date = new Date(second * 1000).toISOString().replaceAll(/[-:]|\.\d+/g, '')
    const key = this.#keyFor(credentials, date.slice(0, 8))
    const stringToSignHead = `AWS4-HMAC-SHA256\n${date}\n${key.scope}\n`
    this.#moment = { credentials, second, date, key, stringToSignHead, kinds: new Map() }
    return this.#moment
  }

  #addKind(moment: Moment, extraHeaders: SignableHeaders): RequestKind {
    const { sessionToken, accessKeyId } = moment.credentials
    const headers = Object.entries({
      ...extraHeaders,
      host: this.#options.host,
      'x-amz-date': moment.date,
      ...(sessionToken === undefined ? {} : { 'x-amz-security-token': sessionToken }),
    }).toSorted(([one], [other]) => (one < other ? -1 : 1))
    const names = headers.map(([name]) => name).join(';')
    const tail = `\n\n${headers.map(([name, value]) => `${name}:${value}\n`).join('')}\n${names}\n`
    const kind = {
      canonical: Buffer.concat([Buffer.alloc(PATH_BYTES), Buffer.from(tail), Buffer.alloc(HASH_BYTES)]),
      headerHead:
        headers.map(([name, value]) => `${name}: ${value}\r\n`).join('') +
        `authorization: AWS4-HMAC-SHA256 Credential=${accessKeyId}/${moment.key.scope}, ` +
        `SignedHeaders=${names}, Signature=`,
    }
    moment.kinds.set(extraHeaders, kind)
    return kind
  }

  #keyFor(credentials: AwsCredentials, day: string): DayKey {
    if (this.#key?.credentials === credentials && this.#key.day === day) return this.#key
    const { region, service } = this.#options
    const steps = [day, region, service, 'aws4_request']
    const signing = new HmacKey(steps.reduce(hmac, Buffer.from(`AWS4${credentials.secretAccessKey}`)))
    this.#key = { credentials, day, scope: steps.join('/'), signing }
    return this.#key
  }
}

// In one buffer that is used again: with a session token it has a kilobyte, and a text of it is two to collect.
function canonicalRequest({ method, canonicalPath, payloadHash }: SignableRequest, shared: Buffer): Buffer {
  const start = `${method}\n${canonicalPath}`
  shared.write(payloadHash, shared.length - HASH_BYTES, 'latin1')
  if (start.length > PATH_BYTES) return Buffer.concat([Buffer.from(start), shared.subarray(PATH_BYTES)])
  shared.write(start, PATH_BYTES - start.length, 'latin1')
  return shared.subarray(PATH_BYTES - start.length)
}

function canonicalQuery(query: Readonly<Record<string, string>>): string {
  return Object.entries(query)
    .map(([name, value]): [string, string] => [encodeSegment(name), encodeSegment(value)])
    .toSorted(([one], [other]) => (one < other ? -1 : 1))
    .map(([name, value]) => `${name}=${value}`)
    .join('&')
}

/** Encodes a path segment, or part of a query, as Signature Version 4 wants it: all but letters, digits and `-._~`. */
export function encodeSegment(segment: string): string {
  return encodeURIComponent(segment).replaceAll(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}
