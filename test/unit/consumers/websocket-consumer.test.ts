import { expect, test } from 'vitest'
import { Consumer } from '../../../shared/consumers/consumer.ts'
import { WebsocketConsumer } from '../../../shared/consumers/websocket-consumer.ts'
import { ConfigurationError, MessageTooLargeError, ProtocolError } from '../../../shared/errors.ts'
import { AcceptConnection } from '../../../shared/signals.ts'
import { FakeConnection, fakeScope } from '../../support/fake-connection.ts'
import { GatewayWorld } from '../../support/gateway-world.ts'

type Receive = (consumer: WebsocketConsumer, text: string) => Promise<void>

function worldOf(receive: Receive): GatewayWorld {
  class TestConsumer extends WebsocketConsumer {
    override async receive(text: string): Promise<void> {
      await receive(this, text)
    }
  }
  return new GatewayWorld({ application: TestConsumer.asApplication() })
}

test('every event meets a fresh instance, made with the given arguments', async () => {
  const made: unknown[] = []
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
  const world = new GatewayWorld({ application: Greeting.asApplication('hello') })
  await world.open('a=')

  await world.receive('a=', '')

  expect(world.frames('a=')).toEqual(['hello'])
  expect(new Set(made).size).toBe(2)
})

test('the scope, the channel name and the layer are there in every handler', async () => {
  const seen: unknown[] = []
  const world = worldOf(async (consumer) => {
    seen.push(consumer.channelName, consumer.scope.channelName, typeof consumer.channelLayer.groupSend)
  })
  await world.open('a=')

  await world.receive('a=', '')

  expect(seen).toEqual(['a=', 'a=', 'function'])
})

test('groups are joined before connect() runs, in one write with the record', async () => {
  class Member extends WebsocketConsumer {
    override readonly groups = ['one', 'two']
    override async connect(): Promise<void> {
      joined.push([...(await world.members('one')), ...(await world.members('two'))])
      await this.accept()
    }
  }
  const joined: unknown[] = []
  const world = new GatewayWorld({ application: Member.asApplication() })

  await world.connect('a=')

  expect(joined).toEqual([['a=', 'a=']])
  expect(world.store.calls.filter(({ method }) => method === 'groupAdd')).toEqual([])
})

test('groups can be a getter that reads the scope', async () => {
  class Member extends WebsocketConsumer {
    override get groups(): readonly string[] {
      return [`chat_${this.scope.query['room']}`]
    }
  }
  const world = new GatewayWorld({ application: Member.asApplication() })

  await world.connect('a=', { query: { room: 'lobby' } })

  expect(await world.members('chat_lobby')).toEqual(['a='])
})

test('a frame over 128 KB, counted in bytes, is refused before anything is sent', async () => {
  const world = worldOf(async (consumer, text) => {
    if (text === 'fits') await consumer.send('ä'.repeat(65_536))
    else await consumer.send(`${'ä'.repeat(65_536)}a`)
  })
  await world.open('a=')

  await world.receive('a=', 'fits')
  expect(world.frames('a=')).toHaveLength(1)

  await world.receive('a=', 'too large')
  expect(world.frames('a=').filter((frame) => frame.includes('ä'))).toHaveLength(1)
  expect(world.failures[0]?.error).toBeInstanceOf(MessageTooLargeError)
  expect(String(world.failures[0]?.error)).toContain('131073 bytes, 131072 is the most')
})

test.each([
  ['bytes', new Uint8Array(3), /send\(\) got bytes.*base64/],
  ['an object', { a: 1 }, /send\(\) got object/],
  ['undefined', undefined, /send\(\) got undefined/],
])('send() of %s is a ProtocolError that says what to do', async (_, frame, text) => {
  const world = worldOf((consumer) => consumer.send(frame as never))
  await world.open('a=')

  await world.receive('a=', '')

  expect(world.failures[0]?.error).toBeInstanceOf(ProtocolError)
  expect(String(world.failures[0]?.error)).toMatch(text)
})

test('an empty frame is a frame', async () => {
  const world = worldOf((consumer, text) => consumer.send(text))
  await world.open('a=')

  await world.receive('a=', '')

  expect(world.frames('a=')).toEqual([''])
})

test.each<[string, Receive, readonly string[]]>([
  ['close()', (consumer) => consumer.close(), []],
  ['close(code)', (consumer) => consumer.close(4001), ['{"type":"websocket.close","code":4001,"reason":""}']],
  [
    'close(code, reason)',
    (consumer) => consumer.close(4001, 'no'),
    ['{"type":"websocket.close","code":4001,"reason":"no"}'],
  ],
  ['send() with close', (consumer) => consumer.send('bye', { close: true }), ['bye']],
  [
    'send() with a close code',
    (consumer) => consumer.send('bye', { close: 4002 }),
    ['bye', '{"type":"websocket.close","code":4002,"reason":""}'],
  ],
])('%s closes the connection behind its frames', async (_, receive, frames) => {
  const world = worldOf(receive)
  await world.open('a=')

  await world.receive('a=', '')

  expect(world.frames('a=')).toEqual(frames)
  expect(world.poster.closed).toContain('a=')
  expect(world.poster.calls.at(-1)).toMatchObject({ kind: 'close' })
})

test('accept() in receive() is a ProtocolError', async () => {
  const world = worldOf((consumer) => consumer.accept())
  await world.open('a=')

  await world.receive('a=', '')

  expect(String(world.failures[0]?.error)).toContain('accept() outside connect()')
})

test('an AcceptConnection outside connect() is a failure like any other', async () => {
  const world = worldOf(() => Promise.reject(new AcceptConnection()))
  await world.open('a=')

  await world.receive('a=', '')

  expect(world.failures).toHaveLength(1)
})

test('a message that no WebSocket server knows is a ProtocolError', async () => {
  const world = new GatewayWorld({
    application: async (_, message, send) => {
      await send({ type: message.type === 'websocket.connect' ? 'websocket.accept' : 'http.response.start' })
    },
  })
  await world.open('a=')

  await world.receive('a=', '')

  expect(String(world.failures[0]?.error)).toContain(
    '"http.response.start", which a WebSocket server does not know',
  )
})

test('a consumer of another channel layer than "default" is told that there is none', async () => {
  class Elsewhere extends WebsocketConsumer {
    static override readonly channelLayerAlias = 'jobs'
    override async connect(): Promise<void> {
      await this.channelLayer.groupAdd('room', this.channelName)
    }
  }
  const world = new GatewayWorld({ application: Elsewhere.asApplication() })

  await world.connect('a=')

  expect(world.failures[0]?.error).toBeInstanceOf(ConfigurationError)
  expect(String(world.failures[0]?.error)).toContain('"jobs"')
})

test('a class that is no Consumer is refused with its name', async () => {
  class Impostor {
    declare readonly scope: ReturnType<typeof fakeScope>
  }
  const application = (Consumer.asApplication<Impostor, []>).call(Impostor)

  await expect(application(fakeScope(), { type: 'websocket.connect' }, async () => {})).rejects.toThrow(
    'Impostor is not a Consumer',
  )
})

test('a consumer tells the server its name, before anything can fail', async () => {
  const connection = new FakeConnection()
  class Named extends WebsocketConsumer {
    override connect(): never {
      throw new Error('boom')
    }
  }

  await expect(
    Named.asApplication()(fakeScope({ connection }), { type: 'websocket.connect' }, async () => {}),
  ).rejects.toThrow('boom')
  expect(connection.servers).toEqual(['Named'])
})
