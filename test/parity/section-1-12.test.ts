import { expect, test } from 'vitest'
import {
  MemoryChannelStore,
  MemoryDeliveryQueue,
  MemoryWorkerQueue,
} from '../../shared/backends/memory/index.ts'
import {
  ChannelFullError,
  type ChannelLayer,
  type ChannelLayerOptions,
  createChannelLayer,
  groupName,
  InvalidMessageError,
  InvalidNameError,
  type Message,
  MessageTooLargeError,
  NotSupportedError,
  requireChannelName,
  requireGroupName,
  UnknownChannelError,
} from '../../shared/index.ts'
import { ManualClock } from '../../shared/testing/index.ts'
import { actingWorld } from '../support/acting-consumer.ts'
import { GatewayWorld } from '../support/gateway-world.ts'
import { RoomConsumer } from '../support/room-consumer.ts'

// 1.12 Layer API

/** A layer in memory, and the clock by which its messages expire. */
function layerOf(options: Partial<ChannelLayerOptions> = {}): {
  readonly layer: ChannelLayer
  readonly clock: ManualClock
} {
  const clock = new ManualClock()
  return { clock, layer: createChannelLayer({ store: new MemoryChannelStore({ clock }), clock, ...options }) }
}

const numbered = (n: number): Message => ({ type: 'numbered', n })

test('`send(channel, message)`', async () => {
  const world = actingWorld({
    receive: ({ channelLayer }, text) => channelLayer.send('b=', { type: 'room.say', text }),
    roomSay: (consumer, text) => consumer.send(`${consumer.channelName} got ${text}`),
  })
  await world.open('a=', 'b=')

  await world.receive('a=', 'hello')

  expect([world.frames('a='), world.frames('b=')]).toEqual([[], ['b= got hello']])
})

test('`new_channel`, `receive`', async () => {
  const { layer } = layerOf()
  const [one, other] = [await layer.newChannel(), await layer.newChannel('reply.')]
  const receiving = layer.receive(one)

  await layer.send(other, numbered(2))
  await layer.send(one, numbered(1))

  expect([await receiving, await layer.receive(other)]).toEqual([numbered(1), numbered(2)])
  expect(one).toMatch(/^specific\.[^!]+![^!]+$/)
  expect(other).toMatch(/^reply\.[^!]+![^!]+$/)
})

test("`receive` of a connection's channel", async () => {
  const { layer } = layerOf()

  const receiving = layer.receive('L0SM9cOFvHcCIhw=')

  await expect(receiving).rejects.toThrow(NotSupportedError)
  await expect(receiving).rejects.toThrow('messages of a connection run its consumer')
})

test('`extensions`', () => {
  expect(layerOf().layer.extensions).toEqual(['groups', 'flush'])
})

test('names: under 100 characters of a kind', async () => {
  const { layer } = layerOf()

  for (const good of ['a', 'A-Z.a-z_0-9', 'x'.repeat(99)]) await layer.groupSend(good, numbered(1))
  for (const bad of ['', 'x'.repeat(100), 'room 42', 'é', 'a!b'])
    await expect(layer.groupSend(bad, numbered(1))).rejects.toThrow(InvalidNameError)
  await expect(layer.groupSend('room 4/2', numbered(1))).rejects.toThrow(
    'group name "room 4/2" has " " at 4: use 1 to 99',
  )
})

test('user input in names crashes', async () => {
  const { layer } = layerOf()
  const inputs = ['lobby', 'room 4/2', 'café', '', '*', 'x'.repeat(5_000), '\0', 'room 4/2.', 'ROOM 4/2']
  const names = inputs.map((input) => groupName('chat', input))

  for (const name of names) await layer.groupSend(name, numbered(1))

  expect(names[0]).toBe('chat_lobby')
  expect(new Set(names).size).toBe(inputs.length)
})

test('`!` tells specific channels from normal ones', async () => {
  const printer = new MemoryWorkerQueue()
  const queue = new MemoryDeliveryQueue()
  const { layer } = layerOf({ workers: { printer }, queue, endpoint: 'https://api.example/prod' })
  const channel = await layer.newChannel()

  await layer.send('printer', numbered(1))
  await layer.send(channel, numbered(2))
  await layer.send('L0SM9cOFvHcCIhw=', numbered(3))

  expect(printer.take().Records.map(({ body }) => JSON.parse(body) as unknown)).toMatchObject([
    { channel: 'printer', message: numbered(1) },
  ])
  expect(await layer.receive(channel)).toEqual(numbered(2))
  expect(queue.take().Records.map(({ body }) => JSON.parse(body) as unknown)).toMatchObject([
    { task: { kind: 'event', connectionId: 'L0SM9cOFvHcCIhw=', event: numbered(3) } },
  ])
  await expect(layer.send('pinter', numbered(4))).rejects.toThrow(UnknownChannelError)
})

test('a message is a dict with JSON', async () => {
  const { layer } = layerOf()
  const channel = await layer.newChannel()
  const good = { type: 'a', text: 'é ☃', n: -1.5, no: null, list: [[], {}, true] }
  await layer.send(channel, { ...good, left: undefined })
  expect(await layer.receive(channel)).toStrictEqual(good)

  for (const bad of [null, 'text', [], {}, { type: '' }, { type: 1 }])
    await expect(layer.send(channel, bad as never)).rejects.toThrow(InvalidMessageError)
  for (const value of [new Date(0), 1n, Number.NaN, new Map(), () => 1]) {
    const refused = layer.send(channel, { type: 'a', deep: [{ value }] } as never)
    await expect(refused).rejects.toThrow('message.deep[0].value')
  }
})

test('messages are isolated', async () => {
  const { layer } = layerOf()
  const [one, other] = [await layer.newChannel(), await layer.newChannel()]
  for (const channel of [one, other]) await layer.groupAdd('room', channel)
  const message = { type: 'a', list: [1] }
  await layer.groupSend('room', message)

  message.list.push(2)
  const received = (await layer.receive(one)) as unknown as typeof message
  received.list.push(3)

  expect(received.list).toEqual([1, 3])
  expect(await layer.receive(other)).toEqual({ type: 'a', list: [1] })
})

test('`MessageTooLarge`, 1 MB or more', async () => {
  const { layer } = layerOf()
  const channel = await layer.newChannel()
  const room = 131_072 - JSON.stringify({ type: 'a', text: '' }).length
  const fits = { type: 'a', text: `${'é'.repeat(Math.floor(room / 2))}${'x'.repeat(room % 2)}` }

  await layer.send(channel, fits)

  expect(await layer.receive(channel)).toEqual(fits)
  await expect(layer.send(channel, { ...fits, text: `${fits.text}x` })).rejects.toThrow(MessageTooLargeError)
})

test('a dead channel is no error', async () => {
  const world = actingWorld({
    groups: ['room'],
    receive: ({ channelLayer }, channel) => channelLayer.send(channel, { type: 'room.say', text: 'hello' }),
    roomSay: (consumer, text) => consumer.send(text),
  })
  await world.open('a=', 'dead=')
  world.vanish('dead=')

  await world.receive('a=', 'dead=')
  await world.receive('a=', 'nobody=')

  expect(world.failures).toEqual([])
  expect(await world.members('room')).toEqual(['a='])
  expect(await world.store.load('dead=')).toBeUndefined()
})

test('`capacity`, `ChannelFull`', async () => {
  const { layer } = layerOf({ capacity: 2 })
  const channel = await layer.newChannel()
  for (const n of [1, 2]) await layer.send(channel, numbered(n))
  const refused = layer.send(channel, numbered(3))
  await expect(refused).rejects.toThrow(ChannelFullError)
  await expect(refused).rejects.toMatchObject({ channelName: channel, capacity: 2 })

  const world = new GatewayWorld({ application: RoomConsumer.asApplication() })
  await world.open('a=', 'slow=')
  world.poster.answer('slow=', 'throttled')
  await world.receive('a=', 'hello')
  expect([world.frames('slow='), world.failures]).toEqual([[], []])
  world.poster.answer('slow=', 'ok')
  await world.turnUntil(world.deliverAll())
  expect(world.frames('slow=')).toEqual(['hello'])
})

test('`expiry`, 60 s', async () => {
  const { layer, clock } = layerOf()
  const channel = await layer.newChannel()
  await layer.send(channel, numbered(1))
  await clock.advance(1)
  await layer.send(channel, numbered(2))

  await clock.advance(59_999)

  expect(await layer.receive(channel)).toEqual(numbered(2))
})

test('order of one sender', async () => {
  const { layer } = layerOf()
  const channel = await layer.newChannel()
  for (const n of [1, 2, 3]) await layer.send(channel, numbered(n))
  expect(await Promise.all([1, 2, 3].map(() => layer.receive(channel)))).toEqual([1, 2, 3].map(numbered))

  const world = actingWorld({
    groups: ['room'],
    receive: async ({ channelLayer }) => {
      await channelLayer.groupSend('room', { type: 'room.say', text: 'one' })
      await channelLayer.send('b=', { type: 'room.say', text: 'two' })
      await channelLayer.groupSend('room', { type: 'room.say', text: 'three' })
    },
    roomSay: (consumer, text) => consumer.send(text),
  })
  await world.open('a=', 'b=')
  await world.receive('a=', '')
  expect(world.frames('b=')).toEqual(['one', 'two', 'three'])
})

test('names can be checked: `require_valid_channel_name` and the like', () => {
  expect([requireChannelName('L0SM9cOFvHcCIhw='), requireChannelName('reply.a!b')]).toEqual([
    'L0SM9cOFvHcCIhw=',
    'reply.a!b',
  ])
  expect(requireGroupName('chat_lobby')).toBe('chat_lobby')
  for (const bad of ['a b', '!a', 'a!b!c']) expect(() => requireChannelName(bad)).toThrow(InvalidNameError)
  expect(() => requireGroupName('reply.a!b')).toThrow(InvalidNameError)
})

test('channels of one process share a capacity', async () => {
  const { layer } = layerOf({ capacity: 1 })
  const [full, free] = [await layer.newChannel(), await layer.newChannel()]
  await layer.send(full, numbered(1))
  await expect(layer.send(full, numbered(2))).rejects.toThrow(ChannelFullError)

  await layer.send(free, numbered(3))

  expect([await layer.receive(full), await layer.receive(free)]).toEqual([numbered(1), numbered(3)])
})
