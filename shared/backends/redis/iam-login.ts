import { AbstractConnector, type RedisOptions } from 'ioredis'
import { Socket } from 'node:net'
import { connect } from 'node:tls'
import { type Clock, systemClock } from '../../clock.ts'
import { ConfigurationError } from '../../errors.ts'
import {
  type AwsCredentials,
  CredentialsCache,
  type CredentialsProvider,
} from '../../http/credentials-cache.ts'
import { RequestSigner } from '../../http/request-signer.ts'
import { NoToken } from './redis-failure.ts'

/** How a client logs in to ElastiCache with AWS credentials instead of a password. */
export interface RedisIamOptions {
  /** The ElastiCache user, whose id and name are the same if it uses IAM. */
  readonly userName: string
  /** The name of the serverless cache, or the id of the replication group. */
  readonly cacheName: string
  /** False for a replication group; true by default. */
  readonly isServerless?: boolean
  /** Of the cache. */
  readonly region: string
  /** Who connects. The SDK's `defaultProvider()` fits. What it gives is kept until shortly before it expires. */
  readonly credentials: CredentialsProvider
  readonly clock?: Clock
}

/** Names of users and caches, as ElastiCache allows them. */
const NAME = /^[a-z][a-z0-9-]*$/i
/** The longest that ElastiCache allows. Only the beginning of a connection has to lie within it. */
const TOKEN_SECONDS = 900

/**
 * A password that is different each time it is looked at: a request for `connect`, signed that very second.
 *
 * ioredis takes a password, not a function, and reads it before it dials. But it makes a text of each argument just
 * before it sends a command, and so asks this object for its text with every `AUTH`: of a first connection, of one that
 * is made again, of each node of a cluster, and of every duplicate of the client.
 *
 * https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/auth-iam.html
 */
export class IamToken {
  readonly #query: Readonly<Record<string, string>>
  readonly #signer: RequestSigner
  readonly #provider: CredentialsProvider
  readonly #clock: Clock
  #cache: CredentialsCache
  #credentials: AwsCredentials | undefined

  /** @throws {@link ConfigurationError} if a name cannot be one */
  constructor(options: RedisIamOptions) {
    const { userName, cacheName, region, isServerless = true } = options
    requireName('userName', userName)
    requireName('cacheName', cacheName)
    this.#query = {
      Action: 'connect',
      User: userName,
      ...(isServerless ? { ResourceType: 'ServerlessCache' } : {}),
    }
    // ElastiCache keeps names in lower case, and compares the signature with one over that.
    this.#signer = new RequestSigner({ service: 'elasticache', region, host: cacheName.toLowerCase() })
    this.#provider = options.credentials
    this.#cache = new CredentialsCache(this.#provider)
    this.#clock = options.clock ?? systemClock
  }

  /**
   * Gets credentials, unless there are some; rejects with {@link NoToken} if they cannot be had, or not within `timeoutMs`
   * milliseconds.
   */
  async prepare(timeoutMs: number): Promise<void> {
    const now = this.#clock.now()
    try {
      this.#credentials = this.#cache.current(now) ?? (await this.#renew(now, timeoutMs))
    } catch (error) {
      const said = error instanceof Error ? error.message : String(error)
      throw new NoToken(`no AWS credentials to sign with: ${said}`, { cause: error })
    }
  }

  async #renew(now: number, timeoutMs: number): Promise<AwsCredentials> {
    const cache = this.#cache
    const answered = new AbortController()
    const tooLate = async (): Promise<never> => {
      await this.#clock.sleep(timeoutMs, answered.signal)
      // The cache waits for that answer for ever: another one asks again.
      if (this.#cache === cache) this.#cache = new CredentialsCache(this.#provider)
      throw new Error(`iam.credentials has not answered within ${timeoutMs} ms`)
    }
    try {
      return await Promise.race([cache.renew(now), tooLate()])
    } finally {
      answered.abort()
    }
  }

  toString(): string {
    if (!this.#credentials) throw new NoToken('no AWS credentials to sign with: nobody has asked for them')
    const request = { query: this.#query, expiresSeconds: TOKEN_SECONDS }
    return this.#signer.presign(request, this.#credentials, this.#clock.now())
  }
}

/** What ioredis tells a connector, its own defaults among it. */
type ConnectorOptions = RedisOptions & { readonly disconnectTimeout: number; readonly connectTimeout: number }

/** Dials with TLS once there are credentials to make a token of. */
export function iamConnector(token: IamToken): NonNullable<RedisOptions['Connector']> {
  return class IamConnector extends AbstractConnector {
    readonly #options: ConnectorOptions

    constructor(options: unknown) {
      const known = options as ConnectorOptions
      super(known.disconnectTimeout)
      this.#options = known
    }

    override async connect(): Promise<Socket> {
      this.connecting = true
      const failure = await token.prepare(this.#options.connectTimeout).then(
        () => undefined,
        (error: Error) => error,
      )
      // In the words of ioredis, which we know as those of a connection that was given up.
      if (!this.connecting) throw new Error('Connection is closed.')
      if (failure) return this.#fail(failure)
      this.stream = this.#dial()
      return this.stream
    }

    #dial(): Socket {
      const { host = 'localhost', port = 6_379, tls } = this.#options
      return connect({ host, port, ...tls }).once('error', (error) => (this.firstError = error))
    }

    /**
     * A socket that broke off, so that ioredis dials again after a while. It does so with no connector that rejects, and
     * with no node of a cluster: there who waits is told why.
     */
    #fail(failure: Error): Socket {
      if (this.#options.retryStrategy === null) throw failure
      this.firstError = failure
      this.stream = new Socket().destroy()
      return this.stream
    }
  }
}

function requireName(option: string, name: string): void {
  if (NAME.test(name)) return
  throw new ConfigurationError(
    `iam.${option} of the redis client is ${JSON.stringify(name)}: use the name of ElastiCache: a letter, then letters, digits and "-"`,
  )
}
