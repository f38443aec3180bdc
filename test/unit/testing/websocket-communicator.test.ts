import { expect, test } from 'vitest'
import { JsonWebsocketConsumer } from '../../../shared/consumers/json-websocket-consumer.ts'
import { WebsocketConsumer } from '../../../shared/consumers/websocket-consumer.ts'
import { TestGateway } from '../../../shared/testing/test-gateway.ts'
import { WebsocketCommunicator } from '../../../shared/testing/websocket-communicator.ts'
import { RoomConsumer } from '../../support/room-consumer.ts'

class EchoConsumer extends JsonWebsocketConsumer {
  override async receiveJson(content: unknown): Promise<void> {
    await this.sendJson({ content, path: this.scope.path, query: this.scope.query })
  }
}

test('a frame goes in, a frame comes out', async () => {
  await using communicator = new WebsocketCommunicator(
    EchoConsumer.asApplication(),
    '/ws/caf%C3%A9/?name=ann',
  )

  expect(await communicator.connect()).toEqual([true, null])
  await communicator.sendJsonTo({ hello: 'there' })

  expect(await communicator.receiveJsonFrom()).toEqual({
    content: { hello: 'there' },
    path: '/ws/café/',
    query: { name: 'ann' },
  })
})

test('a subprotocol is negotiated; a refusal tells its status', async () => {
  class Choosy extends WebsocketConsumer {
    override async connect(): Promise<void> {
      if (this.scope.subprotocols.includes('v2')) await this.accept('v2')
      else await this.close()
    }
  }
  const application = Choosy.asApplication()
  await using accepted = new WebsocketCommunicator(application, '/', { subprotocols: ['v1', 'v2'] })
  await using refused = new WebsocketCommunicator(application, '/', { subprotocols: ['v1'] })

  expect(await accepted.connect()).toEqual([true, 'v2'])
  expect(await refused.connect()).toEqual([false, 403])
  expect(refused.isClosed).toBe(true)
})

test('frames that connect() sends are there right after it', async () => {
  class Greeting extends WebsocketConsumer {
    override async connect(): Promise<void> {
      await this.accept()
      await this.send('hello')
    }
  }
  await using communicator = new WebsocketCommunicator(Greeting.asApplication(), '/')

  await communicator.connect()

  expect(await communicator.receiveFrom()).toBe('hello')
})

test('a cold consumer meets each event: a field that production would lose is lost here', async () => {
  class Forgetful extends WebsocketConsumer {
    name = 'nobody'
    override state = { name: 'nobody' }
    override async connect(): Promise<void> {
      this.name = 'ann'
      this.state.name = 'ann'
      await this.accept()
    }
    override async receive(): Promise<void> {
      await this.send(`${this.name}, ${this.state.name}`)
    }
  }
  await using communicator = new WebsocketCommunicator(Forgetful.asApplication(), '/')
  await communicator.connect()

  await communicator.sendTo('')

  expect(await communicator.receiveFrom()).toBe('nobody, ann')
})

test('communicators of one application share its groups; those of another gateway do not', async () => {
  const application = RoomConsumer.asApplication()
  await using ann = new WebsocketCommunicator(application, '/')
  await using ben = new WebsocketCommunicator(application, '/')
  await using far = new WebsocketCommunicator(application, '/', { gateway: new TestGateway(application) })
  for (const communicator of [ann, ben, far]) await communicator.connect()

  await ann.sendTo('hello')

  expect(await ann.receiveFrom()).toBe('hello')
  expect(await ben.receiveFrom()).toBe('hello')
  expect(await far.receiveNothing(20)).toBe(true)
})

test('a gateway has the further layers that it is given, each with groups of its own', async () => {
  class Ticking extends RoomConsumer {
    static override readonly channelLayerAlias: string = 'ticker'
  }
  const application = Ticking.asApplication()
  const gateway = new TestGateway(application, { layers: ['ticker'] })
  await using ann = new WebsocketCommunicator(application, '/', { gateway })
  await ann.connect()

  await ann.sendTo('hello')

  expect(await ann.receiveFrom()).toBe('hello')
  expect((await gateway.store.members('room')).members).toEqual([])
  await expect(new WebsocketCommunicator(application, '/').connect()).rejects.toThrow(
    'there is no channel layer "ticker": this runtime has "default"',
  )
})

test('what a handler throws is thrown by the call that caused it', async () => {
  class Failing extends WebsocketConsumer {
    override async connect(): Promise<void> {
      if (this.scope.query['fail'] === 'connect') throw new Error('at connect')
      await this.accept()
    }
    override receive(): never {
      throw new Error('at receive')
    }
    override disconnect(): never {
      throw new Error('at disconnect')
    }
  }
  const application = Failing.asApplication()

  await expect(new WebsocketCommunicator(application, '/?fail=connect').connect()).rejects.toThrow(
    'at connect',
  )

  const receiving = new WebsocketCommunicator(application, '/')
  await receiving.connect()
  await expect(receiving.sendTo('')).rejects.toThrow('at receive')

  const leaving = new WebsocketCommunicator(application, '/')
  await leaving.connect()
  await expect(leaving.disconnect()).rejects.toThrow('at disconnect')
})

test('a time-out throws, and leaves the connection as it is', async () => {
  await using communicator = new WebsocketCommunicator(EchoConsumer.asApplication(), '/')
  await communicator.connect()

  await expect(communicator.receiveFrom(5)).rejects.toThrow('no frame arrived within 5 ms')

  await communicator.sendJsonTo(1)
  expect(await communicator.receiveJsonFrom()).toMatchObject({ content: 1 })
})

test('a connection that the server closes gives no more frames, and its disconnect() runs', async () => {
  const left: number[] = []
  class Closing extends WebsocketConsumer {
    override async receive(): Promise<void> {
      await this.close()
    }
    override async disconnect(code: number): Promise<void> {
      left.push(code)
    }
  }
  const communicator = new WebsocketCommunicator(Closing.asApplication(), '/')
  await communicator.connect()

  await communicator.sendTo('')
  await expect(communicator.receiveFrom()).rejects.toThrow('the server has closed the connection')
  await communicator.disconnect()

  expect(left).toEqual([1000])
})

test('disconnect() passes code and reason, and ends the memberships', async () => {
  const left: unknown[] = []
  class Leaving extends RoomConsumer {
    override async disconnect(code: number, reason: string): Promise<void> {
      left.push([code, reason])
    }
  }
  const communicator = new WebsocketCommunicator(Leaving.asApplication(), '/')
  await communicator.connect()
  expect((await communicator.gateway.store.members('room')).members).toHaveLength(1)

  await communicator.disconnect(4000, 'enough')

  expect(left).toEqual([[4000, 'enough']])
  expect((await communicator.gateway.store.members('room')).members).toEqual([])
})

test('a client that vanishes is found by the next group send', async () => {
  const application = RoomConsumer.asApplication()
  await using ann = new WebsocketCommunicator(application, '/')
  const ben = new WebsocketCommunicator(application, '/')
  await ann.connect()
  await ben.connect()

  ben.vanish()
  await ann.sendTo('anybody?')

  expect((await ann.gateway.store.members('room')).members.map(({ connectionId }) => connectionId)).toEqual([
    ann.channelName,
  ])
  expect(ann.gateway.counts.get('gone')).toBe(1)
})

test('headers, cookies and an authorizer reach the consumer', async () => {
  const seen: unknown[] = []
  class Looking extends WebsocketConsumer {
    override async connect(): Promise<void> {
      seen.push(this.scope.headers['cookie'], this.scope.authorizer)
      await this.accept()
    }
  }
  const options = { headers: { Cookie: 'a=1' }, authorizer: { principalId: 'ann' } }
  await using communicator = new WebsocketCommunicator(Looking.asApplication(), '/', options)

  await communicator.connect()

  expect(seen).toEqual([['a=1'], { principalId: 'ann' }])
})

test('receiveNothing() says whether a frame comes, and takes none', async () => {
  await using communicator = new WebsocketCommunicator(EchoConsumer.asApplication(), '/')
  await communicator.connect()

  expect(await communicator.receiveNothing(1)).toBe(true)
  await communicator.sendJsonTo('hello')

  expect(await communicator.receiveNothing(1)).toBe(false)
  expect(await communicator.receiveJsonFrom()).toMatchObject({ content: 'hello' })
})
