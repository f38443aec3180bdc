import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { websocketRoutes } from '../../examples/chat/routing.ts'
import { inProcessFunction } from '../../local/in-process-function.ts'
import { type LocalGateway, startLocalGateway } from '../../local/index.ts'
import { SQSDeliveryQueue } from '../../shared/backends/sqs/sqs-delivery-queue.ts'
import { WebsocketConsumer } from '../../shared/consumers/websocket-consumer.ts'
import { createDeliveryHandler } from '../../shared/gateway/delivery-handler.ts'
import { FastPoster } from '../../shared/gateway/fast-poster.ts'
import { Runtime, type RuntimeOptions } from '../../shared/gateway/runtime.ts'
import { createWebsocketHandler } from '../../shared/gateway/websocket-handler.ts'
import { path } from '../../shared/routing/path.ts'
import { ProtocolTypeRouter } from '../../shared/routing/protocol-type-router.ts'
import { UrlRouter } from '../../shared/routing/url-router.ts'
import type { ChannelStore } from '../../shared/stores/channel-store.ts'
import { Inbox } from '../../shared/testing/inbox.ts'
import { FakeLogger } from '../support/fake-connection.ts'

const SLOW_MS = 15_000
const credentials = { accessKeyId: 'test', secretAccessKey: 'test' }

/** Greets in connect(), and counts its client's frames. */
class CounterConsumer extends WebsocketConsumer {
  override state = { count: 0 }
  override async connect(): Promise<void> {
    await this.accept('counter')
    await this.send('first')
    await this.send('second')
  }
  override async receive(): Promise<void> {
    const state = await this.updateState(({ count }) => ({ count: count + 1 }))
    await this.send(String(state?.count))
  }
}

const application = ProtocolTypeRouter({
  websocket: UrlRouter([...websocketRoutes, path('ws/counter/', CounterConsumer.asApplication())]),
})

const logger = new FakeLogger()

function startGateway(
  store: ChannelStore,
  options: Pick<RuntimeOptions, 'openingGraceMs'> = {},
): Promise<LocalGateway> {
  return startLocalGateway({
    functions: ({ url, queueUrl, managementEndpoint }) => {
      const region = 'us-east-1'
      const runtime = new Runtime({
        store,
        queue: new SQSDeliveryQueue({ queueUrl, client: { endpoint: url, region, credentials } }),
        createPoster: (endpoint) =>
          new FastPoster({ endpoint, region, credentials: async () => credentials }),
        endpoint: managementEndpoint,
        region,
        logger,
        isDevelopment: true,
        ...options,
      })
      return {
        websocket: inProcessFunction(createWebsocketHandler(application, runtime)),
        delivery: inProcessFunction(createDeliveryHandler(application, runtime)),
      }
    },
  })
}

/** A client of the gateway. */
class Client {
  readonly frames = new Inbox<string>()
  readonly socket: WebSocket

  private constructor(socket: WebSocket) {
    this.socket = socket
    socket.on('message', (data: Buffer) => this.frames.put(data.toString()))
  }

  static async open(at: LocalGateway, urlPath: string, protocols: readonly string[] = []): Promise<Client> {
    const socket = new WebSocket(`${at.websocketUrl}?path=${encodeURIComponent(urlPath)}`, [...protocols])
    const client = new Client(socket)
    await new Promise((resolve, reject) => {
      socket.once('open', resolve)
      socket.once('error', reject)
    })
    return client
  }

  say(message: string): void {
    this.socket.send(JSON.stringify({ message }))
  }

  async hear(): Promise<unknown> {
    return JSON.parse(await this.frames.take(SLOW_MS, 'frame'))
  }

  async leave(): Promise<void> {
    const closed = new Promise((resolve) => this.socket.once('close', resolve))
    this.socket.close()
    await closed
  }
}

/** A store that a test run has started something for. */
export interface StartedStore {
  readonly store: ChannelStore
  close(): Promise<void>
}

/** The chat of the tutorial through the Lambda handlers, a local API Gateway and its queue, over a store of `backend`. */
export function testHandlers(backend: string, startStore: () => Promise<StartedStore>): void {
  describe(`the Lambda handlers over ${backend}`, () => {
    let started: StartedStore
    let store: ChannelStore
    let gateway: LocalGateway

    beforeAll(async () => {
      started = await startStore()
      store = started.store
      gateway = await startGateway(store)
    }, 60_000)

    afterAll(async () => {
      await gateway?.close()
      await started?.close()
    })

    async function membersOf(group: string): Promise<number> {
      return (await store.members(group)).members.length
    }

    test('two rooms, four clients: each hears its own room, and only that', async () => {
      const lobby = [
        await Client.open(gateway, '/ws/chat/lobby/'),
        await Client.open(gateway, '/ws/chat/lobby/'),
      ]
      const attic = [
        await Client.open(gateway, '/ws/chat/attic/'),
        await Client.open(gateway, '/ws/chat/attic/'),
      ]

      lobby[0]?.say('hello lobby')
      attic[1]?.say('hello attic')

      for (const client of lobby) expect(await client.hear()).toEqual({ message: 'hello lobby' })
      for (const client of attic) expect(await client.hear()).toEqual({ message: 'hello attic' })
      await gateway.idle()
      for (const client of [...lobby, ...attic]) expect(client.frames.isEmpty).toBe(true)

      for (const client of [...lobby, ...attic]) await client.leave()
      await expect.poll(() => membersOf('chat_lobby'), { timeout: SLOW_MS }).toBe(0)
      await expect.poll(() => membersOf('chat_attic'), { timeout: SLOW_MS }).toBe(0)
    })

    test('frames that connect() sends arrive in order right after the handshake, through the queue', async () => {
      const client = await Client.open(gateway, '/ws/counter/', ['counter', 'other'])

      expect(client.socket.protocol).toBe('counter')
      expect(await client.frames.take(SLOW_MS, 'frame')).toBe('first')
      expect(await client.frames.take(SLOW_MS, 'frame')).toBe('second')
      await client.leave()
    })

    test('ten frames at once are ten increments', async () => {
      const client = await Client.open(gateway, '/ws/counter/', ['counter'])
      await client.frames.take(SLOW_MS, 'frame')
      await client.frames.take(SLOW_MS, 'frame')

      for (let index = 0; index < 10; index++) client.socket.send('+1')
      const counts: number[] = []
      for (let index = 0; index < 10; index++) counts.push(Number(await client.frames.take(SLOW_MS, 'frame')))

      expect(counts.toSorted((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
      await client.leave()
    })

    test('an unknown path is refused with 404 and leaves nothing', async () => {
      await expect(Client.open(gateway, '/ws/nowhere/')).rejects.toThrow('404')
      expect(logger.lines.filter(({ level }) => level === 'error')).toEqual([])
    })

    test('a client whose $disconnect is lost is no member any more after the next message', async () => {
      // No grace: once nobody is opening, a 410 is a proof at any age.
      await using strict = await startGateway(store, { openingGraceMs: 0 })
      const ann = await Client.open(strict, '/ws/chat/cellar/')
      const ben = await Client.open(strict, '/ws/chat/cellar/')
      expect(await membersOf('chat_cellar')).toBe(2)
      strict.faults.loseDisconnect = true
      await ben.leave()

      ann.say('anybody?')
      expect(await ann.hear()).toEqual({ message: 'anybody?' })

      await expect.poll(() => membersOf('chat_cellar'), { timeout: SLOW_MS }).toBe(1)
    })
  })
}
