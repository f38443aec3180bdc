import { expect, test } from 'vitest'
import type { WebsocketScope } from '../../../shared/application.ts'
import { ticketMiddleware, type TicketMiddlewareOptions } from '../../../shared/auth/ticket-middleware.ts'
import { mintTicket } from '../../../shared/auth/tickets.ts'
import { tokenMiddleware } from '../../../shared/auth/token-middleware.ts'
import { anonymousUser } from '../../../shared/auth/user.ts'
import { MemoryTicketStore } from '../../../shared/backends/memory/memory-ticket-store.ts'
import { ConfigurationError, StoreError } from '../../../shared/errors.ts'
import { DenyConnection } from '../../../shared/signals.ts'
import type { Ticket, TicketStore } from '../../../shared/stores/ticket-store.ts'
import { ManualClock } from '../../../shared/testing/manual-clock.ts'
import { FakeConnection, fakeScope } from '../../support/fake-connection.ts'
import { Issuer } from '../../support/issuer.ts'
import { CallRecorder, ignoreFrames } from '../../support/recording-application.ts'

const CONNECT = { type: 'websocket.connect' }
const UNKNOWN =
  'handshake refused with 401 by ticketMiddleware: the ticket is unknown, has expired, or was used'

/** A store that shows what was put into it. */
class OpenStore implements TicketStore {
  readonly puts: { readonly key: string; readonly ticket: Ticket }[] = []
  takes = 0
  readonly #inner: MemoryTicketStore

  constructor(clock: ManualClock) {
    this.#inner = new MemoryTicketStore({ clock })
  }
  async put(key: string, ticket: Ticket): Promise<void> {
    this.puts.push({ key, ticket })
    await this.#inner.put(key, ticket)
  }
  take(key: string): Promise<Ticket | undefined> {
    this.takes += 1
    return this.#inner.take(key)
  }
}

function setUp(options: Partial<TicketMiddlewareOptions> = {}) {
  const clock = new ManualClock()
  const store = new OpenStore(clock)
  const seen = new CallRecorder()
  const connection = new FakeConnection()
  const application = ticketMiddleware({ store, clock, ...options } as { store: TicketStore })(
    seen.application('inner'),
  )
  const open = async (handshake: Partial<WebsocketScope>): Promise<number> => {
    try {
      await application(fakeScope({ connection, ...handshake }), CONNECT, ignoreFrames)
      return 200
    } catch (error) {
      if (error instanceof DenyConnection) return error.status
      throw error
    }
  }
  const mint = (user: { readonly id: string }, userExpiresAt?: number): Promise<string> =>
    mintTicket({ user, ...(userExpiresAt === undefined ? {} : { userExpiresAt }) }, { store, clock })
  const offered = (ticket: string): Partial<WebsocketScope> => ({
    subprotocols: ['chat.v1', `ticket.${ticket}`],
  })
  return { clock, store, seen, connection, open, mint, offered }
}

test('a ticket opens one connection, as the user it was minted for', async () => {
  const { seen, connection, open, mint, offered } = setUp()
  const ticket = await mint({ id: 'ann' })

  expect(await open(offered(ticket))).toBe(200)
  expect(await open(offered(ticket))).toBe(401)

  expect(seen.calls).toHaveLength(1)
  expect(seen.last.scope).toMatchObject({
    user: { id: 'ann' },
    userExpiresAt: null,
    subprotocols: ['chat.v1'],
  })
  expect(connection.counts.get('ticketRefused')).toBe(1)
  expect(connection.logger.lines.map(({ message }) => message)).toEqual([UNKNOWN])
  expect(JSON.stringify([connection.logger.lines, [...connection.remembered]])).not.toContain(ticket)
})

test('no two tickets are the same, and the store has nothing of them that would be one', async () => {
  const { store, open, mint, offered } = setUp()
  const tickets = await Promise.all(Array.from({ length: 50 }, () => mint({ id: 'ann' })))

  expect(new Set(tickets).size).toBe(50)
  expect(tickets.filter((ticket) => !/^[\w-]{43}$/.test(ticket))).toEqual([])
  const stored = JSON.stringify(store.puts)
  expect(tickets.filter((ticket) => stored.includes(ticket))).toEqual([])
  const [first] = store.puts
  expect(await open(offered(first?.key ?? ''))).toBe(401)
})

test('a ticket is worth nothing once its time is over', async () => {
  const { clock, open, mint, offered } = setUp()
  const [one, other] = [await mint({ id: 'ann' }), await mint({ id: 'ann' })]

  await clock.advance(59_000)
  expect(await open(offered(one))).toBe(200)
  await clock.advance(1_000)
  expect(await open(offered(other))).toBe(401)
})

test('the connection ends when what the user came with expires', async () => {
  const { clock, seen, connection, open, mint, offered } = setUp()
  const end = clock.now() + 30_000

  expect(await open(offered(await mint({ id: 'ann' }, end)))).toBe(200)
  expect(connection.end).toEqual({ at: end, code: 4401 })
  expect(seen.last.scope['userExpiresAt']).toBe(end)
  const late = await mint({ id: 'ann' }, end)
  await clock.advance(30_000)
  expect(await open(offered(late))).toBe(401)
})

test('what cannot be a ticket is not looked up', async () => {
  const { store, open, offered } = setUp()

  for (const text of ['', 'x', 'A'.repeat(42), 'A'.repeat(44), `${'A'.repeat(42)}=`, `${'A'.repeat(42)}é`])
    expect([text, await open(offered(text))]).toEqual([text, 401])

  expect(store.takes).toBe(0)
})

test('a ticket in the query is taken where the application says so alone, and is not stored', async () => {
  const { open, mint } = setUp()
  expect(await open({ query: { ticket: await mint({ id: 'ann' }) } })).toBe(401)
  const byQuery = setUp({ from: [{ query: 'ticket' }] })

  expect(await byQuery.open({ query: { ticket: await byQuery.mint({ id: 'ann' }), room: '1' } })).toBe(200)

  expect(byQuery.seen.last.scope['query']).toEqual({ room: '1' })
  expect([...byQuery.connection.forgotten]).toEqual(['ticket'])
})

test('a client without a ticket is nobody where that is allowed', async () => {
  const { seen, open, offered } = setUp({ allowAnonymous: true })

  expect(await open({})).toBe(200)
  expect(await open(offered('A'.repeat(43)))).toBe(401)

  expect(seen.last.scope['user']).toEqual(anonymousUser)
})

test('a store that is down lets nobody in', async () => {
  const failure = new StoreError('the table is down', { retryable: true })
  const store: TicketStore = { put: () => Promise.reject(failure), take: () => Promise.reject(failure) }
  const { open, offered, seen } = setUp({ store })

  await expect(open(offered('A'.repeat(43)))).rejects.toThrow(failure)
  await expect(mintTicket({ user: { id: 'ann' } }, { store })).rejects.toThrow(failure)
  expect(seen.calls).toEqual([])
})

test('tickets are minted for who is logged in, as plain data, and for a short time', async () => {
  const { store } = setUp()
  class Account {
    readonly id = 'ann'
  }

  await expect(mintTicket({ user: anonymousUser }, { store })).rejects.toThrow(DenyConnection)
  await expect(mintTicket({ user: new Account() }, { store })).rejects.toThrow(
    /^the user of mintTicket cannot be stored with the ticket.* is a Account: /,
  )
  for (const seconds of [0, 601, 1.5, NaN])
    await expect(mintTicket({ user: { id: 'ann' } }, { store, seconds })).rejects.toThrow(ConfigurationError)
  expect(store.puts).toEqual([])
})

test.each([
  [{ id: 'ann', passwordHash: 'x' }, 'passwordHash'],
  [{ id: 'ann', teams: [{ name: 'a' }, { name: 'b', invite: { apiKey: 'x' } }] }, 'teams.1.invite.apiKey'],
])('a ticket is not minted with what speaks of a secret: %j', async (user, key) => {
  const { store } = setUp()

  const minted = mintTicket({ user }, { store })

  await expect(minted).rejects.toThrow(ConfigurationError)
  await expect(minted).rejects.toThrow(
    `the user of mintTicket has the key "${key}", which speaks of a secret`,
  )
  expect(store.puts).toEqual([])
})

test(
  'tokenMiddleware takes tickets of its own users where it is given a store',
  { timeout: 30_000 },
  async () => {
    const clock = new ManualClock()
    await using issuer = await Issuer.start(clock)
    const store = new MemoryTicketStore({ clock })
    const seen = new CallRecorder()
    const rules = { issuer: issuer.name, audience: 'chat', jwks: issuer.jwks, clock }
    const open = (tickets: object, offered: readonly string[]): Promise<void> =>
      tokenMiddleware({ ...rules, ...tickets })(seen.application('inner'))(
        fakeScope({ subprotocols: offered }),
        CONNECT,
        ignoreFrames,
      )
    await open({}, [`bearer.${await issuer.token({ lifeSeconds: 100 })}`])
    const holder = seen.last.scope as unknown as Parameters<typeof mintTicket>[0]
    const ticket = await mintTicket(holder, { store, clock })

    await open({ tickets: store }, ['chat.v1', `ticket.${ticket}`])

    expect(seen.last.scope).toMatchObject({ user: { id: 'ann' }, subprotocols: ['chat.v1'] })
    expect(seen.last.scope['userExpiresAt']).toBe(holder.userExpiresAt)
    await expect(open({}, [`ticket.${ticket}`])).rejects.toThrow(DenyConnection)
  },
)
