import { ConfigurationError } from '../errors.ts'

/** AWS credentials, as the SDK's credential providers return them. */
export interface AwsCredentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string | undefined
  readonly expiration?: Date | undefined
}

/** Where credentials come from. The SDK's `defaultProvider()` fits. */
export type CredentialsProvider = () => Promise<AwsCredentials>

/** Credentials are renewed this long before they expire. */
const RENEWAL_MARGIN_MS = 60_000

/** Credentials without an expiry are asked for again after this long. */
const REUSE_MS = 300_000

/** Even credentials about to expire serve this long, or every call of a fan-out would ask for new ones. */
const SHORTEST_REUSE_MS = 1000

const PRINTABLE = /^[\x21-\x7e]+$/

/** Keeps the credentials of a provider until shortly before they expire. */
export class CredentialsCache {
  readonly #provider: CredentialsProvider
  #credentials: AwsCredentials | undefined
  #validUntil = 0
  #pending: Promise<AwsCredentials> | undefined

  constructor(provider: CredentialsProvider) {
    this.#provider = provider
  }

  /** The credentials at hand, if they are still good. */
  current(nowMs: number): AwsCredentials | undefined {
    return nowMs < this.#validUntil ? this.#credentials : undefined
  }

  /** Asks the provider, once for all who ask meanwhile; rejects with its error. */
  renew(nowMs: number): Promise<AwsCredentials> {
    this.#pending ??= this.#ask(nowMs).finally(() => {
      this.#pending = undefined
    })
    return this.#pending
  }

  /**
   * Other credentials than `refused`, which the service did not take; `undefined` if the provider has none. Rejects
   * with the provider's error.
   */
  async replace(refused: AwsCredentials, nowMs: number): Promise<AwsCredentials | undefined> {
    const known = this.current(nowMs)
    if (known && !isSame(known, refused)) return known
    this.#validUntil = 0
    const renewed = await this.renew(nowMs)
    return isSame(renewed, refused) ? undefined : renewed
  }

  async #ask(nowMs: number): Promise<AwsCredentials> {
    const credentials = await this.#provider()
    requirePrintable('accessKeyId', credentials.accessKeyId)
    requirePrintable('secretAccessKey', credentials.secretAccessKey)
    if (credentials.sessionToken !== undefined) requirePrintable('sessionToken', credentials.sessionToken)
    const expiresAt = credentials.expiration?.getTime()
    const validUntil = expiresAt === undefined ? nowMs + REUSE_MS : expiresAt - RENEWAL_MARGIN_MS
    this.#validUntil = Math.max(validUntil, nowMs + SHORTEST_REUSE_MS)
    this.#credentials = credentials
    return credentials
  }
}

function isSame(one: AwsCredentials, other: AwsCredentials): boolean {
  return (
    one.accessKeyId === other.accessKeyId &&
    one.secretAccessKey === other.secretAccessKey &&
    one.sessionToken === other.sessionToken
  )
}

// Credentials go into header lines as they are, so a line break would forge a header. Never quote the value.
function requirePrintable(name: string, value: unknown): void {
  if (typeof value === 'string' && PRINTABLE.test(value)) return
  const what =
    typeof value === 'string' && value !== ''
      ? 'has a space, a line break or a non-ASCII character'
      : 'is missing'
  throw new ConfigurationError(`credentials: ${name} ${what}: check what the credential provider reads`)
}
