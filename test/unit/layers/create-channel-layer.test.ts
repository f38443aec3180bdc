import { expect, test } from 'vitest'
import { MemoryChannelStore } from '../../../shared/backends/memory/memory-channel-store.ts'
import { MemoryDeliveryQueue } from '../../../shared/backends/memory/memory-delivery-queue.ts'
import type { ChannelLayer } from '../../../shared/channel-layer.ts'
import { ConfigurationError, StoreError } from '../../../shared/errors.ts'
import { type ChannelLayerOptions, createChannelLayer } from '../../../shared/layers/create-channel-layer.ts'
import type { EnqueueOptions, QueuedDelivery } from '../../../shared/stores/delivery-queue.ts'
import { FakeLogger } from '../../support/fake-connection.ts'
import { GatewayWorld } from '../../support/gateway-world.ts'
import { RoomConsumer } from '../../support/room-consumer.ts'

const endpoint = 'https://abc.execute-api.eu-west-1.amazonaws.com/prod'
const say = { type: 'room.say', text: 'hello' }

interface Outside {
  readonly world: GatewayWorld
  readonly layer: ChannelLayer
}

/** A world, and a layer of a process in which no application runs, over the same store and queue. */
function outside(options: Partial<ChannelLayerOptions> = {}, pageSize = 1_000): Outside {
  const world = new GatewayWorld({ application: RoomConsumer.asApplication(), pageSize })
  const { store, queue, logger, clock } = world
  return { world, layer: createChannelLayer({ store, queue, endpoint, logger, clock, ...options }) }
}

test('an event for a connection runs its consumer in the delivery function', async () => {
  const { world, layer } = outside()
  await world.open('a=', 'b=')

  await layer.send('a=', say)
  await world.deliverAll()

  expect([world.frames('a='), world.frames('b=')]).toEqual([['hello'], []])
})

test('an event for a connection without a record waits until its $connect may be over', async () => {
  const world = new GatewayWorld({ application: RoomConsumer.asApplication() })
  const delays: (number | undefined)[] = []
  const queue = {
    enqueue: async (_: readonly QueuedDelivery[], options?: EnqueueOptions) =>
      void delays.push(options?.delaySeconds),
  }
  await world.open('a=')
  const layer = createChannelLayer({ store: world.store, queue, endpoint })

  await layer.send('a=', say)
  await layer.send('opening=', say)

  expect(delays).toEqual([0, 3])
})

test('an event for a group is one task, which reaches every member once, channels included', async () => {
  const { world, layer } = outside({}, 2)
  await world.open('a=', 'b=', 'c=', 'd=', 'e=')
  const channel = await layer.newChannel()
  await layer.groupAdd('room', channel)

  const result = await layer.groupSend('room', say, { exclude: ['b='] })

  expect(world.queue.size).toBe(1)
  expect(result).toMatchObject({ delivered: 0, gone: 0, failed: 0 })
  await world.deliverAll()
  expect(['a=', 'b=', 'c=', 'd=', 'e='].map((id) => world.frames(id).length)).toEqual([1, 0, 1, 1, 1])
  expect(await layer.receive(channel)).toEqual(say)
  expect(await layer.receive(channel, { signal: AbortSignal.timeout(20) }).catch(() => 'nothing more')).toBe(
    'nothing more',
  )
})

test('a frame for a group is one task, which reaches every member once', async () => {
  const { world, layer } = outside({}, 2)
  await world.open('a=', 'b=', 'c=')

  await layer.groupSendFrame('room', 'hello', { exclude: ['b='] })

  expect(world.queue.size).toBe(1)
  await world.deliverAll()
  expect(['a=', 'b=', 'c='].map((id) => world.frames(id))).toEqual([['hello'], [], ['hello']])
})

test('the task of an event says how old its connection is, so that one which still opens is waited for', async () => {
  const { world, layer } = outside()
  await world.connect('a=')

  await layer.send('a=', say)

  const [record] = world.queue.take().Records
  expect(JSON.parse(record?.body ?? '')).toMatchObject({
    task: { kind: 'event', connectionId: 'a=', connectedAt: world.clock.now(), event: say },
  })
})

test('a channel that the store cannot serve fails alone, and that is logged', async () => {
  const store = new MemoryChannelStore()
  const logger = new FakeLogger()
  const layer = createChannelLayer({ store, logger })
  const [bad, good] = [await layer.newChannel('bad.'), await layer.newChannel('good.')]
  for (const channel of [bad, good]) await layer.groupAdd('room', channel)
  const put = store.messages.put.bind(store.messages)
  store.messages.put = (name, ...rest) =>
    name === bad ? Promise.reject(new StoreError('down', { retryable: true })) : put(name, ...rest)

  const result = await layer.groupSend('room', say)

  expect(result).toEqual({ delivered: 1, deferred: 0, gone: 0, failed: 1 })
  expect(await layer.receive(good)).toEqual(say)
  expect(logger.lines).toMatchObject([{ level: 'warn', details: { channelName: bad, group: 'room' } }])
})

test('a group without members makes no task', async () => {
  const { world, layer } = outside()

  expect(await layer.groupSend('nobody', say)).toEqual({ delivered: 0, deferred: 0, gone: 0, failed: 0 })

  expect(world.queue.size).toBe(0)
})

test('a group whose members cannot be read goes to the queue all the same, and that is logged', async () => {
  const { world, layer } = outside()
  await world.open('a=')
  world.store.fail('members', new StoreError('down', { retryable: true }))

  await layer.groupSend('room', say)
  await world.deliverAll()

  expect(world.frames('a=')).toEqual(['hello'])
  expect(world.logged('warn')).toMatchObject([{ message: 'a group send goes to the delivery queue unread' }])
})

test('ranges that the queue did not take are put once more, and nobody is reached twice', async () => {
  const { world } = outside({}, 50)
  const ids = Array.from({ length: 200 }, (_, index) => `m${index}=`)
  await world.open(...ids)
  let calls = 0
  const queue = {
    enqueue: async (deliveries: readonly QueuedDelivery[]) => {
      calls += 1
      await world.queue.enqueue(calls === 1 ? deliveries.slice(1) : deliveries)
      if (calls === 1) throw new StoreError('one was refused', { retryable: true, refused: [0] })
    },
  }
  const fanOut = { inlineMembers: 20, rangeMembers: 30, maxRanges: 8 }
  const { store, logger } = world
  const layer = createChannelLayer({ store, queue, endpoint, fanOut, logger })

  await layer.groupSend('room', say)
  await world.deliverAll()

  expect(calls).toBe(2)
  expect(ids.map((id) => world.frames(id).length)).toEqual(ids.map(() => 1))
  expect(world.logged('warn')).toMatchObject([{ details: { group: 'room', refused: 1 } }])
})

test('a queue that is down fails the sender', async () => {
  const world = new GatewayWorld({ application: RoomConsumer.asApplication() })
  await world.open('a=')
  const queue = { enqueue: () => Promise.reject(new StoreError('down', { retryable: true })) }
  const layer = createChannelLayer({ store: world.store, queue, endpoint })

  await expect(layer.groupSend('room', say)).rejects.toThrow(StoreError)
  await expect(layer.send('a=', say)).rejects.toThrow(StoreError)
})

test('a task names the alias of its layer', async () => {
  const { world, layer } = outside({ alias: 'chat' })
  await world.open('a=')

  await layer.groupSend('room', say)

  expect(JSON.parse(world.queue.take().Records[0]?.body ?? '')).toMatchObject({
    task: { kind: 'group', layer: 'chat', group: 'room', event: say },
    endpoint,
    attempt: 0,
  })
})

test('without a queue a send to a connection is refused, and says what to pass', async () => {
  const layer = createChannelLayer({ store: new MemoryChannelStore() })

  await expect(layer.send('a=', say)).rejects.toThrow(ConfigurationError)
  await expect(layer.send('a=', say)).rejects.toThrow('give createChannelLayer a queue and an endpoint')
})

test('without a queue a group send serves channels, and counts and logs connections as failed', async () => {
  const world = new GatewayWorld({ application: RoomConsumer.asApplication() })
  await world.open('a=')
  const logger = new FakeLogger()
  const layer = createChannelLayer({ store: world.store, logger })
  const channel = await layer.newChannel()
  await layer.groupAdd('room', channel)

  const result = await layer.groupSend('room', say)

  expect(result).toEqual({ delivered: 1, deferred: 0, gone: 0, failed: 1 })
  expect(await layer.receive(channel)).toEqual(say)
  expect(logger.lines).toMatchObject([
    {
      level: 'error',
      message: expect.stringContaining('give createChannelLayer a queue'),
      details: { channelName: 'a=' },
    },
  ])
})

test.each([undefined, '', 'abc.execute-api.eu-west-1.amazonaws.com/prod', 'wss://abc/prod', 'https:// /'])(
  'a queue with the endpoint %s is a ConfigurationError',
  (given) => {
    const options = { store: new MemoryChannelStore(), queue: new MemoryDeliveryQueue() }

    expect(() => createChannelLayer(given === undefined ? options : { ...options, endpoint: given })).toThrow(
      ConfigurationError,
    )
  },
)

test.each<[Partial<ChannelLayerOptions>, string]>([
  [{ fanOut: { inlineMembers: 0 } }, 'fanOut.inlineMembers is 0: use a whole number from 1'],
  [{ fanOut: { maxRanges: Infinity } }, 'fanOut.maxRanges is Infinity: use a whole number from 1'],
  [{ capacity: 1.5 }, 'capacity is 1.5: use a whole number from 1'],
  [{ expirySeconds: 0 }, 'expirySeconds is 0: use a whole number from 1'],
])('the limits %j are refused', (options, message) => {
  const make = (): unknown => createChannelLayer({ store: new MemoryChannelStore(), ...options })

  expect(make).toThrow(ConfigurationError)
  expect(make).toThrow(message)
})
