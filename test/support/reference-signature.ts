import { createHash, createHmac } from 'node:crypto'
import { SignatureV4 } from '@smithy/signature-v4'
import type { AwsCredentials } from '../../shared/http/credentials-cache.ts'

/** What is to be signed. */
export interface ReferenceRequest {
  readonly service: string
  readonly region: string
  readonly method: string
  /** As on the wire. */
  readonly path: string
  /** With `host`. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array | string
  readonly credentials: AwsCredentials
  readonly nowMs: number
}

/** The `authorization` header that AWS's own signer makes. */
export async function referenceSignature(request: ReferenceRequest): Promise<string> {
  const { service, region, method, path, headers, body, credentials, nowMs } = request
  const { sessionToken, accessKeyId, secretAccessKey } = credentials
  const signer = new SignatureV4({
    service,
    region,
    credentials: { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) },
    sha256: Sha256,
    applyChecksum: false,
  })
  const signed = await signer.sign(
    { method, protocol: 'https:', hostname: 'ignored', path, query: {}, headers: { ...headers }, body },
    { signingDate: new Date(nowMs) },
  )
  return signed.headers['authorization'] ?? ''
}

/** What is to be signed in the query of a `GET /`. */
export interface ReferenceQuery {
  readonly service: string
  readonly region: string
  readonly host: string
  readonly query: Readonly<Record<string, string>>
  readonly expiresSeconds: number
  readonly credentials: AwsCredentials
  readonly nowMs: number
}

/** The query by name that AWS's own signer makes, with the signature. */
export async function referenceQuery(request: ReferenceQuery): Promise<Readonly<Record<string, unknown>>> {
  const { service, region, host, query, expiresSeconds, credentials, nowMs } = request
  const { sessionToken, accessKeyId, secretAccessKey } = credentials
  const signer = new SignatureV4({
    service,
    region,
    credentials: { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) },
    sha256: Sha256,
    applyChecksum: false,
  })
  const signed = await signer.presign(
    {
      method: 'GET',
      protocol: 'http:',
      hostname: host,
      path: '/',
      query: { ...query },
      headers: { host },
    },
    { signingDate: new Date(nowMs), expiresIn: expiresSeconds },
  )
  return signed.query ?? {}
}

class Sha256 {
  readonly #hash: { update(data: Uint8Array | string): unknown; digest(): Buffer }

  constructor(secret?: unknown) {
    this.#hash = secret === undefined ? createHash('sha256') : createHmac('sha256', secret as Uint8Array)
  }

  update(data: Uint8Array | string): void {
    this.#hash.update(data)
  }

  async digest(): Promise<Uint8Array> {
    return this.#hash.digest()
  }

  reset(): void {
    throw new Error('a signer never resets a hash')
  }
}
