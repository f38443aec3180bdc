import { generateKeyPairSync } from 'node:crypto'
import { base64url, SignJWT, UnsecuredJWT } from 'jose'
import { expect, test } from 'vitest'
import type { HttpScope, RequestScope, WebsocketScope } from '../../../shared/application.ts'
import {
  type TokenMiddlewareOptions,
  tokenMiddleware,
  type TokenUser,
} from '../../../shared/auth/token-middleware.ts'
import type { TokenClaims } from '../../../shared/auth/token-verifier.ts'
import type { AnonymousUser, User } from '../../../shared/auth/user.ts'
import { fetchApplication } from '../../../shared/consumers/fetch-application.ts'
import { WebsocketConsumer } from '../../../shared/consumers/websocket-consumer.ts'
import { ConfigurationError, StoreError } from '../../../shared/errors.ts'
import { DenyConnection } from '../../../shared/signals.ts'
import { ManualClock } from '../../../shared/testing/manual-clock.ts'
import { TestGateway } from '../../../shared/testing/test-gateway.ts'
import { WebsocketCommunicator } from '../../../shared/testing/websocket-communicator.ts'
import { FakeConnection, FakeLogger, fakeScope } from '../../support/fake-connection.ts'
import { Issuer } from '../../support/issuer.ts'
import { CallRecorder, ignoreFrames } from '../../support/recording-application.ts'

const CONNECT = { type: 'websocket.connect' }
const SECRET = 'a secret of at least thirty-two bytes, for tests alone'
const SLOW = 30_000

type Scope = RequestScope & { readonly user: User | AnonymousUser; readonly userExpiresAt: number | null }

type Options = TokenMiddlewareOptions<User>

/** Options to set, or to leave out. */
type Changes = { readonly [K in keyof Options]?: Options[K] | undefined }

interface Stage extends AsyncDisposable {
  readonly clock: ManualClock
  readonly issuer: Issuer
  readonly connection: FakeConnection
  readonly seen: CallRecorder
  /** Opens a connection with what `handshake` says; resolves to the status. */
  open(handshake: Partial<WebsocketScope>, options?: Changes): Promise<number>
  bearer(token: string): Partial<WebsocketScope>
}

/** Keys that the middleware fetched stay with it, so a stage has one of them. */
async function setUp(): Promise<Stage> {
  const clock = new ManualClock()
  const issuer = await Issuer.start(clock)
  const connection = new FakeConnection()
  const seen = new CallRecorder()
  const rules = { issuer: issuer.name, audience: 'chat', jwks: issuer.jwks, clock }
  const usual = tokenMiddleware(rules)
  return {
    clock,
    issuer,
    connection,
    seen,
    bearer: (token) => ({ headers: { authorization: [`Bearer ${token}`] } }),
    async open(handshake, options) {
      const middleware =
        options === undefined ? usual : tokenMiddleware({ ...rules, ...options } as typeof rules)
      const application = middleware((scope: Scope, message, send) =>
        seen.application('inner')(scope, message, send),
      )
      try {
        await application(fakeScope({ connection, ...handshake }), CONNECT, ignoreFrames)
        return 200
      } catch (error) {
        if (error instanceof DenyConnection) return error.status
        throw error
      }
    },
    [Symbol.asyncDispose]: () => issuer[Symbol.asyncDispose](),
  }
}

/** Everything that was logged, kept and counted, as text. */
function traces({ connection }: Stage): string {
  return JSON.stringify([connection.logger.lines, [...connection.remembered], [...connection.counts]])
}

test(
  'a token in Authorization says who the user is, and when the connection ends',
  { timeout: SLOW },
  async () => {
    await using stage = await setUp()
    const { clock, issuer, seen, connection, bearer } = stage

    expect(await stage.open(bearer(await issuer.token({ lifeSeconds: 600 })))).toBe(200)

    const end = clock.now() + 605_000
    expect(seen.last.scope).toMatchObject({ user: { id: 'ann' }, userExpiresAt: end })
    expect(connection.end).toEqual({ at: end, code: 4401 })
  },
)

test(
  'a token among the subprotocols does too, and is none of those that can be accepted',
  { timeout: SLOW },
  async () => {
    await using stage = await setUp()
    const token = await stage.issuer.token()

    expect(await stage.open({ subprotocols: ['chat.v1', `bearer.${token}`] })).toBe(200)

    expect(stage.seen.last.scope).toMatchObject({ user: { id: 'ann' }, subprotocols: ['chat.v1'] })
    expect(traces(stage)).not.toContain(token.slice(0, 20))
  },
)

test(
  'a token in the query is taken where the application says so, and is neither stored nor seen further in',
  { timeout: SLOW },
  async () => {
    await using stage = await setUp()
    const query = { token: await stage.issuer.token(), room: 'a' }

    expect(await stage.open({ query })).toBe(401)
    expect(await stage.open({ query }, { from: [{ query: 'token' }] })).toBe(200)

    expect(stage.seen.last.scope['query']).toEqual({ room: 'a' })
    expect([...stage.connection.forgotten]).toEqual(['token'])
  },
)

test(
  'a client without a token is refused, or is nobody where that is allowed',
  { timeout: SLOW },
  async () => {
    await using stage = await setUp()

    expect(await stage.open({})).toBe(401)
    expect(await stage.open({ headers: { authorization: ['Basic YTpi'] } })).toBe(401)
    expect(await stage.open({}, { allowAnonymous: true })).toBe(200)

    expect(stage.seen.calls).toHaveLength(1)
    expect(stage.seen.last.scope).toMatchObject({ user: { id: null }, userExpiresAt: null })
    expect(stage.connection.end).toBeUndefined()
  },
)

test('a token that is no good is refused also where nobody needs one', { timeout: SLOW }, async () => {
  await using stage = await setUp()

  const token = await stage.issuer.token()
  for (const header of ['Bearer a.b.c', 'Bearer', 'bearer ', `Bearer ${token}, Bearer ${token}`]) {
    const handshake = { headers: { authorization: [header] } }
    expect([header, await stage.open(handshake, { allowAnonymous: true })]).toEqual([header, 401])
  }
  expect(stage.seen.calls).toEqual([])
})

test('several tokens are refused, whichever is right', { timeout: SLOW }, async () => {
  await using stage = await setUp()
  const token = await stage.issuer.token()

  expect(await stage.open({ ...stage.bearer(token), subprotocols: [`bearer.${token}`] })).toBe(401)
  expect(await stage.open({ headers: { authorization: [`Bearer ${token}`, `Bearer ${token}`] } })).toBe(401)
})

test(
  'every wrong token is refused with 401, counted, and told in one line without it',
  { timeout: SLOW },
  async () => {
    await using stage = await setUp()
    const { issuer } = stage
    const good = await issuer.token()
    const [head = '', body = '', signature = ''] = good.split('.')
    const later = Math.floor(stage.clock.now() / 1000) + 600
    const claimsAs = { iss: issuer.name, aud: 'chat', sub: 'ann', exp: later }
    const hmac = await new SignJWT(claimsAs)
      .setProtectedHeader({ alg: 'HS256', kid: 'key-1' })
      .sign(Buffer.from(SECRET))
    const wrong: readonly (readonly [string, string])[] = [
      ['the token has expired', await issuer.token({ lifeSeconds: -6 })],
      [
        'the claim "iss" is missing or wrong',
        await issuer.token({ claims: { iss: 'https://evil.example' } }),
      ],
      ['the claim "aud" is missing or wrong', await issuer.token({ claims: { aud: 'shop' } })],
      ['the claim "nbf" is missing or wrong', await issuer.token({ claims: { nbf: later } })],
      ['the claim "exp" is missing or wrong', await issuer.token({ claims: { exp: undefined } })],
      ['the issuer has no such key', await issuer.token({ kid: 'key-9' })],
      ['the signature is wrong', `${head}.${body}.${signature.slice(0, -6)}AAAAAA`],
      [
        'the signature is wrong',
        `${head}.${base64url.encode(JSON.stringify({ ...claimsAs, sub: 'eve' }))}.${signature}`,
      ],
      ['the algorithm is not among those allowed', hmac],
      ['the token is malformed', new UnsecuredJWT(claimsAs).encode()],
      [
        'the algorithm is not among those allowed',
        `${base64url.encode('{"alg":"none"}')}.${body}.${signature}`,
      ],
      ['the token is malformed', `${head}..${signature}`],
      ['the token is malformed', 'not a token'.replaceAll(' ', '')],
      ['the token is too long', `${good}${'A'.repeat(8_192)}`],
      ['the token is of no user', await issuer.token({ claims: { sub: '' } })],
    ]
    for (const [reason, token] of wrong) {
      const before = stage.connection.logger.lines.length
      expect([reason, await stage.open(stage.bearer(token))]).toEqual([reason, 401])
      const lines = stage.connection.logger.lines.slice(before)
      expect(lines.map(({ level, message }) => `${level} ${message}`)).toEqual([
        `info handshake refused with 401 by tokenMiddleware: ${reason}`,
      ])
      expect(traces(stage)).not.toContain(token)
    }
    expect(stage.seen.calls).toEqual([])
    expect(stage.connection.counts.get('tokenRefused')).toBe(wrong.length)
  },
)

test('clocks may differ by as much as was allowed', { timeout: SLOW }, async () => {
  await using stage = await setUp()
  const expired = stage.bearer(await stage.issuer.token({ lifeSeconds: -50 }))

  expect(await stage.open(expired)).toBe(401)
  expect(await stage.open(expired, { clockToleranceSeconds: 60 })).toBe(200)
})

test(
  "other claims tell one application's tokens from another's, as Cognito's access tokens need it",
  { timeout: SLOW },
  async () => {
    await using stage = await setUp()
    const { issuer } = stage
    const options = { audience: undefined, claims: { token_use: 'access', client_id: ['web', 'app'] } }
    const tokenOf = async (claims: object): Promise<Partial<WebsocketScope>> =>
      stage.bearer(await issuer.token({ claims: { aud: undefined, ...claims } }))

    expect(await stage.open(await tokenOf({ token_use: 'access', client_id: 'app' }), options)).toBe(200)
    expect(await stage.open(await tokenOf({ token_use: 'id', client_id: 'app' }), options)).toBe(401)
    expect(await stage.open(await tokenOf({ token_use: 'access', client_id: 'shop' }), options)).toBe(401)
    expect(await stage.open(await tokenOf({ token_use: 'access' }), options)).toBe(401)
  },
)

test(
  'the user is what the application makes of the claims, and nobody where it makes nothing',
  { timeout: SLOW },
  async () => {
    await using stage = await setUp()
    const user = ({ sub, role }: TokenClaims): User | undefined =>
      role === 'blocked' ? undefined : { id: `${JSON.stringify(role)} ${JSON.stringify(sub)}` }

    expect(
      await stage.open(stage.bearer(await stage.issuer.token({ claims: { role: 'admin' } })), { user }),
    ).toBe(200)
    expect(stage.seen.last.scope['user']).toEqual({ id: '"admin" "ann"' })
    expect(
      await stage.open(stage.bearer(await stage.issuer.token({ claims: { role: 'blocked' } })), { user }),
    ).toBe(401)
  },
)

test('keys are fetched once, and again for a key that is not among them', { timeout: SLOW }, async () => {
  await using stage = await setUp()
  const { issuer, clock } = stage
  const rules = { issuer: issuer.name, audience: 'chat', jwks: issuer.jwks, clock, jwksCooldownSeconds: 0 }
  const application = tokenMiddleware(rules)(stage.seen.application('inner'))
  const open = (token: string): Promise<void> =>
    application(fakeScope({ ...stage.bearer(token) }), CONNECT, ignoreFrames)

  await open(await issuer.token())
  await open(await issuer.token())
  expect(issuer.requests).toBe(1)
  await issuer.rotate()
  await open(await issuer.token())

  expect(issuer.requests).toBe(2)
  expect(stage.seen.calls).toHaveLength(3)
})

test(
  'keys are not fetched for every token that names one that does not exist',
  { timeout: SLOW },
  async () => {
    await using stage = await setUp()
    const { issuer } = stage
    const first = await issuer.token()
    await Promise.all([stage.open(stage.bearer(first)), stage.open(stage.bearer(first))])
    await stage.open(stage.bearer(first))
    expect(issuer.requests).toBe(1)

    await issuer.rotate()
    const second = await issuer.token()

    // For 30 seconds a key that is missing is not asked for, or anybody could have it asked for at every handshake.
    expect(await stage.open(stage.bearer(second))).toBe(401)
    expect(issuer.requests).toBe(1)
    // A cold container asks at once, and takes what was signed before as well.
    expect(await stage.open(stage.bearer(second), {})).toBe(200)
    expect(await stage.open(stage.bearer(first), {})).toBe(200)
  },
)

test.each(['broken', 'nonsense', 'silent'] as const)(
  'where the keys are %s nobody is let in, and the log says what is wrong',
  { timeout: SLOW },
  async (mode) => {
    await using stage = await setUp()
    const token = await stage.issuer.token()
    stage.issuer.mode = mode

    const failure: unknown = await stage
      .open(stage.bearer(token), { jwksTimeoutMs: 300 })
      .catch((error: unknown) => error)

    expect(failure).toBeInstanceOf(StoreError)
    expect((failure as StoreError).message).toMatch(
      /^a token could not be checked, and its client is not let in: the issuer's keys at http:\/\/127\.0\.0\.1:\d+\/jwks\.json did not come \(/,
    )
    expect((failure as StoreError).message).not.toContain(token)
    expect(stage.seen.calls).toEqual([])
    expect(stage.connection.counts.get('tokenKeysMissing')).toBe(1)

    stage.issuer.mode = 'keys'
    expect(await stage.open(stage.bearer(token), {})).toBe(200)
  },
)

test(
  'a shared secret is taken for HS256, and for nothing that needs a public key',
  { timeout: SLOW },
  async () => {
    await using stage = await setUp()
    const options = { jwks: undefined, secret: SECRET }
    const claims = {
      iss: stage.issuer.name,
      aud: 'chat',
      sub: 'bob',
      exp: Math.floor(stage.clock.now() / 1000) + 60,
    }
    const signed = async (alg: string): Promise<Partial<WebsocketScope>> =>
      stage.bearer(await new SignJWT(claims).setProtectedHeader({ alg }).sign(Buffer.from(SECRET)))

    expect(await stage.open(await signed('HS256'), options)).toBe(200)
    expect(stage.seen.last.scope['user']).toEqual({ id: 'bob' })
    expect(await stage.open(await signed('HS512'), options)).toBe(401)
    expect(await stage.open(stage.bearer(await stage.issuer.token()), options)).toBe(401)
  },
)

test('a public key as text is never a secret', { timeout: SLOW }, async () => {
  await using stage = await setUp()
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString()
  const claims = {
    iss: stage.issuer.name,
    aud: 'chat',
    sub: 'bob',
    exp: Math.floor(stage.clock.now() / 1000) + 60,
  }
  const right = await new SignJWT(claims).setProtectedHeader({ alg: 'RS256' }).sign(privateKey)
  const forged = await new SignJWT(claims).setProtectedHeader({ alg: 'HS256' }).sign(Buffer.from(pem))
  const options = { jwks: undefined, key: pem }

  expect(await stage.open(stage.bearer(right), options)).toBe(200)
  expect(await stage.open(stage.bearer(forged), options)).toBe(401)
})

const rules = { issuer: 'https://login.example', audience: 'chat', secret: SECRET }
const wirings: readonly (readonly [string, Partial<TokenMiddlewareOptions<TokenUser>>, RegExp])[] = [
  ['no issuer', { issuer: '' }, /^tokenMiddleware has no issuer/],
  [
    'no audience',
    { audience: undefined } as never,
    /^tokenMiddleware has no audience, so it would take tokens/,
  ],
  ['an empty list as audience', { audience: [] }, /^tokenMiddleware has no audience/],
  [
    'no key',
    { secret: undefined } as never,
    /^tokenMiddleware has no key: give one of jwks, key and secret$/,
  ],
  ['two keys', { jwks: 'https://a.example/' }, /^tokenMiddleware has jwks and secret: give one/],
  ['a short secret', { secret: 'short' }, /^the secret of tokenMiddleware has 5 bytes/],
  ['keys over plain HTTP', { secret: undefined, jwks: 'http://a.example/' } as never, /use an https URL/],
  ['a key that is none', { secret: undefined, key: 'nonsense' } as never, /is no public key/],
  ['the algorithm none', { algorithms: ['none'] }, /of which "none" fits its key: use HS256, HS384, HS512$/],
  ['an algorithm of public keys for a secret', { algorithms: ['RS256'] }, /of which "RS256" fits its key/],
  [
    'HS256 for the keys of an issuer',
    { secret: undefined, jwks: 'https://a.example/', algorithms: ['HS256'] } as never,
    /"HS256" fits/,
  ],
  ['no algorithms', { algorithms: [] }, /of which none fits its key/],
  ['a negative tolerance', { clockToleranceSeconds: -1 }, /has clockToleranceSeconds: -1: use 0 to 300$/],
  [
    'a tolerance without end',
    { clockToleranceSeconds: Infinity },
    /has clockToleranceSeconds: Infinity: use/,
  ],
  ['a tolerance above 5 minutes', { clockToleranceSeconds: 301 }, /has clockToleranceSeconds: 301: use/],
  ['no source', { from: [] }, /^tokenMiddleware has from: \[\]/],
  ['a source that is none', { from: ['cookie'] as never }, /^tokenMiddleware has from: \["cookie"\]/],
]

test.each(wirings)('%s is refused when the middleware is made', (_what, change, message) => {
  expect(() => tokenMiddleware({ ...rules, ...change } as typeof rules)).toThrow(ConfigurationError)
  expect(() => tokenMiddleware({ ...rules, ...change } as typeof rules)).toThrow(message)
})

test('no message about a secret shows it', () => {
  expect(() => tokenMiddleware({ ...rules, secret: 'hunter2' })).toThrow(/^(?!.*hunter2).* has 7 bytes/)
})

test(
  'a token in the URL of a request reaches no view, and the rest of the URL is as it was',
  { timeout: SLOW },
  async () => {
    await using stage = await setUp()
    const urls: string[] = []
    const view = fetchApplication(async ({ url }, { scope }) => {
      urls.push(url, scope.queryString, JSON.stringify(scope.query))
      return new Response()
    })
    const application = tokenMiddleware({
      issuer: stage.issuer.name,
      audience: 'chat',
      jwks: stage.issuer.jwks,
      clock: stage.clock,
      from: [{ query: 'token' }],
    })(view)
    const token = await stage.issuer.token()
    const queryString = `a=1&token=none&b=%2f&t%6Fken=${token}&a=2`
    const scope = {
      type: 'http',
      method: 'GET',
      scheme: 'https',
      path: '/rooms',
      query: Object.fromEntries(new URLSearchParams(queryString)),
      queryString,
      client: undefined,
      connection: stage.connection,
      headers: { host: ['chat.example'] },
    } as const

    await application(scope, { type: 'http.request' }, ignoreFrames)

    expect(urls).toEqual(['https://chat.example/rooms?a=1&b=%2f&a=2', 'a=1&b=%2f&a=2', '{"a":"2","b":"/"}'])
  },
)

test('a request over HTTP is checked in the same way', { timeout: SLOW }, async () => {
  await using stage = await setUp()
  const scope = {
    type: 'http',
    method: 'GET',
    scheme: 'https',
    path: '/rooms',
    query: {},
    queryString: '',
    client: undefined,
    connection: stage.connection,
    headers: { authorization: [`Bearer ${await stage.issuer.token()}`] },
  } as const
  const application = tokenMiddleware({
    issuer: stage.issuer.name,
    audience: 'chat',
    jwks: stage.issuer.jwks,
    clock: stage.clock,
  })((inner: HttpScope & { readonly user: TokenUser }, message, send) =>
    stage.seen.application('view')(inner, message, send),
  )

  await application(scope, { type: 'http.request' }, ignoreFrames)
  expect(stage.seen.last.scope['user']).toEqual({ id: 'ann' })
  await expect(
    application({ ...scope, headers: {} }, { type: 'http.request' }, ignoreFrames),
  ).rejects.toThrow(DenyConnection)
  expect(stage.connection.logger.lines).toEqual([
    {
      level: 'info',
      message: 'request refused with 401 by tokenMiddleware: no credential',
      details: { path: '/rooms' },
    },
  ])
})

test('a job of a worker has no user, and is told to go another way', async () => {
  const application = tokenMiddleware(rules)(async () => {})
  const scope = { type: 'channel', connection: new FakeConnection() } as never

  await expect(application(scope, { type: 'job' }, ignoreFrames)).rejects.toThrow(
    /^tokenMiddleware got a scope of type "channel", which has no user/,
  )
})

class WhoConsumer extends WebsocketConsumer<WebsocketScope & { readonly user: TokenUser }> {
  override async connect(): Promise<void> {
    await this.accept(this.scope.subprotocols[0])
  }
  override async receive(): Promise<void> {
    await this.send(JSON.stringify({ user: this.scope.user, subprotocols: this.scope.subprotocols }))
  }
}

test('a silent connection of a test ends when its clock is turned', { timeout: SLOW }, async () => {
  await using stage = await setUp()
  const { clock, issuer } = stage
  const rules = { issuer: issuer.name, audience: 'chat', jwks: issuer.jwks, clock }
  const application = tokenMiddleware(rules)(WhoConsumer.asApplication())
  const gateway = new TestGateway(application, { clock })
  const token = await issuer.token({ lifeSeconds: 1_000 })
  const subprotocols = ['chat.v1', `bearer.${token}`]
  await using client = new WebsocketCommunicator(application, '/', { gateway, subprotocols })
  await client.connect()
  await clock.advance(1_004_999)
  await gateway.deliverDue()
  expect(client.isClosed).toBe(false)

  await clock.advance(1)
  await gateway.deliverDue()

  expect(client.isClosed).toBe(true)
  expect(await client.receiveJsonFrom()).toEqual({ type: 'websocket.close', code: 4401, reason: '' })
})

test(
  'later events of the connection, in other containers, have the user and not the token',
  { timeout: SLOW },
  async () => {
    await using stage = await setUp()
    const { clock, issuer } = stage
    const logger = new FakeLogger()
    const application = tokenMiddleware({ issuer: issuer.name, audience: 'chat', jwks: issuer.jwks, clock })(
      WhoConsumer.asApplication(),
    )
    const gateway = new TestGateway(application, { clock, logger })
    const token = await issuer.token()
    await using client = new WebsocketCommunicator(application, '/', {
      gateway,
      subprotocols: ['chat.v1', `bearer.${token}`],
    })

    expect(await client.connect()).toEqual([true, 'chat.v1'])
    await client.sendTo('who?')

    expect(await client.receiveJsonFrom()).toEqual({ user: { id: 'ann' }, subprotocols: ['chat.v1'] })
    const stored = JSON.stringify([await gateway.store.load(client.channelName), logger.lines])
    expect(stored).toContain('"ann"')
    expect(stored).not.toContain(token.slice(0, 20))
  },
)
