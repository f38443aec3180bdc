import { expect, test } from 'vitest'
import { inProcessFunction, type LocalGateway, startLocalGateway } from '../../local/index.ts'
import type { Application, WebsocketScope } from '../../shared/application.ts'
import { MemoryChannelStore } from '../../shared/backends/memory/memory-channel-store.ts'
import { MemoryRateStore } from '../../shared/backends/memory/memory-rate-store.ts'
import { SQSDeliveryQueue } from '../../shared/backends/sqs/sqs-delivery-queue.ts'
import { JsonWebsocketConsumer } from '../../shared/consumers/json-websocket-consumer.ts'
import { createDeliveryHandler } from '../../shared/gateway/delivery-handler.ts'
import { FastPoster } from '../../shared/gateway/fast-poster.ts'
import { Runtime } from '../../shared/gateway/runtime.ts'
import { createWebsocketHandler } from '../../shared/gateway/websocket-handler.ts'
import { Demultiplexer } from '../../shared/routing/demultiplexer.ts'
import { allowedHostsOriginValidator } from '../../shared/security/origin-validator.ts'
import { rateLimit } from '../../shared/security/rate-limit.ts'
import { ManualClock } from '../../shared/testing/manual-clock.ts'
import { FakeLogger } from '../support/fake-connection.ts'
import { handshake, TestClient } from '../simulator/support/clients.ts'

// The pieces around consumers, over real sockets: what the unit tests of each say, once through the local gateway.

class ChatConsumer extends JsonWebsocketConsumer {
  override readonly groups = ['room']
  override async receiveJson(text: unknown): Promise<void> {
    await this.channelLayer.groupSend('room', { type: 'chat.message', text: String(text) })
  }
  async chatMessage({ text }: { readonly text: string }): Promise<void> {
    await this.sendJson({ text })
  }
}

class StatusConsumer extends JsonWebsocketConsumer {
  override state = { asked: 0 }
  override async connect(): Promise<void> {
    await this.accept()
    await this.sendJson('welcome')
  }
  override async receiveJson(): Promise<void> {
    const state = await this.updateState(({ asked }) => ({ asked: asked + 1 }))
    await this.sendJson(state)
  }
}

class Served implements AsyncDisposable {
  readonly gateway: LocalGateway
  readonly counts: Map<string, number> = new Map()

  constructor(gateway: LocalGateway) {
    this.gateway = gateway
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.gateway.close()
  }
}

async function serve(application: Application<WebsocketScope>): Promise<Served> {
  const region = 'us-east-1'
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' }
  const store = new MemoryChannelStore()
  const ready = Promise.withResolvers<Served>()
  const runtime = async (): Promise<Runtime> => {
    const { gateway, counts } = await ready.promise
    return new Runtime({
      store,
      queue: new SQSDeliveryQueue({
        queueUrl: gateway.queueUrl,
        client: { endpoint: gateway.url, region, credentials },
      }),
      createPoster: (endpoint) => new FastPoster({ endpoint, region, credentials: async () => credentials }),
      endpoint: gateway.managementEndpoint,
      region,
      logger: new FakeLogger(),
      metrics: { count: (name, value) => void counts.set(name, (counts.get(name) ?? 0) + value) },
    })
  }
  const gateway = await startLocalGateway({
    logger: new FakeLogger(),
    functions: {
      websocket: inProcessFunction(async (event: object, context) =>
        createWebsocketHandler(application, await runtime())(event, context),
      ),
      delivery: inProcessFunction(async (event: object, context) =>
        createDeliveryHandler(application, await runtime())(event, context),
      ),
    },
  })
  const served = new Served(gateway)
  ready.resolve(served)
  return served
}

test('several consumers share a socket, each with its stream, its state and its greeting', async () => {
  const application = Demultiplexer({
    chat: ChatConsumer.asApplication(),
    status: StatusConsumer.asApplication(),
  })
  await using served = await serve(application)
  const ann = await TestClient.open(served.gateway.websocketUrl)
  const bob = await TestClient.open(served.gateway.websocketUrl)

  expect(await ann.next()).toBe('{"stream":"status","payload":"welcome"}')
  expect(await bob.next()).toBe('{"stream":"status","payload":"welcome"}')

  ann.send('{"stream":"chat","payload":"hello"}')
  expect(await ann.next()).toBe('{"stream":"chat","payload":{"text":"hello"}}')
  expect(await bob.next()).toBe('{"stream":"chat","payload":{"text":"hello"}}')

  ann.send('{"stream":"status","payload":null}')
  expect(await ann.next()).toBe('{"stream":"status","payload":{"asked":1}}')
  ann.send('{"stream":"status","payload":null}')
  expect(await ann.next()).toBe('{"stream":"status","payload":{"asked":2}}')

  ann.send('{"stream":"unknown","payload":null}')
  expect(JSON.parse(await ann.next())).toMatchObject({ type: 'websocket.close', code: 1007 })
  expect((await ann.closed).code).toBe(1000)
  expect(served.counts.get('unknownStream')).toBe(1)
})

test('a page of another origin gets 403, one of an allowed host a socket', async () => {
  const application = allowedHostsOriginValidator(ChatConsumer.asApplication(), {
    allowedHosts: ['chat.example'],
  })
  await using served = await serve(application)
  const url = served.gateway.websocketUrl

  expect((await handshake(url, { origin: 'https://evil.example' })).status).toBe(403)
  expect((await handshake(url)).status).toBe(403)
  await using client = await TestClient.open(url, { origin: 'https://chat.example' })

  client.send('"hello"')
  expect(await client.next()).toBe('{"text":"hello"}')
  expect(served.counts.get('originRefused')).toBe(2)
})

test('frames over the limit close the connection, with 1008 in the last frame', async () => {
  const store = new MemoryRateStore({ clock: new ManualClock() })
  const limited = rateLimit({ messages: 2, perSeconds: 10, store, onLimit: 'close' })
  await using served = await serve(limited(ChatConsumer.asApplication()))
  const client = await TestClient.open(served.gateway.websocketUrl)

  for (const text of ['"1"', '"2"']) {
    client.send(text)
    await client.next()
  }
  client.send('"3"')

  expect(JSON.parse(await client.next())).toMatchObject({ type: 'websocket.close', code: 1008 })
  expect((await client.closed).code).toBe(1000)
  expect(served.counts.get('rateLimited')).toBe(1)
})
