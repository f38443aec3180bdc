import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type CryptoKey, exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose'
import type { Clock } from '../../shared/clock.ts'

/** What a token is made of. */
export interface TokenParts {
  readonly claims?: Readonly<Record<string, unknown>>
  readonly kid?: string
  readonly lifeSeconds?: number
}

interface Key {
  readonly kid: string
  readonly privateKey: CryptoKey
  readonly publicJwk: JWK
}

/** Who makes tokens: a server on this machine that publishes its keys, and can be broken. */
export class Issuer implements AsyncDisposable {
  readonly name = 'https://login.example'
  /** How often the keys were asked for. */
  requests = 0
  /** How the server answers. */
  mode: 'keys' | 'broken' | 'silent' | 'nonsense' = 'keys'
  readonly #server: Server
  readonly #clock: Clock
  readonly #keys: Key[] = []
  #published: readonly Key[] = []

  private constructor(clock: Clock) {
    this.#clock = clock
    this.#server = createServer((_request, response) => {
      this.requests += 1
      if (this.mode === 'silent') return
      response.statusCode = this.mode === 'broken' ? 503 : 200
      const jwks = JSON.stringify({ keys: this.#published.map(({ publicJwk }) => publicJwk) })
      response.end(this.mode === 'nonsense' ? '<html>' : jwks)
    })
  }

  static async start(clock: Clock): Promise<Issuer> {
    const issuer = new Issuer(clock)
    await issuer.rotate()
    issuer.#server.listen(0, '127.0.0.1')
    await once(issuer.#server, 'listening')
    return issuer
  }

  get jwks(): string {
    const { port } = this.#server.address() as AddressInfo
    return `http://127.0.0.1:${port}/jwks.json`
  }

  /** Makes a new key, publishes it and the one before, and signs with it. */
  async rotate(): Promise<void> {
    const { privateKey, publicKey } = await generateKeyPair('ES256')
    const kid = `key-${this.#keys.length + 1}`
    const publicJwk = { ...(await exportJWK(publicKey)), kid, alg: 'ES256', use: 'sig' }
    this.#keys.push({ kid, privateKey, publicJwk })
    this.#published = this.#keys.slice(-2)
  }

  /** A token that is right, but for what `parts` say. */
  async token({ claims = {}, kid, lifeSeconds = 3_600 }: TokenParts = {}): Promise<string> {
    const key = this.#keys.at(-1)
    if (key === undefined) throw new Error('the issuer has no key')
    const now = Math.floor(this.#clock.now() / 1000)
    const payload = { iss: this.name, aud: 'chat', sub: 'ann', iat: now, exp: now + lifeSeconds, ...claims }
    return new SignJWT(payload).setProtectedHeader({ alg: 'ES256', kid: kid ?? key.kid }).sign(key.privateKey)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }
}
