import { expect, test } from 'vitest'
import { withAccessLog } from '../../local/dev-access-log.ts'
import { ReloadableFunction } from '../../local/dev-reloadable-function.ts'
import { inProcessFunction, startLocalGateway } from '../../local/index.ts'
import { DenyConnection, originValidator, type WebsocketConsumer } from '../../shared/index.ts'
import { ManualClock, WebsocketCommunicator } from '../../shared/testing/index.ts'
import { clientFrame, handshake, RawClient, TestClient } from '../simulator/support/clients.ts'
import { Gate, RecordedApi } from '../simulator/support/recorded-api.ts'
import { actingWorld } from '../support/acting-consumer.ts'
import { RoomConsumer } from '../support/room-consumer.ts'

// 1.20 Server

test('the handshake waits for the consumer', async () => {
  const gate = new Gate()
  await using api = await RecordedApi.start({
    connect: async () => {
      await gate.opened
      return { statusCode: 200 }
    },
  })
  const opening = TestClient.open(api.gateway.websocketUrl)
  await api.event('CONNECT')
  expect(api.gateway.connections.count).toBe(0)

  gate.open()

  await using _client = await opening
  expect(api.gateway.connections.count).toBe(1)
})

test('a refusal is 403', async () => {
  const statusOf = async (connect: (consumer: WebsocketConsumer) => Promise<void>): Promise<number> =>
    (await actingWorld({ connect }).connect('a=')).statusCode

  expect(await statusOf((consumer) => consumer.close())).toBe(403)
  expect(await statusOf(() => Promise.reject(new DenyConnection(401)))).toBe(401)

  await using api = await RecordedApi.start({ connect: () => ({ statusCode: 401 }) })
  expect((await handshake(api.gateway.websocketUrl)).status).toBe(401)
})

test('an exception in the handshake is 500', async () => {
  const failure = new Error('boom')
  const world = actingWorld({
    groups: ['room'],
    connect: async (consumer) => {
      await consumer.accept()
      throw failure
    },
  })

  expect(await world.connect('a=')).toEqual({ statusCode: 500 })

  expect(world.failures).toMatchObject([{ error: failure, context: { type: 'websocket.connect' } }])
  expect([await world.members('room'), await world.store.load('a=')]).toEqual([[], undefined])
})

test('an exception later closes', async () => {
  const world = actingWorld({ groups: ['room'], receive: () => Promise.reject(new Error('boom')) })
  await world.open('a=')

  expect(await world.receive('a=', '')).toEqual({ statusCode: 200 })

  expect(world.poster.closed).toEqual(new Set(['a=']))
  expect(JSON.parse(world.frames('a=').join())).toMatchObject({ type: 'websocket.close', code: 1011 })
  expect([await world.members('room'), await world.store.load('a=')]).toEqual([[], undefined])
})

test('pings find dead clients in 50 s', async () => {
  const clock = new ManualClock()
  await using api = await RecordedApi.start({}, { clock })
  await using client = await TestClient.open(api.gateway.websocketUrl)
  let pings = 0
  client.socket.on('ping', () => (pings += 1))

  await clock.advance(599_999)
  expect([api.gateway.connections.count, pings]).toEqual([1, 0])
  await clock.advance(1)

  expect((await client.closed).code).toBe(1001)
  expect((await api.event('DISCONNECT')).requestContext.disconnectStatusCode).toBe(1001)
})

test('`websocket_timeout`, 24 h', async () => {
  const clock = new ManualClock()
  await using api = await RecordedApi.start({}, { clock })
  await using client = await TestClient.open(api.gateway.websocketUrl)
  for (let messages = 1; messages < 24; messages += 1) {
    await clock.advance(300_000)
    client.send('busy')
    await api.event('MESSAGE', messages)
  }
  await clock.advance(299_999)
  expect(api.gateway.connections.count).toBe(1)

  await clock.advance(1)

  expect((await client.closed).code).toBe(1001)
})

test('1 MiB per message', async () => {
  await using api = await RecordedApi.start()
  await using client = await TestClient.open(api.gateway.websocketUrl)
  const parts = ['a', 'b', 'c', 'd'].map((letter) => letter.repeat(32_768))
  for (const [index, part] of parts.entries()) client.socket.send(part, { fin: index === 3 })
  expect((await api.event('MESSAGE')).body).toBe(parts.join(''))

  client.send('x'.repeat(32_769))

  expect((await client.closed).code).toBe(1009)
})

test('invalid UTF-8', async () => {
  await using api = await RecordedApi.start()
  await using client = new RawClient(api.gateway.port)
  client.sendHandshake('/prod')
  await client.readHead()

  client.socket.write(clientFrame(0x81, Buffer.from([0xc3, 0x28])))

  expect((await client.readFrame()).payload.readUInt16BE(0)).toBe(1007)
  expect(api.events.map(({ requestContext }) => requestContext.eventType)).not.toContain('MESSAGE')
})

test('the origin `null` is let through', async () => {
  const connect = async (allowed: readonly string[]): Promise<unknown> => {
    const application = originValidator(RoomConsumer.asApplication(), allowed)
    return new WebsocketCommunicator(application, '/', { headers: { Origin: 'null' } }).connect()
  }

  expect(await connect(['chat.example'])).toEqual([false, 403])
  expect(await connect(['chat.example', 'null'])).toEqual([true, null])
})

/** A function that answers frames with the version of its code, if that loads. */
function generations(): { readonly reloadable: ReloadableFunction; deploy(version: string): Promise<void> } {
  let version = ''
  const reloadable = new ReloadableFunction(() => {
    const mine = version
    const lambda = inProcessFunction(async () => ({ statusCode: 200, body: mine }))
    return {
      ready: async () => {
        if (mine === 'broken') throw new SyntaxError('it does not load')
      },
      invoke: (event) => lambda.invoke(event),
      close: async () => {},
    }
  })
  const deploy = async (next: string): Promise<void> => {
    version = next
    await reloadable.load()
  }
  return { reloadable, deploy }
}

test('`runserver`', async () => {
  const { reloadable, deploy } = generations()
  await deploy('one')
  await using gateway = await startLocalGateway({
    functions: { websocket: reloadable },
    twoWayRoutes: ['$default'],
  })
  await using client = await TestClient.open(gateway.websocketUrl)
  const versions: string[] = []
  for (const version of ['one', 'two', 'broken']) {
    await deploy(version).catch(() => undefined)
    client.send('which?')
    versions.push(await client.next())
  }

  expect(versions).toEqual(['one', 'two', 'two'])
})

test('access log', async () => {
  const lines: string[] = []
  const isAccepted = (event: object): boolean =>
    JSON.stringify(event).includes('/ws/lobby/') || JSON.stringify(event).includes('DISCONNECT')
  const target = inProcessFunction(async (event: object) => ({ statusCode: isAccepted(event) ? 200 : 404 }))
  const ended = new Gate()
  const write = (line: string): void => {
    lines.push(line.replace(/ +\S+=/, ' ID'))
    if (line.startsWith('disconnected')) ended.open()
  }
  await using gateway = await startLocalGateway({ functions: { websocket: withAccessLog(target, write) } })
  const address = gateway.url.replace('http', 'ws')

  const client = await TestClient.open(`${address}/ws/lobby/`)
  await client.close(1000)
  await ended.opened
  expect((await handshake(`${address}/ws/nowhere/`)).status).toBe(404)

  expect(lines).toEqual([
    'connecting ID /ws/lobby/',
    'accepted ID 200',
    'disconnected ID 1000 /ws/lobby/',
    'connecting ID /ws/nowhere/',
    'rejected ID 404',
  ])
})
