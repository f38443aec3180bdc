import { WebSocket } from 'ws'
import { expect, test } from 'vitest'
import { inProcessFunction, type LocalGateway, startLocalGateway } from '../../local/index.ts'
import type { Application, WebsocketScope } from '../../shared/application.ts'
import { kick, kickable } from '../../shared/auth/kick.ts'
import { tokenMiddleware, type TokenUser } from '../../shared/auth/token-middleware.ts'
import { MemoryChannelStore } from '../../shared/backends/memory/memory-channel-store.ts'
import { SQSDeliveryQueue } from '../../shared/backends/sqs/sqs-delivery-queue.ts'
import { systemClock } from '../../shared/clock.ts'
import { WebsocketConsumer } from '../../shared/consumers/websocket-consumer.ts'
import { createDeliveryHandler } from '../../shared/gateway/delivery-handler.ts'
import { FastPoster } from '../../shared/gateway/fast-poster.ts'
import { Runtime } from '../../shared/gateway/runtime.ts'
import { createWebsocketHandler } from '../../shared/gateway/websocket-handler.ts'
import { Inbox } from '../../shared/testing/inbox.ts'
import { FakeLogger } from '../support/fake-connection.ts'
import { Issuer } from '../support/issuer.ts'
import { withAccessLog } from '../../local/dev-access-log.ts'

const SLOW = 60_000
const WAIT_MS = 30_000
const region = 'us-east-1'
const credentials = { accessKeyId: 'test', secretAccessKey: 'test' }

class MemberConsumer extends WebsocketConsumer<WebsocketScope & { readonly user: TokenUser }> {
  override readonly groups: readonly string[] = ['members']

  override async connect(): Promise<void> {
    await this.accept('chat.v1')
  }
  override async receive(text: string): Promise<void> {
    if (text.startsWith('kick ')) await kick(this.channelLayer, text.slice(5))
    else await this.send(`${this.scope.user.id} said ${text}`)
  }
  override async disconnect(code: number): Promise<void> {
    await this.channelLayer.groupSendFrame('members', `${this.scope.user.id} left with ${code}`)
  }
}

interface World extends AsyncDisposable {
  readonly issuer: Issuer
  readonly gateway: LocalGateway
  /** Every line that was written anywhere. */
  lines(): string
  open(offered: readonly string[]): Promise<Client>
}

/** A client of the gateway. */
class Client {
  readonly frames = new Inbox<string>()
  readonly socket: WebSocket
  /** Whether it was opened. */
  readonly opened: Promise<boolean>
  readonly closed: Promise<void>

  constructor(gateway: LocalGateway, offered: readonly string[]) {
    this.socket = new WebSocket(`${gateway.websocketUrl}?path=%2F`, [...offered])
    this.socket.on('message', (data: Buffer) => this.frames.put(data.toString()))
    this.socket.on('error', () => undefined)
    this.closed = new Promise((resolve) => void this.socket.once('close', () => resolve()))
    this.opened = Promise.race([
      new Promise<boolean>((resolve) => void this.socket.once('open', () => resolve(true))),
      this.closed.then(() => false),
    ])
  }

  hear(): Promise<string> {
    return this.frames.take(WAIT_MS, 'frame')
  }
}

/** Each invocation is one of a container of its own: with its own middleware, keys and runtime. */
async function startWorld(): Promise<World> {
  const resources = new AsyncDisposableStack()
  const issuer = resources.use(await Issuer.start(systemClock))
  const [logger, gatewayLogger, access] = [new FakeLogger(), new FakeLogger(), [] as string[]]
  const store = new MemoryChannelStore()
  const makeApplication = (): Application<WebsocketScope> => {
    const authenticated = tokenMiddleware({
      issuer: issuer.name,
      audience: 'chat',
      jwks: issuer.jwks,
      clockToleranceSeconds: 0,
    })
    return authenticated(kickable(MemberConsumer.asApplication()))
  }
  const gateway = resources.use(
    await startLocalGateway({
      logger: gatewayLogger,
      functions: ({ url, queueUrl, managementEndpoint: endpoint }) => {
        const queue = new SQSDeliveryQueue({ queueUrl, client: { endpoint: url, region, credentials } })
        const poster = new FastPoster({ endpoint, region, credentials: async () => credentials })
        resources.defer(() => poster.destroy())
        const cold = (): Runtime =>
          new Runtime({
            store,
            queue,
            createPoster: () => poster,
            endpoint,
            region,
            logger,
            openingGraceMs: 1_000,
          })
        const websocket = inProcessFunction((event) =>
          createWebsocketHandler(makeApplication(), cold())(event),
        )
        return {
          websocket: withAccessLog(websocket, (line) => void access.push(line)),
          delivery: inProcessFunction((event) => createDeliveryHandler(makeApplication(), cold())(event)),
        }
      },
    }),
  )
  return {
    issuer,
    gateway,
    lines: () => JSON.stringify([logger.lines, gatewayLogger.lines, access]),
    open: async (offered) => {
      const client = new Client(gateway, offered)
      await client.opened
      return client
    },
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  }
}

test(
  'kick ends all of a user’s connections through the gateway, and tells the others',
  { timeout: SLOW },
  async () => {
    await using world = await startWorld()
    const { issuer } = world
    const [ann, bob] = [await issuer.token(), await issuer.token({ claims: { sub: 'bob' } })]
    const anns = await Promise.all(['1', '2', '3'].map(() => world.open(['chat.v1', `bearer.${ann}`])))
    const other = await world.open(['chat.v1', `bearer.${bob}`])
    expect(other.socket.protocol).toBe('chat.v1')

    other.socket.send('kick ann')

    for (const client of anns) {
      let frame = await client.hear()
      while (frame.startsWith('ann left')) frame = await client.hear()
      expect(JSON.parse(frame)).toEqual({ type: 'websocket.close', code: 4403, reason: '' })
      await client.closed
    }
    expect(await Promise.all([1, 2, 3].map(() => other.hear()))).toEqual(Array(3).fill('ann left with 4403'))
    other.socket.send('hello')
    expect(await other.hear()).toBe('bob said hello')
  },
)

test('a silent connection ends when its token expires, through the queue', { timeout: SLOW }, async () => {
  await using world = await startWorld()
  const token = await world.issuer.token({ lifeSeconds: 4 })
  const client = await world.open(['chat.v1', `bearer.${token}`])
  expect(await client.opened).toBe(true)

  expect(JSON.parse(await client.hear())).toEqual({ type: 'websocket.close', code: 4401, reason: '' })
  await client.closed
})

test(
  'no token is in any log, neither one that was right nor one that was refused',
  { timeout: SLOW },
  async () => {
    await using world = await startWorld()
    const right = await world.issuer.token()
    const wrong = await world.issuer.token({ claims: { aud: 'shop' } })

    const accepted = await world.open(['chat.v1', `bearer.${right}`])
    accepted.socket.send('hello')
    expect(await accepted.hear()).toBe('ann said hello')
    const refused = await world.open(['chat.v1', `bearer.${wrong}`])
    expect(await refused.opened).toBe(false)
    accepted.socket.close()
    // Not until the gateway is idle: the end of the connection waits in the queue for an hour.
    await expect.poll(() => world.lines(), { timeout: WAIT_MS }).toContain('disconnected')

    const lines = world.lines()
    expect(lines).toContain('refused with 401 by tokenMiddleware')
    expect(lines).toContain('rejected')
    for (const token of [right, wrong]) for (const text of token.split('.')) expect(lines).not.toContain(text)
  },
)
