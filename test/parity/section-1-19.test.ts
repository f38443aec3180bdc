import { expect, test } from 'vitest'
import { startLiveServer } from '../../local/index.ts'
import {
  HttpConsumer,
  JsonWebsocketConsumer,
  type Session,
  WebsocketConsumer,
  type WebsocketScope,
} from '../../shared/index.ts'
import {
  ApplicationCommunicator,
  HttpCommunicator,
  TestGateway,
  type TestMode,
  WebsocketCommunicator,
} from '../../shared/testing/index.ts'
import { handshake, TestClient } from '../simulator/support/clients.ts'
import { RoomConsumer } from '../support/room-consumer.ts'

// 1.19 Testing

class EchoConsumer extends JsonWebsocketConsumer {
  override async connect(): Promise<void> {
    await this.accept(this.scope.subprotocols[0])
    await this.send('welcome')
  }
  override async receiveJson(content: unknown): Promise<void> {
    await this.sendJson(content)
  }
}

const echo = EchoConsumer.asApplication()

test('`ApplicationCommunicator`', async () => {
  class Counting extends WebsocketConsumer {
    override state = { kept: 0 }
    lost = 0
    override async receive(): Promise<void> {
      this.state.kept += 1
      this.lost += 1
      await this.send(`${this.state.kept} ${this.lost}`)
    }
  }
  const communicator = new ApplicationCommunicator(Counting.asApplication(), { path: '/' })

  for (const text of ['', '']) await communicator.sendInput({ type: 'websocket.receive', text })

  expect(await communicator.receiveOutput()).toEqual({ type: 'websocket.send', text: '1 1' })
  expect(await communicator.receiveOutput()).toEqual({ type: 'websocket.send', text: '2 1' })
  expect(await communicator.receiveNothing(1)).toBe(true)
})

test('exceptions are raised again', async () => {
  const failure = new Error('boom')
  class Failing extends WebsocketConsumer {
    override receive(): Promise<void> {
      return Promise.reject(failure)
    }
  }
  const application = Failing.asApplication()
  const client = new WebsocketCommunicator(application, '/')
  await client.connect()

  await expect(client.sendTo('')).rejects.toBe(failure)
  const message = { type: 'websocket.receive', text: '' }
  await expect(new ApplicationCommunicator(application, {}).sendInput(message)).rejects.toBe(failure)
})

test('a time-out kills the application', async () => {
  const released = Promise.withResolvers<void>()
  class Slow extends WebsocketConsumer {
    override async receive(): Promise<void> {
      await released.promise
      await this.send('late')
    }
  }
  const application = Slow.asApplication()
  const gateway = new TestGateway(application, { mode: 'concurrent' })
  await using client = new WebsocketCommunicator(application, '/', { gateway })
  await client.connect()
  await client.sendTo('')

  await expect(client.receiveFrom(1)).rejects.toThrow('no frame arrived within 1 ms')
  released.resolve()

  expect(await client.receiveFrom(10_000)).toBe('late')
})

test('one instance lives as long as the test', async () => {
  const both = Promise.withResolvers<void>()
  let meeting = 0
  class Modes extends WebsocketConsumer {
    field = 0
    override async receive(text: string): Promise<void> {
      if (text === 'meet') {
        meeting += 1
        if (meeting === 2) both.resolve()
        await both.promise
      }
      this.field += 1
      await this.send(String(this.field))
    }
  }
  const application = Modes.asApplication()
  const framesIn = async (mode: TestMode, text: string, recordIsLost = false): Promise<number> => {
    const gateway = new TestGateway(application, { mode })
    const client = new WebsocketCommunicator(application, '/', { gateway })
    await client.connect()
    if (recordIsLost) await gateway.store.remove(client.channelName)
    for (const frame of [text, text]) await client.sendTo(frame)
    await client.wait()
    let frames = 0
    for (; !(await client.receiveNothing(1)); frames += 1) expect(await client.receiveFrom()).toBe('1')
    return frames
  }

  expect(await framesIn('cold', '')).toBe(2)
  expect(await framesIn('cold', '', true)).toBe(0)
  expect(await framesIn('warm', '', true)).toBe(2)
  expect(await framesIn('concurrent', 'meet')).toBe(2)
})

test('`HttpCommunicator`', async () => {
  class Echoing extends HttpConsumer {
    override async handle(body: Buffer): Promise<void> {
      const { method, path, query } = this.scope
      await this.sendResponse(201, JSON.stringify({ method, path, query, body: body.toString() }))
    }
  }
  const communicator = new HttpCommunicator(Echoing.asApplication(), 'put', '/a%20b/?x=1', { body: 'hello' })

  const { status, body } = await communicator.getResponse()

  expect(status).toBe(201)
  expect(JSON.parse(body.toString())).toEqual({
    method: 'PUT',
    path: '/a b/',
    query: { x: '1' },
    body: 'hello',
  })
})

test('`WebsocketCommunicator`', async () => {
  const left: number[] = []
  class Leaving extends EchoConsumer {
    override disconnect(code: number): void {
      left.push(code)
    }
  }
  const client = new WebsocketCommunicator(Leaving.asApplication(), '/', { subprotocols: ['v2', 'v1'] })

  expect(await client.connect()).toEqual([true, 'v2'])
  expect(await client.receiveFrom()).toBe('welcome')
  await client.sendTo('{"a":1}')
  expect(await client.receiveFrom()).toBe('{"a":1}')
  await client.sendJsonTo({ b: 2 })
  expect(await client.receiveJsonFrom()).toEqual({ b: 2 })
  await client.disconnect(4001)

  expect(left).toEqual([4001])
})

test('you must `disconnect()`', async () => {
  const left: string[] = []
  class Leaving extends RoomConsumer {
    override disconnect(): void {
      left.push(this.channelName)
    }
  }
  const application = Leaving.asApplication()
  const gateway = new TestGateway(application)
  {
    await using client = new WebsocketCommunicator(application, '/', { gateway })
    await client.connect()
    expect((await gateway.store.members('room')).members).toHaveLength(1)
  }

  expect(left).toHaveLength(1)
  expect((await gateway.store.members('room')).members).toEqual([])
})

test('frames of `connect()` are there right after it', async () => {
  await using client = new WebsocketCommunicator(echo, '/')

  await client.connect()

  expect(await client.receiveNothing(0)).toBe(false)
  expect(await client.receiveFrom()).toBe('welcome')
})

test('`receive_nothing`', async () => {
  await using client = new WebsocketCommunicator(echo, '/')
  await client.connect()
  await client.receiveFrom()

  expect(await client.receiveNothing(1)).toBe(true)
  await client.sendJsonTo(1)
  expect(await client.receiveNothing(1)).toBe(false)

  expect(await client.receiveJsonFrom()).toBe(1)
})

test('a user in the scope is set by hand', async () => {
  type Scope = WebsocketScope & { readonly user: { readonly id: string }; readonly session: Session }
  class Known extends WebsocketConsumer<Scope> {
    override async receive(theme: string): Promise<void> {
      const { user, session, authorizer } = this.scope
      await this.send(JSON.stringify([user, await session.get('theme'), authorizer]))
      await session.set('theme', theme)
    }
  }
  const authorizer = { principalId: 'ann' }
  const options = { user: { id: 'ann' }, session: { theme: 'dark' }, authorizer }
  await using client = new WebsocketCommunicator(Known.asApplication(), '/', options)
  await client.connect()

  await client.sendTo('light')

  expect(await client.receiveJsonFrom()).toEqual([{ id: 'ann' }, 'dark', authorizer])
  expect(await client.session.get('theme')).toBe('light')
})

test('`ChannelsLiveServerTestCase`', async () => {
  let address: string
  {
    await using server = await startLiveServer({ application: RoomConsumer.asApplication() })
    await using ann = await TestClient.open(`${server.url.replace('http', 'ws')}/ws/room/`)
    await using ben = await TestClient.open(server.websocketUrl)
    address = server.websocketUrl

    ann.send('hello')

    expect([await ann.next(), await ben.next()]).toEqual(['hello', 'hello'])
  }
  await expect(handshake(address)).rejects.toThrow('ECONNREFUSED')
})

test('an empty frame cannot be sent', async () => {
  class Measuring extends WebsocketConsumer {
    override async receive(text: string): Promise<void> {
      await this.send(String(text.length))
    }
  }
  await using client = new WebsocketCommunicator(Measuring.asApplication(), '/')
  await client.connect()

  await client.sendTo('')

  expect(await client.receiveFrom()).toBe('0')
})
