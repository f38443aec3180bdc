import fc from 'fast-check'
import { base64url } from 'jose'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { WebsocketScope } from '../../shared/application.ts'
import { mintTicket } from '../../shared/auth/tickets.ts'
import { tokenMiddleware } from '../../shared/auth/token-middleware.ts'
import { MemoryTicketStore } from '../../shared/backends/memory/memory-ticket-store.ts'
import { DenyConnection } from '../../shared/signals.ts'
import { ManualClock } from '../../shared/testing/manual-clock.ts'
import { FakeConnection, fakeScope } from '../support/fake-connection.ts'
import { Issuer } from '../support/issuer.ts'
import { CallRecorder, ignoreFrames } from '../support/recording-application.ts'

const SLOW = 120_000
const clock = new ManualClock()
const tickets = new MemoryTicketStore({ clock })
let issuer: Issuer
let good = ''

beforeAll(async () => {
  issuer = await Issuer.start(clock)
  good = await issuer.token()
}, SLOW)
afterAll(() => issuer[Symbol.asyncDispose]())

interface Attempt {
  readonly status: number
  readonly traces: string
  readonly refused: number
  readonly lines: number
}

let authenticated: ReturnType<typeof tokenMiddleware> | undefined

/** One handshake. Whatever else than a refusal comes of a bad credential is thrown. */
async function open(handshake: Partial<WebsocketScope>): Promise<Attempt> {
  authenticated ??= tokenMiddleware({
    issuer: issuer.name,
    audience: 'chat',
    jwks: issuer.jwks,
    tickets,
    clock,
  })
  const connection = new FakeConnection()
  const inner = new CallRecorder().application('inner')
  let status = 200
  try {
    await authenticated(inner)(
      fakeScope({ connection, ...handshake }),
      { type: 'websocket.connect' },
      ignoreFrames,
    )
  } catch (error) {
    if (!(error instanceof DenyConnection)) throw error
    status = error.status
  }
  const traces = JSON.stringify([connection.logger.lines, [...connection.remembered]])
  const refused = connection.counts.get('tokenRefused') ?? 0
  return { status, traces, refused, lines: connection.logger.lines.length }
}

async function expectRefused(credential: string): Promise<void> {
  for (const handshake of [
    { headers: { authorization: [`Bearer ${credential}`] } },
    { subprotocols: [`bearer.${credential}`] },
    { subprotocols: ['chat.v1', `ticket.${credential}`] },
  ]) {
    const { status, traces, refused, lines } = await open(handshake)
    expect([status, refused, lines]).toEqual([401, 1, 1])
    // A short one may be a part of any line.
    const shown = credential.length > 8 ? JSON.stringify(credential).slice(1, -1) : '(too short to tell)'
    expect(traces).not.toContain(shown)
  }
}

test(
  'any text is refused with 401, counted, and told in one line without it',
  { timeout: SLOW },
  async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(fc.string(), fc.string({ unit: 'binary', maxLength: 60 }), fc.base64String()),
        expectRefused,
      ),
      { numRuns: 200 },
    )
  },
)

const part = fc.oneof(
  fc.json().map((text) => base64url.encode(text)),
  fc.base64String().map((text) => text.replaceAll(/[+/=]/g, '_')),
  fc.constantFrom('', 'e30', base64url.encode('{"alg":"ES256","kid":"key-1"}'), base64url.encode('null')),
)
const header = fc
  .record(
    {
      alg: fc.oneof(fc.constantFrom('ES256', 'none', 'None', 'HS256', 'RS256', 'EdDSA', ''), fc.jsonValue()),
      kid: fc.oneof(fc.constantFrom('key-1', 'key-2', '__proto__'), fc.jsonValue()),
      crit: fc.oneof(fc.constantFrom(['exp'], ['b64']), fc.jsonValue()),
      b64: fc.boolean(),
      jku: fc.constant('https://evil.example/jwks.json'),
      jwk: fc.jsonValue(),
      typ: fc.jsonValue(),
      zip: fc.constant('DEF'),
    },
    { requiredKeys: [] },
  )
  .map((value) => base64url.encode(JSON.stringify(value)))

test('whatever looks like a token and is signed by nobody is refused', { timeout: SLOW }, async () => {
  const likeToken = fc.tuple(fc.oneof(header, part), part, part).map((parts) => parts.join('.'))

  await fc.assert(fc.asyncProperty(likeToken, expectRefused), { numRuns: 300 })
})

test('a right token of which one character was changed is refused', { timeout: SLOW }, async () => {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.'.split('')
  await fc.assert(
    fc.asyncProperty(fc.nat(), fc.constantFrom(...alphabet), async (position, character) => {
      const at = position % good.length
      fc.pre(good[at] !== character)
      const changed = good.slice(0, at) + character + good.slice(at + 1)
      // Only 4 of the 6 bits of the last character of 64 bytes are read.
      fc.pre(!isSameSignature(changed))

      expect((await open({ subprotocols: [`bearer.${changed}`] })).status).toBe(401)
    }),
    { numRuns: 300 },
  )
  expect((await open({ subprotocols: [`bearer.${good}`] })).status).toBe(200)
})

function isSameSignature(changed: string): boolean {
  const [head, signature] = [
    changed.slice(0, changed.lastIndexOf('.')),
    changed.slice(changed.lastIndexOf('.') + 1),
  ]
  const [goodHead, goodSignature] = [
    good.slice(0, good.lastIndexOf('.')),
    good.slice(good.lastIndexOf('.') + 1),
  ]
  const bytes = (text: string): string => Buffer.from(text, 'base64url').toString('hex')
  return head === goodHead && bytes(signature) === bytes(goodSignature)
}

test(
  'claims of another issuer, for others, or out of their time are refused, whatever else they say',
  { timeout: SLOW },
  async () => {
    const now = Math.floor(clock.now() / 1000)
    const wrong = fc.oneof(
      fc.record({ iss: fc.jsonValue().filter((value) => value !== issuer.name) }),
      fc.record({ aud: fc.jsonValue().filter((value) => ![value].flat().includes('chat')) }),
      fc.record({ exp: fc.integer({ min: -(2 ** 40), max: now - 5 }) }),
      fc.record({ exp: fc.jsonValue().filter((value) => typeof value !== 'number') }),
      fc.record({ nbf: fc.integer({ min: now + 6, max: 2 ** 40 }) }),
    )
    await fc.assert(
      fc.asyncProperty(fc.dictionary(fc.string(), fc.jsonValue()), wrong, async (others, claims) => {
        const kept = Object.fromEntries(
          Object.entries(others).filter(([name]) => !['iss', 'aud', 'exp', 'nbf'].includes(name)),
        )
        const token = await issuer.token({ claims: { ...kept, ...claims } })

        expect((await open({ headers: { authorization: [`Bearer ${token}`] } })).status).toBe(401)
      }),
      { numRuns: 200 },
    )
  },
)

test(
  'a ticket of which one character was changed is refused, and the ticket stays good, once',
  { timeout: SLOW },
  async () => {
    const ticket = await mintTicket({ user: { id: 'ann' } }, { store: tickets, clock })
    await fc.assert(
      fc.asyncProperty(
        fc.nat({ max: 42 }),
        fc.constantFrom('A', 'B', 'c', '0', '9', '-', '_'),
        async (at, character) => {
          fc.pre(ticket[at] !== character)

          expect(
            (
              await open({
                subprotocols: [`ticket.${ticket.slice(0, at)}${character}${ticket.slice(at + 1)}`],
              })
            ).status,
          ).toBe(401)
        },
      ),
    )

    const twice = await Promise.all([1, 2].map(() => open({ subprotocols: [`ticket.${ticket}`] })))
    expect(twice.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 401])
  },
)
