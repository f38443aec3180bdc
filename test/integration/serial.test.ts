import { expect, test } from 'vitest'
import { inProcessFunction, startLiveServer, startLocalGateway } from '../../local/index.ts'
import type { LocalFunctions } from '../../local/local-gateway.ts'
import { MemoryChannelStore } from '../../shared/backends/memory/memory-channel-store.ts'
import { MemoryDeliveryQueue } from '../../shared/backends/memory/memory-delivery-queue.ts'
import {
  createSerialHandler,
  createWebsocketHandler,
  FastPoster,
  Runtime,
} from '../../shared/gateway/index.ts'
import { type Application, WebsocketConsumer, type WebsocketScope } from '../../shared/index.ts'
import { FakeLogger } from '../support/fake-connection.ts'
import { TestClient } from '../simulator/support/clients.ts'
import { eventually, Gate } from '../simulator/support/recorded-api.ts'

/** Answers each frame; one that is called `slow` only when the gate is open. */
function echoing(gate: Gate, log: string[] = []): Application<WebsocketScope> {
  class EchoConsumer extends WebsocketConsumer {
    override async receive(text: string): Promise<void> {
      log.push(text)
      if (text === 'slow') await gate.opened
      await this.send(text)
    }
    override async disconnect(code: number): Promise<void> {
      log.push(`disconnect ${code}`)
    }
  }
  return EchoConsumer.asApplication()
}

test('two frames back to back, the first handler is slow: the second one waits, its connection ends behind both', async () => {
  const gate = new Gate()
  const log: string[] = []
  const application = echoing(gate, log)
  await using server = await startLiveServer({ application, ordering: 'serial' })
  await using client = await TestClient.open(server.websocketUrl)
  await using other = await TestClient.open(server.websocketUrl)

  client.send('slow')
  client.send('behind')
  other.send('quick')
  expect(await other.next()).toBe('quick')
  expect(log).not.toContain('behind')
  gate.open()
  expect([await client.next(), await client.next()]).toEqual(['slow', 'behind'])
  client.send('last')
  await client.close(4001)
  await server.idle()

  expect(log.filter((text) => text !== 'quick')).toEqual(['slow', 'behind', 'last', 'disconnect 4001'])
})

test('without it, the second one overtakes', async () => {
  const gate = new Gate()
  await using server = await startLiveServer({ application: echoing(gate) })
  await using client = await TestClient.open(server.websocketUrl)

  client.send('slow')
  client.send('behind')

  expect(await client.next()).toBe('behind')
  gate.open()
})

test('a value that each frame reads and writes needs no updateState', async () => {
  class CounterConsumer extends WebsocketConsumer {
    override state = { count: 0 }
    override async receive(): Promise<void> {
      const { count } = this.state
      await new Promise((resolve) => setImmediate(resolve))
      this.state.count = count + 1
      await this.send(String(this.state.count))
    }
  }
  await using server = await startLiveServer({
    application: CounterConsumer.asApplication(),
    ordering: 'serial',
  })
  await using client = await TestClient.open(server.websocketUrl)
  for (let frame = 0; frame < 25; frame += 1) client.send('')
  for (let frame = 1; frame <= 25; frame += 1) expect(await client.next()).toBe(String(frame))
})

test('a heartbeat overtakes what waits: it is no frame of the application', async () => {
  const gate = new Gate()
  await using server = await startLiveServer({
    application: echoing(gate),
    ordering: 'serial',
  })
  await using client = await TestClient.open(server.websocketUrl)

  client.send('slow')
  client.send('{"type":"websocket.heartbeat"}')

  expect(await client.next()).toBe('{"type":"websocket.heartbeat"}')
  gate.open()
  expect(await client.next()).toBe('slow')
})

/** The functions of one application, of which the serial one dies in the middle of its first batch. */
function dyingFunctions(store: MemoryChannelStore, endpoint: string, logger: FakeLogger): LocalFunctions {
  const credentials = async () => ({ accessKeyId: 'local', secretAccessKey: 'local' })
  const poster = new FastPoster({ endpoint, region: 'us-east-1', credentials })
  const application = echoing(new Gate())
  const runtime = new Runtime({
    store,
    queue: new MemoryDeliveryQueue(),
    createPoster: () => poster,
    endpoint,
    region: 'us-east-1',
    logger,
  })
  const serve = createSerialHandler(application, runtime)
  let invocations = 0
  return {
    websocket: inProcessFunction((event, context) =>
      createWebsocketHandler(application, runtime)(event, context),
    ),
    serial: inProcessFunction(async (event: { readonly Records: readonly object[] }, context) => {
      invocations += 1
      if (invocations > 1) return await serve(event, context)
      await serve({ Records: event.Records.slice(0, 1) }, context)
      throw new RangeError('out of memory')
    }),
  }
}

test("a function that dies in the middle has its frames again, in order; a message that is none stands in nobody else's way", async () => {
  const logger = new FakeLogger()
  const store = new MemoryChannelStore()
  await using gateway = await startLocalGateway({
    functions: ({ managementEndpoint }) => dyingFunctions(store, managementEndpoint, logger),
    policies: { visibilityTimeoutMs: 20, maxReceiveCount: 3 },
    logger,
  })
  await using client = await TestClient.open(gateway.websocketUrl)
  const [groupId = ''] = gateway.connections.ids()
  for (const text of ['1', '2', '3']) client.send(text)
  await eventually(() => client.received.length > 0)
  gateway.enqueue('{"poison":true}', { queue: 'serial.fifo', groupId })
  await gateway.idle()
  client.send('4')
  await gateway.idle()
  await eventually(() => client.received.includes('4'))

  expect(client.received).toEqual(['1', '1', '2', '3', '4'])
  expect(gateway.deadLetters).toMatchObject([{ body: '{"poison":true}', receiveCount: 3 }])
})
