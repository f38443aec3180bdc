import type * as jose from 'jose'
import { createPublicKey, createSecretKey, KeyObject, type webcrypto } from 'node:crypto'
import type { Clock } from '../clock.ts'
import { ConfigurationError, StoreError } from '../errors.ts'
import type { JsonObject, JsonValue } from '../message.ts'
import { Refusal } from './user-middleware.ts'

type Jose = typeof jose
/** Where jose gets the key of a token. */
type KeySource = KeyObject | ReturnType<Jose['createRemoteJWKSet']>

/** What a token says, once all of it was checked. */
export interface TokenClaims extends JsonObject {
  /** When it expires, in seconds since the epoch. */
  readonly exp: number
}

/** Who may have signed a token, and what it has to say. */
export interface TokenRules {
  /** `iss` of every token. */
  readonly issuer: string | readonly string[]
  /** One of these is in `aud` of every token. May be left out if {@link claims} tells tokens for others apart. */
  readonly audience?: string | readonly string[]
  /** What other claims have to be: that value, or one of those. */
  readonly claims?: Readonly<Record<string, string | readonly string[]>>
  /** Where the issuer publishes its keys (JWKS). They are kept while the container lives, and fetched again after 10 minutes. */
  readonly jwks?: string
  /** Instead: the issuer's public key, as PEM, JWK or `KeyObject`. */
  readonly key?: string | webcrypto.JsonWebKey | KeyObject
  /** Instead: the secret that the issuer shares with you, of 32 bytes at least. */
  readonly secret?: string | Uint8Array
  /** Algorithms of signatures that are taken. By default all that the keys are for; with `secret` HS256. */
  readonly algorithms?: readonly string[]
  /** How far clocks may differ; 5 by default, at most 300. */
  readonly clockToleranceSeconds?: number
  /** How long the issuer's keys may take to come, in milliseconds; 5000 by default. */
  readonly jwksTimeoutMs?: number
  /** How long after they came they are not fetched again for a token whose key is not among them; 30 by default. */
  readonly jwksCooldownSeconds?: number
}

/** No token is longer: API Gateway takes 10 KB of headers in all. */
const LONGEST_TOKEN = 8_192
const SHORTEST_SECRET = 32
/** More would be no difference of clocks, but a longer life for every token. */
const MOST_TOLERANCE_SECONDS = 300
const SIGNED = /^[\w-]+\.[\w-]+\.[\w-]+$/

const RSA = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512']
const BY_KEY: Readonly<Record<string, readonly string[]>> = {
  rsa: RSA,
  prime256v1: ['ES256'],
  secp384r1: ['ES384'],
  secp521r1: ['ES512'],
  ed25519: ['EdDSA', 'Ed25519'],
}
const ASYMMETRIC = Object.values(BY_KEY).flat()
const SYMMETRIC = ['HS256', 'HS384', 'HS512']

/** Why jose refuses a token, by its code. What is not here says nothing about the token. */
const REASONS: Readonly<Record<string, string>> = {
  ERR_JWT_EXPIRED: 'the token has expired',
  ERR_JWS_SIGNATURE_VERIFICATION_FAILED: 'the signature is wrong',
  ERR_JOSE_ALG_NOT_ALLOWED: 'the algorithm is not among those allowed',
  ERR_JOSE_NOT_SUPPORTED: 'the token asks for what is not supported',
  ERR_JWKS_NO_MATCHING_KEY: 'the issuer has no such key',
  ERR_JWKS_MULTIPLE_MATCHING_KEYS: 'the token names none of the issuer’s keys',
  ERR_JWS_INVALID: 'the token is malformed',
  ERR_JWT_INVALID: 'the token is malformed',
}

/** Checks JWTs. */
export class TokenVerifier {
  readonly #rules: TokenRules
  readonly #clock: Clock
  readonly #algorithms: readonly string[]
  readonly #key: KeyObject | undefined
  readonly #toleranceSeconds: number
  #keys: KeySource | undefined

  /** @throws {@link ConfigurationError} for rules that would let in anybody, or nobody */
  constructor(rules: TokenRules, clock: Clock) {
    requireAddressee(rules)
    this.#rules = rules
    this.#clock = clock
    this.#key = keyOf(rules)
    this.#algorithms = algorithmsOf(rules, this.#key)
    this.#toleranceSeconds = rules.clockToleranceSeconds ?? 5
    if (!(this.#toleranceSeconds >= 0 && this.#toleranceSeconds <= MOST_TOLERANCE_SECONDS)) {
      throw new ConfigurationError(
        `tokenMiddleware has clockToleranceSeconds: ${this.#toleranceSeconds}: use 0 to ${MOST_TOLERANCE_SECONDS}`,
      )
    }
  }

  /**
   * What a token says, or why it is refused.
   *
   * @throws {@link StoreError} if the issuer's keys do not come: that proves nothing about the token
   * @throws {@link ConfigurationError} if the package `jose` is not there
   */
  async verify(token: string): Promise<TokenClaims | Refusal> {
    if (token.length > LONGEST_TOKEN) return new Refusal('the token is too long')
    if (!SIGNED.test(token)) return new Refusal('the token is malformed')
    const library = await loadJose()
    this.#keys ??= this.#key ?? this.#remoteKeys(library)
    try {
      const { payload } = await this.#check(library, token, this.#keys)
      return this.#unlessOther(payload as TokenClaims)
    } catch (error) {
      if (error instanceof library.errors.JWTClaimValidationFailed)
        return new Refusal(`the claim "${error.claim}" is missing or wrong`)
      const reason = error instanceof library.errors.JOSEError ? REASONS[error.code] : undefined
      if (reason === undefined) throw this.#keyFailure(error)
      return new Refusal(reason)
    }
  }

  /** When a token is taken no longer, in milliseconds since the epoch. */
  endOf({ exp }: TokenClaims): number {
    return Math.min((exp + this.#toleranceSeconds) * 1000, Number.MAX_SAFE_INTEGER)
  }

  #check({ jwtVerify }: Jose, token: string, keys: KeySource): Promise<{ readonly payload: object }> {
    const { issuer, audience } = this.#rules
    const options = {
      algorithms: [...this.#algorithms],
      issuer: typeof issuer === 'string' ? issuer : [...issuer],
      ...(audience === undefined
        ? {}
        : { audience: typeof audience === 'string' ? audience : [...audience] }),
      clockTolerance: this.#toleranceSeconds,
      currentDate: new Date(this.#clock.now()),
      requiredClaims: ['exp'],
    }
    return keys instanceof KeyObject ? jwtVerify(token, keys, options) : jwtVerify(token, keys, options)
  }

  #unlessOther(claims: TokenClaims): TokenClaims | Refusal {
    for (const [name, wanted] of Object.entries(this.#rules.claims ?? {})) {
      const value: JsonValue | undefined = Object.hasOwn(claims, name) ? claims[name] : undefined
      const isRight = typeof wanted === 'string' ? value === wanted : wanted.some((one) => one === value)
      if (!isRight) return new Refusal(`the claim "${name}" is missing or wrong`)
    }
    return claims
  }

  #remoteKeys({ createRemoteJWKSet }: Jose): KeySource {
    return createRemoteJWKSet(new URL(this.#rules.jwks ?? ''), {
      timeoutDuration: this.#rules.jwksTimeoutMs ?? 5_000,
      cooldownDuration: 1_000 * (this.#rules.jwksCooldownSeconds ?? 30),
    })
  }

  #keyFailure(error: unknown): unknown {
    const { jwks } = this.#rules
    if (jwks === undefined) return error
    const what = error instanceof Error ? error.message : String(error)
    return new StoreError(
      `a token could not be checked, and its client is not let in: the issuer's keys at ${jwks} did not come (${what}); see that this function reaches that address, and that it answers with a JWKS`,
      { retryable: true, cause: error },
    )
  }
}

async function loadJose(): Promise<Jose> {
  try {
    return await import('jose')
  } catch (cause) {
    throw new ConfigurationError('tokenMiddleware checks tokens with the package jose: npm install jose', {
      cause,
    })
  }
}

function requireAddressee({ issuer, audience, claims = {} }: TokenRules): void {
  if (issuer === undefined || issuer === '' || issuer.length === 0)
    throw new ConfigurationError(
      'tokenMiddleware has no issuer: give the "iss" that tokens have to have, such as https://cognito-idp.eu-west-1.amazonaws.com/{pool id}',
    )
  if ((audience !== undefined && audience.length > 0) || Object.keys(claims).length > 0) return
  throw new ConfigurationError(
    'tokenMiddleware has no audience, so it would take tokens that the issuer made for other applications: give the "aud" that yours have, or claims that only yours have, such as { client_id: "…", token_use: "access" } of Cognito\'s access tokens',
  )
}

/** The one key there is; `undefined` where keys come from the issuer. */
function keyOf({ jwks, key, secret }: TokenRules): KeyObject | undefined {
  const given = Object.entries({ jwks, key, secret }).filter(([, value]) => value !== undefined)
  if (given.length !== 1) {
    throw new ConfigurationError(
      `tokenMiddleware has ${given.map(([name]) => name).join(' and ') || 'no key'}: give one of jwks, key and secret`,
    )
  }
  if (secret !== undefined) return secretKey(secret)
  if (key !== undefined) return publicKey(key)
  requireJwks(jwks ?? '')
  return undefined
}

function requireJwks(jwks: string): void {
  const url = URL.parse(jwks)
  const isLocal = url !== null && /^(?:localhost|127\.0\.0\.1|\[::1\])$/.test(url.hostname)
  if (url?.protocol === 'https:' || (url?.protocol === 'http:' && isLocal)) return
  throw new ConfigurationError(
    `tokenMiddleware has jwks: ${JSON.stringify(jwks)}: use an https URL, for who changes the keys on their way lets in anybody`,
  )
}

function secretKey(secret: string | Uint8Array): KeyObject {
  const bytes = typeof secret === 'string' ? Buffer.from(secret) : secret
  if (bytes.length >= SHORTEST_SECRET) return createSecretKey(bytes)
  throw new ConfigurationError(
    `the secret of tokenMiddleware has ${bytes.length} bytes, and who guesses it can make tokens: use at least ${SHORTEST_SECRET} random ones`,
  )
}

function publicKey(key: string | webcrypto.JsonWebKey | KeyObject): KeyObject {
  try {
    if (key instanceof KeyObject && key.type === 'public') return key
    if (key instanceof KeyObject || typeof key === 'string') return createPublicKey(key)
    return createPublicKey({ key: { ...key }, format: 'jwk' })
  } catch (cause) {
    throw new ConfigurationError(
      'the key of tokenMiddleware is no public key: give it as PEM ("-----BEGIN PUBLIC KEY-----…"), as JWK or as KeyObject; a shared secret is the option secret',
      { cause },
    )
  }
}

/** Algorithms that fit the key: who could choose one that does not could use a public key as a secret. */
function algorithmsOf({ algorithms, secret }: TokenRules, key: KeyObject | undefined): readonly string[] {
  const fitting = secret === undefined ? fittingOf(key) : SYMMETRIC
  const chosen = algorithms ?? (secret === undefined ? fitting : ['HS256'])
  const bad = chosen.find((algorithm) => !fitting.includes(algorithm))
  if (bad === undefined && chosen.length > 0) return chosen
  throw new ConfigurationError(
    `tokenMiddleware has algorithms: ${JSON.stringify(chosen)}, of which ${bad === undefined ? 'none' : `"${bad}"`} fits its key: use ${fitting.join(', ')}`,
  )
}

function fittingOf(key: KeyObject | undefined): readonly string[] {
  if (key === undefined) return ASYMMETRIC
  const { asymmetricKeyType = '', asymmetricKeyDetails } = key
  return BY_KEY[asymmetricKeyDetails?.namedCurve ?? asymmetricKeyType] ?? []
}
