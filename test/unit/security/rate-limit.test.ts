import { expect, test } from 'vitest'
import type { Application, WebsocketScope } from '../../../shared/application.ts'
import { MemoryRateStore } from '../../../shared/backends/memory/memory-rate-store.ts'
import { JsonWebsocketConsumer } from '../../../shared/consumers/json-websocket-consumer.ts'
import { ConfigurationError, StoreError } from '../../../shared/errors.ts'
import { defineMiddleware } from '../../../shared/middleware/define-middleware.ts'
import { rateLimit, type RateLimitKey, type RateLimitOptions } from '../../../shared/security/rate-limit.ts'
import type { RateStore } from '../../../shared/stores/rate-store.ts'
import { ManualClock } from '../../../shared/testing/manual-clock.ts'
import { TestGateway } from '../../../shared/testing/test-gateway.ts'
import { WebsocketCommunicator } from '../../../shared/testing/websocket-communicator.ts'
import { FakeLogger } from '../../support/fake-connection.ts'

class EchoConsumer extends JsonWebsocketConsumer {
  override readonly groups = ['all']
  override async receiveJson(content: unknown): Promise<void> {
    if (content === 'tell all') await this.#tellAll(5)
    else await this.sendJson(content)
  }
  async #tellAll(times: number): Promise<void> {
    for (let sent = 0; sent < times; sent += 1)
      await this.channelLayer.groupSend('all', { type: 'room.said' })
  }
  async roomSaid(): Promise<void> {
    await this.sendJson('said')
  }
}

const echo = EchoConsumer.asApplication()

const userFromQuery = defineMiddleware({
  name: 'user',
  connect: (scope: WebsocketScope) => ({ user: { id: scope.query['user'] ?? null } }),
})

const brokenStore: RateStore = {
  hit: () => Promise.reject(new StoreError('the table is down', { retryable: true })),
}

interface World {
  readonly application: Application<WebsocketScope>
  readonly gateway: TestGateway
  readonly clock: ManualClock
  readonly logger: FakeLogger
  readonly connect: (path?: string) => Promise<WebsocketCommunicator>
}

function world(makeApplication: (store: RateStore) => Application<WebsocketScope>): World {
  const clock = new ManualClock()
  const logger = new FakeLogger()
  const application = makeApplication(new MemoryRateStore({ clock }))
  const gateway = new TestGateway(application, { clock, logger })
  const connect: World['connect'] = async (at = '/') => {
    const client = new WebsocketCommunicator(application, at, { gateway })
    await client.connect()
    return client
  }
  return { application, gateway, clock, logger, connect }
}

type Options = Omit<RateLimitOptions, 'by'> & { readonly by?: 'connection' | RateLimitKey<WebsocketScope> }

function limitedEcho(options: Partial<Options> = {}): World {
  return world((store) => rateLimit({ messages: 2, perSeconds: 10, store, ...options })(echo))
}

/** Sends `count` frames; resolves to how many the consumer answered. */
async function answered(client: WebsocketCommunicator, count: number): Promise<number> {
  for (let sent = 0; sent < count; sent += 1) await client.sendJsonTo(sent)
  let answers = 0
  while (!(await client.receiveNothing(5))) {
    await client.receiveJsonFrom()
    answers += 1
  }
  return answers
}

test('frames over the limit reach no consumer, and the connection stays open', async () => {
  const { connect, gateway } = limitedEcho()
  await using client = await connect()

  expect(await answered(client, 5)).toBe(2)
  expect(gateway.counts.get('rateLimited')).toBe(3)
  expect(client.isClosed).toBe(false)
})

test('the next window begins anew', async () => {
  const { connect, clock } = limitedEcho()
  await using client = await connect()
  await answered(client, 5)

  await clock.advance(10_000)

  expect(await answered(client, 5)).toBe(2)
})

test('what is refused in a window is told in one line', async () => {
  const { connect, clock, logger } = limitedEcho()
  await using client = await connect()

  await answered(client, 6)
  await clock.advance(10_000)
  await answered(client, 6)

  const lines = logger.lines.filter(({ level }) => level === 'warn')
  expect(lines.map(({ message }) => message)).toEqual([
    'over 2 messages in 10 seconds: further ones are refused',
    'over 2 messages in 10 seconds: further ones are refused',
  ])
  expect(lines[0]?.details).toEqual({ channelName: client.channelName, limit: 'messages', onLimit: 'drop' })
})

test('each connection has a limit of its own', async () => {
  const { connect } = limitedEcho()
  await using ann = await connect()
  await using bob = await connect()

  expect([await answered(ann, 3), await answered(bob, 3)]).toEqual([2, 2])
})

test('what comes through a channel layer is not limited', async () => {
  const { connect } = limitedEcho()
  await using client = await connect()
  await answered(client, 1)

  await client.sendJsonTo('tell all')

  expect(await answered(client, 0)).toBe(5)
})

test('with onLimit "close" a frame over the limit ends its connection, with 1008 in the envelope', async () => {
  const { connect, gateway } = limitedEcho({ onLimit: 'close' })
  await using client = await connect()

  await client.sendJsonTo(1)
  await client.sendJsonTo(2)
  await client.sendJsonTo(3)

  const frames = [
    await client.receiveJsonFrom(),
    await client.receiveJsonFrom(),
    await client.receiveJsonFrom(),
  ]
  expect(frames).toEqual([1, 2, { type: 'websocket.close', code: 1008, reason: 'too many messages' }])
  expect(client.isClosed).toBe(true)
  expect(gateway.counts.get('rateLimited')).toBe(1)
})

test('by user, all connections of one user count together, and those of others do not', async () => {
  const { connect } = world((store) =>
    userFromQuery(rateLimit({ messages: 2, perSeconds: 10, store, by: 'user' })(echo)),
  )
  await using phone = await connect('/?user=ann')
  await using laptop = await connect('/?user=ann')
  await using other = await connect('/?user=bob')

  expect([await answered(phone, 1), await answered(laptop, 3), await answered(other, 3)]).toEqual([1, 1, 2])
})

test('by user, who is not logged in counts by connection', async () => {
  const { connect } = world((store) =>
    userFromQuery(rateLimit({ messages: 2, perSeconds: 10, store, by: 'user' })(echo)),
  )
  await using first = await connect()
  await using second = await connect()

  expect([await answered(first, 3), await answered(second, 3)]).toEqual([2, 2])
})

test('by user without a user in the scope is an error that says what is missing', async () => {
  const { connect } = world(
    (store) =>
      rateLimit({ messages: 2, perSeconds: 10, store, by: 'user' })(echo) as Application<WebsocketScope>,
  )
  const client = await connect()

  await expect(client.sendJsonTo(1)).rejects.toThrow('rateLimit by user found no scope.user')
})

test('by a key, those with the same key count together, and those without one are not limited', async () => {
  const by = ({ query }: WebsocketScope): string | undefined => query['plan']
  const { connect } = limitedEcho({ by })
  await using free = await connect('/?plan=free')
  await using alsoFree = await connect('/?plan=free')
  await using paid = await connect()

  expect([await answered(free, 2), await answered(alsoFree, 2), await answered(paid, 5)]).toEqual([2, 0, 5])
})

test.each([
  ['user ann', 'ann'],
  ['ann', 'key ann'],
])('a key never counts for a user whose id looks like it: %j, %j', async (key, user) => {
  const { connect } = world((store) => {
    const limit = { messages: 2, perSeconds: 10, store }
    const byKey = rateLimit({ ...limit, by: () => key })
    return userFromQuery(byKey(rateLimit({ ...limit, by: 'user' })(echo)))
  })
  await using client = await connect(`/?user=${user}`)

  expect(await answered(client, 2)).toBe(2)
})

test('a key never counts for the connection that it looks like', async () => {
  const { connect } = world((store) => {
    const limit = { messages: 2, perSeconds: 10, store }
    const byKey = rateLimit({ ...limit, by: ({ channelName }) => `connection ${channelName}` })
    return byKey(rateLimit(limit)(echo))
  })
  await using client = await connect()

  expect(await answered(client, 2)).toBe(2)
})

test('limits of different names count apart, so that both of a stack apply', async () => {
  const { connect, clock } = world((store) => {
    const burst = rateLimit({ messages: 2, perSeconds: 10, store, name: 'burst' })
    return burst(rateLimit({ messages: 3, perSeconds: 10, store, name: 'other' })(echo))
  })
  await using client = await connect()

  expect(await answered(client, 5)).toBe(2)
  await clock.advance(10_000)
  expect(await answered(client, 5)).toBe(2)
})

test('two windows of one limit are counted apart', async () => {
  const { connect, clock } = world((store) => {
    const short = rateLimit({ messages: 2, perSeconds: 10, store })
    return short(rateLimit({ messages: 3, perSeconds: 60, store })(echo))
  })
  await using client = await connect()

  expect(await answered(client, 5)).toBe(2)
  await clock.advance(10_000)
  expect(await answered(client, 5)).toBe(1)
})

test('while the store is down frames pass, and each is counted and told', async () => {
  const { connect, gateway, logger } = limitedEcho({ store: brokenStore })
  await using client = await connect()

  expect(await answered(client, 4)).toBe(4)
  expect(gateway.counts.get('rateNotCounted')).toBe(4)
  expect(logger.lines.find(({ level }) => level === 'warn')).toMatchObject({
    message: 'a frame could not be counted and passes unlimited',
    details: { error: expect.objectContaining({ message: 'the table is down' }) as unknown },
  })
})

test('while the store is down frames are dropped if that is asked for, and the connection stays open', async () => {
  const { connect, gateway } = limitedEcho({ store: brokenStore, onStoreFailure: 'drop', onLimit: 'close' })
  await using client = await connect()

  expect(await answered(client, 4)).toBe(0)
  expect(gateway.counts.get('rateNotCounted')).toBe(4)
  expect(client.isClosed).toBe(false)
})

test('a store that fails in another way than a store does is a failure like any other', async () => {
  const store: RateStore = { hit: () => Promise.reject(new TypeError('a bug')) }
  const client = await limitedEcho({ store }).connect()

  await expect(client.sendJsonTo(1)).rejects.toThrow('a bug')
})

test('the store is told no user, no address and no secret, and keys of a safe form', async () => {
  const keys: string[] = []
  const store: RateStore = {
    hit: async (key) => {
      keys.push(key)
      return 1
    },
  }
  const { connect } = limitedEcho({ store, by: ({ query }) => query['key'] })
  await using client = await connect(`/?key=${encodeURIComponent('ann@example.com#\u{1f600}')}`)

  await client.sendJsonTo(1)

  expect(keys).toEqual([expect.stringMatching(/^messages\.[a-zA-Z0-9_-]{22}$/)])
})

test.each([
  [{ messages: 0 }, 'rateLimit.messages is 0: use a whole number from 1'],
  [{ messages: 1.5 }, 'rateLimit.messages is 1.5'],
  [{ perSeconds: 0 }, 'rateLimit.perSeconds is 0: use a whole number from 1 to 86400'],
  [{ perSeconds: 100_000 }, 'rateLimit.perSeconds is 100000'],
  [{ name: 'a.b' }, 'rateLimit has the name "a.b"'],
])('%j is an error when it is given', (options, message) => {
  const limit = (): unknown => rateLimit({ messages: 1, perSeconds: 1, store: brokenStore, ...options })

  expect(limit).toThrow(ConfigurationError)
  expect(limit).toThrow(message)
})
