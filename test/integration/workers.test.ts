import { expect, test } from 'vitest'
import { WebSocket } from 'ws'
import type { ChannelScope } from '../../shared/application.ts'
import { inProcessFunction } from '../../local/in-process-function.ts'
import { type LocalGateway, startLocalGateway } from '../../local/index.ts'
import { MemoryChannelStore } from '../../shared/backends/memory/memory-channel-store.ts'
import { SQSDeliveryQueue } from '../../shared/backends/sqs/sqs-delivery-queue.ts'
import { SQSWorkerQueue } from '../../shared/backends/sqs/sqs-worker-queue.ts'
import { Consumer } from '../../shared/consumers/consumer.ts'
import { JsonWebsocketConsumer } from '../../shared/consumers/json-websocket-consumer.ts'
import { createDeliveryHandler } from '../../shared/gateway/delivery-handler.ts'
import { FastPoster } from '../../shared/gateway/fast-poster.ts'
import { Runtime } from '../../shared/gateway/runtime.ts'
import { createWebsocketHandler } from '../../shared/gateway/websocket-handler.ts'
import { createWorkerHandler } from '../../shared/gateway/worker-handler.ts'
import type { Message } from '../../shared/message.ts'
import { ChannelNameRouter } from '../../shared/routing/channel-name-router.ts'
import { ProtocolTypeRouter } from '../../shared/routing/protocol-type-router.ts'
import { Inbox } from '../../shared/testing/inbox.ts'
import { FakeLogger } from '../support/fake-connection.ts'

const SLOW_MS = 15_000
const credentials = { accessKeyId: 'test', secretAccessKey: 'test' }
const region = 'us-east-1'

/** Lets workers print what its clients want, and tells all clients when it is there. */
class PageConsumer extends JsonWebsocketConsumer {
  override readonly groups: readonly string[] = ['pages']

  override async receiveJson(content: unknown): Promise<void> {
    const { channel, ...job } = content as { readonly channel: string; readonly page: string }
    await this.channelLayer.send(channel, { type: 'page.print', ...job })
  }

  async pageReady({ page = null }: Message): Promise<void> {
    await this.sendJson(page)
  }
}

/** A gateway with a queue and a function for each of two worker channels. */
async function startGateway(print: (scope: ChannelScope, event: Message) => void): Promise<LocalGateway> {
  class PrintConsumer extends Consumer<ChannelScope> {
    async pagePrint(event: Message): Promise<void> {
      print(this.scope, event)
      await this.channelLayer.groupSend('pages', { type: 'page.ready', page: event['page'] })
    }
  }
  const application = ProtocolTypeRouter({
    websocket: PageConsumer.asApplication(),
    channel: ChannelNameRouter({
      'pages-print': PrintConsumer.asApplication(),
      'pages-draft': { application: PrintConsumer.asApplication(), guarantee: 'at-most-once' },
    }),
  })
  const store = new MemoryChannelStore()
  return startLocalGateway({
    policies: { visibilityTimeoutMs: 1, maxReceiveCount: 3 },
    logger: new FakeLogger(),
    functions: ({ url, queueUrl, queueUrlOf, managementEndpoint }) => {
      const client = { endpoint: url, region, credentials }
      const runtime = new Runtime({
        store,
        queue: new SQSDeliveryQueue({ queueUrl, client }),
        workers: {
          'pages-print': new SQSWorkerQueue({ queueUrl: queueUrlOf('print'), client }),
          'pages-draft': new SQSWorkerQueue({ queueUrl: queueUrlOf('draft'), client }),
        },
        createPoster: (endpoint) =>
          new FastPoster({ endpoint, region, credentials: async () => credentials }),
        endpoint: managementEndpoint,
        region,
        logger: new FakeLogger(),
      })
      const worker = inProcessFunction(createWorkerHandler(application, runtime))
      return {
        websocket: inProcessFunction(createWebsocketHandler(application, runtime)),
        delivery: inProcessFunction(createDeliveryHandler(application, runtime)),
        workers: { print: worker, draft: worker },
      }
    },
  })
}

class Client implements AsyncDisposable {
  readonly frames = new Inbox<string>()
  readonly #socket: WebSocket

  private constructor(socket: WebSocket) {
    this.#socket = socket
    socket.on('message', (data: Buffer) => this.frames.put(data.toString()))
  }

  static async open({ websocketUrl }: LocalGateway): Promise<Client> {
    const client = new Client(new WebSocket(websocketUrl))
    await new Promise((resolve, reject) => client.#socket.once('open', resolve).once('error', reject))
    return client
  }

  say(content: object): void {
    this.#socket.send(JSON.stringify(content))
  }

  async hear(): Promise<unknown> {
    return JSON.parse(await this.frames.take(SLOW_MS, 'frame'))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.terminate()
  }
}

test('a consumer puts a job into the queue of its channel, and the worker tells the group', async () => {
  const channels: string[] = []
  await using gateway = await startGateway(({ channel }) => void channels.push(channel))
  await using ann = await Client.open(gateway)
  await using bob = await Client.open(gateway)

  ann.say({ channel: 'pages-print', page: 'one' })
  expect([await ann.hear(), await bob.hear()]).toEqual(['one', 'one'])
  bob.say({ channel: 'pages-draft', page: 'two' })
  expect([await ann.hear(), await bob.hear()]).toEqual(['two', 'two'])

  expect(channels).toEqual(['pages-print', 'pages-draft'])
  await gateway.idle()
  expect(gateway.deadLetters).toEqual([])
})

test('a job that fails comes again with the same id until it succeeds', async () => {
  const seen: unknown[] = []
  await using gateway = await startGateway(({ jobId, receiveCount }) => {
    seen.push([jobId, receiveCount])
    if (receiveCount < 3) throw new Error('no paper')
  })
  await using client = await Client.open(gateway)

  client.say({ channel: 'pages-print', page: 'one' })

  expect(await client.hear()).toBe('one')
  const [[id]] = seen as [[string]]
  expect(seen).toEqual([1, 2, 3].map((count) => [id, count]))
})

test('a poison job becomes a dead letter of its own queue, and the next one runs', async () => {
  await using gateway = await startGateway((_, { page }) => {
    if (page === 'poison') throw new Error('no such page')
  })
  await using client = await Client.open(gateway)

  client.say({ channel: 'pages-print', page: 'poison' })
  gateway.enqueue('no job at all', { queue: 'print' })
  client.say({ channel: 'pages-print', page: 'two' })
  expect(await client.hear()).toBe('two')
  await gateway.idle()

  const letters = gateway.deadLetters.map(({ queue, body, receiveCount }) => ({ queue, body, receiveCount }))
  expect(letters).toHaveLength(2)
  expect(letters).toEqual(
    expect.arrayContaining([
      { queue: 'print', body: 'no job at all', receiveCount: 3 },
      { queue: 'print', body: expect.stringContaining('"page":"poison"') as string, receiveCount: 3 },
    ]),
  )
})

test('a job that runs at most once is not tried again, and is no dead letter', async () => {
  let runs = 0
  await using gateway = await startGateway(() => {
    runs += 1
    throw new Error('no paper')
  })
  await using client = await Client.open(gateway)

  client.say({ channel: 'pages-draft', page: 'one' })
  await expect.poll(() => runs, { timeout: SLOW_MS }).toBe(1)
  await gateway.idle()

  expect([runs, gateway.deadLetters]).toEqual([1, []])
})
