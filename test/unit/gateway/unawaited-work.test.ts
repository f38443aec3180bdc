import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { JsonWebsocketConsumer } from '../../../shared/consumers/json-websocket-consumer.ts'
import { WebsocketConsumer } from '../../../shared/consumers/websocket-consumer.ts'
import { InvalidNameError, MessageTooLargeError, ProtocolError, StoreError } from '../../../shared/errors.ts'
import type { ChannelStore } from '../../../shared/stores/channel-store.ts'
import { GatewayWorld } from '../../support/gateway-world.ts'

// Vitest fails the run on an unhandled rejection: each of these promises is left alone on purpose.

const left: string[] = []

type Act = (consumer: ActingConsumer) => Promise<void> | void

class ActingConsumer extends JsonWebsocketConsumer {
  override state = { count: 0, name: '' }
  override async disconnect(code: number): Promise<void> {
    left.push(`${this.channelName} ${code}`)
  }
}

function worldOf(receive: Act, connect: Act = (consumer) => consumer.accept()): GatewayWorld {
  left.length = 0
  class TestConsumer extends ActingConsumer {
    override async connect(): Promise<void> {
      await connect(this)
    }
    override async receive(): Promise<void> {
      await receive(this)
    }
    async roomSay(): Promise<void> {
      await receive(this)
    }
  }
  return new GatewayWorld({ application: TestConsumer.asApplication() })
}

/** Makes the writes of `updateState()` wait. */
function holdUpdates(world: GatewayWorld, wait: () => Promise<void>): void {
  const saveStateIf: ChannelStore['saveStateIf'] = async (...args) => {
    await wait()
    return world.store.saveStateIf(...args)
  }
  const store = new Proxy(world.store, {
    get: (inner, name): unknown => (name === 'saveStateIf' ? saveStateIf : Reflect.get(inner, name)),
  })
  Object.assign(world.runtime, { store })
}

const tooLarge = 'x'.repeat(140_000)

test.each<[string, Act, new (...args: never[]) => Error]>([
  ['a frame that is too large', (consumer) => void consumer.send(tooLarge), MessageTooLargeError],
  ['the same as JSON', (consumer) => void consumer.sendJson(tooLarge), MessageTooLargeError],
  ['a frame of bytes', (consumer) => void consumer.send(new Uint8Array(1) as never), ProtocolError],
  ['accept() once more', (consumer) => void consumer.accept(), ProtocolError],
  [
    'a group send to a bad name',
    (consumer) => void consumer.channelLayer.groupSend('bad name', { type: 'room.say' }),
    InvalidNameError,
  ],
  [
    'a groupAdd to a bad name',
    (consumer) => void consumer.channelLayer.groupAdd('bad name', 'a='),
    InvalidNameError,
  ],
  [
    'an updateState() that throws',
    (consumer) =>
      void consumer.updateState(() => {
        throw new RangeError('boom')
      }),
    RangeError,
  ],
])('%s that nobody awaits is a failure of the handler', async (_, act, kind) => {
  const world = worldOf(act)
  await world.open('a=')

  expect(await world.receive('a=', '')).toEqual({ statusCode: 200 })

  expect(world.failures).toMatchObject([
    { context: { channelName: 'a=', consumer: 'TestConsumer', type: 'websocket.receive' } },
  ])
  expect(world.failures[0]?.error).toBeInstanceOf(kind)
  expect(world.count('handlerFailed')).toBe(1)
  expect(world.logged('error').map(({ message }) => message)).toEqual([
    'TestConsumer failed on "websocket.receive", in work that it did not await',
  ])
  expect(left).toEqual(['a= 1011'])
  expect(world.poster.closed).toContain('a=')
})

test('a store that fails a group send that nobody awaits is a failure of the handler', async () => {
  const world = worldOf((consumer) => void consumer.channelLayer.groupSend('room', { type: 'room.say' }))
  await world.open('a=')
  world.store.fail('members', new StoreError('down', { retryable: true }))

  await world.receive('a=', '')

  expect(world.failures[0]?.error).toBeInstanceOf(StoreError)
  expect(world.poster.closed).toContain('a=')
})

test('a failure that the handler takes later is the handler’s', async () => {
  const world = worldOf(async (consumer) => {
    const sent = consumer.send(tooLarge)
    await sleep(20)
    await sent.catch(() => consumer.send('was too large'))
  })
  await world.open('a=')

  await world.receive('a=', '')

  expect(world.frames('a=')).toEqual(['was too large'])
  expect(world.failures).toEqual([])
  expect(world.poster.closed).not.toContain('a=')
})

test('in connect() such a failure refuses the handshake with 500 and leaves nothing behind', async () => {
  const world = worldOf(
    () => {},
    async (consumer) => {
      await consumer.channelLayer.groupAdd('room', consumer.channelName)
      await consumer.accept()
      void consumer.send(tooLarge)
    },
  )

  expect(await world.connect('a=')).toEqual({ statusCode: 500 })

  expect(world.failures).toMatchObject([{ context: { type: 'websocket.connect' } }])
  expect(world.count('handlerFailed')).toBe(1)
  expect(await world.store.load('a=')).toBeUndefined()
  expect(await world.members('room')).toEqual([])
})

test('in disconnect() such a failure is reported, and nothing is posted', async () => {
  class Leaving extends WebsocketConsumer {
    override disconnect(): void {
      void this.channelLayer.groupSend('bad name', { type: 'room.left' })
    }
  }
  const world = new GatewayWorld({ application: Leaving.asApplication() })
  await world.open('a=')

  expect(await world.disconnect('a=')).toEqual({ statusCode: 200 })

  expect(world.failures).toMatchObject([{ context: { type: 'websocket.disconnect' } }])
  expect(world.poster.calls).toEqual([])
})

test('a failure in disconnect() that another one has caused is reported, too', async () => {
  class Failing extends WebsocketConsumer {
    override receive(): void {
      void this.channelLayer.groupSend('bad name', { type: 'room.say' })
    }
    override disconnect(): void {
      void this.channelLayer.groupSend('bad name', { type: 'room.left' })
    }
  }
  const world = new GatewayWorld({ application: Failing.asApplication() })
  await world.open('a=')

  await world.receive('a=', '')

  expect(world.failures.map(({ context }) => context.type)).toEqual([
    'websocket.receive',
    'websocket.disconnect',
  ])
})

test('a failure of an application without a consumer is told of its connection', async () => {
  const world = new GatewayWorld({
    application: async ({ connection }, { type }, send) => {
      if (type === 'websocket.connect') await send({ type: 'websocket.accept' })
      if (type === 'websocket.receive')
        void connection.channelLayer('default').groupSend('bad name', { type: 'room.say' })
    },
  })
  await world.open('a=')

  await world.receive('a=', '')

  expect(world.failures).toMatchObject([{ context: { channelName: 'a=', type: 'websocket.receive' } }])
})

test('an updateState() that nobody awaits is stored before the invocation ends', async () => {
  const world = worldOf((consumer) => void consumer.updateState((state) => ({ ...state, count: 5 })))
  await world.open('a=')
  holdUpdates(world, () => sleep(20))

  await world.receive('a=', '')

  expect((await world.store.load('a='))?.state).toEqual({ count: 5 })
})

test('what a handler sets while its updateState() is under way is kept', async () => {
  const isSet = Promise.withResolvers<void>()
  const isWriting = Promise.withResolvers<void>()
  const world = worldOf(async (consumer) => {
    const updated = consumer.updateState((state) => ({ ...state, count: 5 }))
    await isWriting.promise
    consumer.state.name = 'ann'
    isSet.resolve()
    await updated
  })
  await world.open('a=')
  holdUpdates(world, () => {
    isWriting.resolve()
    return isSet.promise
  })

  await world.receive('a=', '')

  expect((await world.store.load('a='))?.state).toEqual({ count: 5, name: 'ann' })
})

test('a sendJson() with a slow encoding that nobody awaits is posted before the invocation ends', async () => {
  class Slow extends JsonWebsocketConsumer {
    override async encodeJson(content: unknown): Promise<string> {
      await sleep(20)
      return JSON.stringify(content)
    }
    override async receive(): Promise<void> {
      void this.sendJson({ a: 1 })
    }
  }
  const world = new GatewayWorld({ application: Slow.asApplication() })
  await world.open('a=')

  await world.receive('a=', '')

  expect(world.frames('a=')).toEqual(['{"a":1}'])
})

test('neither send() nor close() overtakes a sendJson() that nobody awaits', async () => {
  const world = worldOf(async (consumer) => {
    void consumer.sendJson({ n: 1 })
    void consumer.send('2')
    void consumer.sendJson({ n: 3 })
    await consumer.close()
  })
  await world.open('a=')

  await world.receive('a=', '')

  expect(world.frames('a=')).toEqual(['{"n":1}', '2', '{"n":3}'])
  expect(world.poster.closed).toContain('a=')
})

test.each<[string, Act, string]>([
  ['send(frame, { close: true })', (consumer) => void consumer.send('last', { close: true }), 'last'],
  [
    'close(code)',
    (consumer) => void consumer.close(4001),
    '{"type":"websocket.close","code":4001,"reason":""}',
  ],
])('nothing comes between the last frame of %s and its close', async (_, act, last) => {
  const world = worldOf(async (consumer) => {
    await act(consumer)
    void consumer.send('too late')
  })
  await world.open('a=')

  await world.receive('a=', '')

  expect(world.frames('a=')).toEqual([last])
  expect(world.count('sendAfterClose')).toBe(1)
})

test('a last frame that is too large closes nothing: its sender is told', async () => {
  const world = worldOf(async (consumer) => {
    await consumer.send(tooLarge, { close: true }).catch(() => consumer.send('sorry'))
  })
  await world.open('a=')

  await world.receive('a=', '')

  expect(world.frames('a=')).toEqual(['sorry'])
  expect(world.poster.closed).not.toContain('a=')
})
