import { expect, test } from 'vitest'
import {
  InvalidMessageError,
  JsonWebsocketConsumer,
  NoHandlerError,
  ProtocolError,
  StopConsumer,
  WebsocketConsumer,
} from '../../shared/index.ts'
import type { Message } from '../../shared/index.ts'
import { TestGateway, WebsocketCommunicator } from '../../shared/testing/index.ts'
import { actingWorld } from '../support/acting-consumer.ts'
import { GatewayWorld } from '../support/gateway-world.ts'
import { RoomConsumer } from '../support/room-consumer.ts'

// 1.2 Base consumer

class CounterConsumer extends WebsocketConsumer {
  override state = { count: 0 }
  lost = 0
}

test('`as_asgi(**initkwargs)`', async () => {
  const made: object[] = []
  class Greeting extends WebsocketConsumer {
    readonly #greeting: string
    constructor(greeting: string) {
      super()
      this.#greeting = greeting
      made.push(this)
    }
    override async receive(): Promise<void> {
      await this.send(this.#greeting)
    }
  }
  await using client = new WebsocketCommunicator(Greeting.asApplication('hello'), '/')
  await client.connect()

  await client.sendTo('')

  expect(await client.receiveFrom()).toBe('hello')
  expect(new Set(made).size).toBe(2)
})

test('attributes on `self` last as long as the socket', async () => {
  class Tutorial extends CounterConsumer {
    override async connect(): Promise<void> {
      this.lost = 7
      this.state.count = 7
      await this.accept()
    }
    override async receive(): Promise<void> {
      await this.send(`${this.lost} ${this.state.count}`)
      this.state.count += 1
    }
  }
  const world = new GatewayWorld({ application: Tutorial.asApplication() })
  await world.open('a=')

  for (const text of ['', '']) {
    world.coldStart()
    await world.receive('a=', text)
  }

  expect(world.frames('a=')).toEqual(['0 7', '0 8'])
  expect(world.logged('warn')[0]).toMatchObject({ details: { consumer: 'Tutorial', field: 'lost' } })
})

test('two events of one connection cannot lose an update', async () => {
  class Counting extends CounterConsumer {
    override async receive(text: string): Promise<void> {
      if (text === 'read') await this.send(String(this.state.count))
      else await this.updateState((state) => ({ ...state, count: state.count + 1 }))
    }
  }
  const application = Counting.asApplication()
  const gateway = new TestGateway(application, { mode: 'concurrent' })
  await using client = new WebsocketCommunicator(application, '/', { gateway })
  await client.connect()

  for (let frames = 0; frames < 5; frames++) await client.sendTo('count')
  await client.wait()
  await client.sendTo('read')

  expect(await client.receiveFrom()).toBe('5')
})

test('`self.scope`, `self.channel_layer`, `self.channel_name`', async () => {
  const seen: unknown[] = []
  const look = ({ scope, channelName, channelLayer }: WebsocketConsumer): void =>
    void seen.push([scope.path, channelName, channelLayer.extensions])
  const world = actingWorld({
    connect: (consumer) => {
      look(consumer)
      return consumer.accept()
    },
    receive: look,
    disconnect: look,
  })

  await world.connect('a=', { query: { path: '/rooms/' } })
  await world.receive('a=', '')
  await world.disconnect('a=')

  expect(seen).toEqual(Array.from({ length: 3 }, () => ['/rooms/', 'a=', ['groups', 'flush']]))
})

test('`chat.message` runs `chat_message`', async () => {
  class Chat extends JsonWebsocketConsumer {
    override async receiveJson(content: unknown): Promise<void> {
      await this.channelLayer.send(this.channelName, content as Message)
    }
    async chatMessage({ text }: { readonly text: string }): Promise<void> {
      await this.send(`chatMessage ${text}`)
    }
    async chat_message({ text }: { readonly text: string }): Promise<void> {
      await this.send(`chat_message ${text}`)
    }
  }
  await using client = new WebsocketCommunicator(Chat.asApplication(), '/')
  await client.connect()

  await client.sendJsonTo({ type: 'chat.message', text: 'a' })
  await client.sendJsonTo({ type: 'chat_message', text: 'b' })

  expect([await client.receiveFrom(), await client.receiveFrom()]).toEqual([
    'chatMessage a',
    'chat_message b',
  ])
})

test('a malformed type is an error', async () => {
  const types = ['chat-message', '_private', 'chat._private', 'a b']
  for (const type of types) {
    const world = actingWorld({ receive: ({ channelLayer }) => channelLayer.send('b=', { type }) })
    await world.open('a=', 'b=')

    await world.receive('a=', '')

    expect(world.failures).toMatchObject([{ context: { channelName: 'b=' } }])
    expect(world.failures[0]?.error).toBeInstanceOf(InvalidMessageError)
    expect(String(world.failures[0]?.error)).toContain('such as "chat.message"')
  }
})

test('no handler: `ValueError`, the consumer dies', async () => {
  class Newer extends RoomConsumer {
    override async receive(): Promise<void> {
      await this.channelLayer.groupSend('room', { type: 'room.dance' })
    }
    async roomDance(): Promise<void> {
      await this.send('dancing')
    }
  }
  const [older, newer] = [RoomConsumer.asApplication(), Newer.asApplication()]
  const world = new GatewayWorld({
    application: (scope, message, send) =>
      (scope.channelName === 'old=' ? older : newer)(scope, message, send),
  })
  await world.open('a=', 'b=', 'old=')

  await world.receive('a=', '')

  expect([world.frames('a='), world.frames('b=')]).toEqual([['dancing'], ['dancing']])
  expect(world.poster.closed).toEqual(new Set(['old=']))
  expect(world.failures).toMatchObject([{ context: { channelName: 'old=' } }])
  expect(world.failures[0]?.error).toBeInstanceOf(NoHandlerError)
})

test('a layer message may reach any method', async () => {
  let reached = 0
  class Open extends WebsocketConsumer {
    override async receive(type: string): Promise<void> {
      await this.channelLayer.send('b=', { type })
    }
    override async close(): Promise<void> {
      reached += 1
    }
    field = (): void => void (reached += 1)
  }

  for (const type of ['close', 'constructor', 'toString', 'accept', 'field', 'updateState']) {
    const world = new GatewayWorld({ application: Open.asApplication() })
    await world.open('a=', 'b=')
    await world.receive('a=', type)
    expect(world.failures).toHaveLength(1)
    expect(world.failures[0]?.error).toBeInstanceOf(NoHandlerError)
  }

  expect(reached).toBe(0)
})

test('`websocket.receive` can be sent through a layer', async () => {
  const calls: string[] = []
  class Chat extends JsonWebsocketConsumer {
    override async receiveJson(content: unknown): Promise<void> {
      calls.push(JSON.stringify(content))
      await this.channelLayer.send('b=', { type: 'websocket.receive', text: '"spoofed"' })
    }
    async chatMessage(): Promise<void> {
      calls.push('chatMessage')
    }
  }
  const world = new GatewayWorld({ application: Chat.asApplication() })
  await world.open('a=', 'b=')

  await world.receive('a=', '{"type":"chat.message"}')

  expect(calls).toEqual(['{"type":"chat.message"}'])
  expect(world.failures[0]?.error).toBeInstanceOf(InvalidMessageError)
})

test('`StopConsumer`', async () => {
  const left: number[] = []
  const world = actingWorld({
    groups: ['room'],
    receive: () => Promise.reject(new StopConsumer()),
    disconnect: (_, code) => void left.push(code),
  })
  await world.open('a=')

  await world.receive('a=', '')

  expect(world.poster.closed).toEqual(new Set(['a=']))
  expect([left, await world.members('room'), world.failures]).toEqual([[1000], [], []])
})

test('`send(message)`, raw and overridable', async () => {
  class Raw extends WebsocketConsumer {
    override async receive(text: string): Promise<void> {
      if (text === 'unknown') await this.sendMessage({ type: 'websocket.shout' })
      else await this.sendMessage({ type: 'websocket.send', text })
    }
    protected override async sendMessage(message: Message): Promise<void> {
      const { text } = message
      await super.sendMessage(typeof text === 'string' ? { ...message, text: text.toUpperCase() } : message)
    }
  }
  const world = new GatewayWorld({ application: Raw.asApplication() })
  await world.open('a=')

  await world.receive('a=', 'hello')
  expect(world.frames('a=')).toEqual(['HELLO'])

  await world.receive('a=', 'unknown')
  expect(world.failures[0]?.error).toBeInstanceOf(ProtocolError)
})

test('an exception closes with 1011, without `disconnect()`', async () => {
  const left: number[] = []
  const failure = new Error('boom')
  const world = actingWorld({
    groups: ['room'],
    receive: () => Promise.reject(failure),
    disconnect: (_, code) => void left.push(code),
  })
  await world.open('a=')

  expect(await world.receive('a=', '')).toEqual({ statusCode: 200 })

  expect(left).toEqual([1011])
  expect(await world.members('room')).toEqual([])
  expect(world.poster.closed).toEqual(new Set(['a=']))
  expect(world.failures).toMatchObject([{ error: failure, context: { channelName: 'a=' } }])
  expect(world.logged('error')).toMatchObject([{ details: { error: failure } }])
})

test('`channel_layer_alias`', async () => {
  class Ticker extends RoomConsumer {
    static override readonly channelLayerAlias: string = 'ticker'
  }
  const application = Ticker.asApplication()
  const gateway = new TestGateway(application, { layers: ['ticker'] })
  await using ann = new WebsocketCommunicator(application, '/', { gateway })
  await using ben = new WebsocketCommunicator(application, '/', { gateway })
  await ann.connect()
  await ben.connect()

  await ann.sendTo('hello')

  expect(await ben.receiveFrom()).toBe('hello')
  expect((await gateway.store.members('room')).members).toEqual([])
})

test('one event at a time per consumer', async () => {
  const both = Promise.withResolvers<void>()
  let running = 0
  class Meeting extends WebsocketConsumer {
    override async receive(text: string): Promise<void> {
      running += 1
      if (running === 2) both.resolve()
      await both.promise
      void this.send(`${text} 1`)
      await this.send(`${text} 2`)
    }
  }
  const application = Meeting.asApplication()
  const gateway = new TestGateway(application, { mode: 'concurrent' })
  await using client = new WebsocketCommunicator(application, '/', { gateway })
  await client.connect()

  await client.sendTo('a')
  await client.sendTo('b')
  await client.wait()

  const frames = [await client.receiveFrom(), await client.receiveFrom()]
  frames.push(await client.receiveFrom(), await client.receiveFrom())
  expect(frames.filter((frame) => frame.startsWith('a'))).toEqual(['a 1', 'a 2'])
  expect(frames.filter((frame) => frame.startsWith('b'))).toEqual(['b 1', 'b 2'])
})

test('background tasks of a consumer', async () => {
  const gate = Promise.withResolvers<void>()
  class Slow extends JsonWebsocketConsumer {
    override receiveJson(content: unknown): void {
      void this.sendJson(content)
    }
    override async encodeJson(content: unknown): Promise<string> {
      await gate.promise
      return String(content)
    }
  }
  const world = new GatewayWorld({ application: Slow.asApplication() })
  await world.open('a=')

  const invocation = world.receive('a=', '"late"').then(() => world.frames('a='))
  await world.clock.advance(1_000)
  gate.resolve()

  expect(await invocation).toEqual(['late'])
})
