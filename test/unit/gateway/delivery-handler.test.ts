import { expect, test } from 'vitest'
import { createDeliveryHandler } from '../../../shared/gateway/delivery-handler.ts'
import { InvalidEventError, StoreError } from '../../../shared/errors.ts'
import type { DeliveryQueue, DeliveryTask, QueuedDelivery } from '../../../shared/stores/delivery-queue.ts'
import { GatewayWorld } from '../../support/gateway-world.ts'
import { RoomConsumer } from '../../support/room-consumer.ts'

const application = RoomConsumer.asApplication()

function newWorld(): GatewayWorld {
  return new GatewayWorld({ application })
}

function bodyOf(task: DeliveryTask, changes: Partial<QueuedDelivery> = {}): string {
  const endpoint = 'https://abc.execute-api.eu-west-1.amazonaws.com/prod'
  const delivery: QueuedDelivery = { task, endpoint, attempt: 1, ...changes }
  return JSON.stringify(delivery)
}

function framesTask(world: GatewayWorld, connectionId: string, ...frames: readonly string[]): DeliveryTask {
  return { kind: 'frames', connectionId, connectedAt: world.clock.now() - 60_000, frames }
}

const event = { type: 'room.say', text: 'hello' }

test('frames reach their connection, in order, and are counted', async () => {
  const world = newWorld()
  await world.open('a=')

  const result = await world.deliverBodies(bodyOf(framesTask(world, 'a=', '1', '2')))

  expect(result).toEqual({ batchItemFailures: [] })
  expect(world.frames('a=')).toEqual(['1', '2'])
  expect(world.count('delivered')).toBe(2)
})

test('an event runs its handler', async () => {
  const world = newWorld()
  await world.open('a=')

  await world.deliverBodies(
    bodyOf({ kind: 'event', connectionId: 'a=', connectedAt: world.clock.now(), event }),
  )

  expect(world.frames('a=')).toEqual(['hello'])
})

test.each([
  ['an event', { event }],
  ['a frame', { frame: 'hello' }],
])('%s for a group reaches the members behind its position, and not the excluded', async (_, payload) => {
  const world = newWorld()
  await world.open('a=', 'b=', 'c=')

  await world.deliverBodies(bodyOf({ kind: 'group', group: 'room', exclude: ['b='], ...payload }))

  expect(['a=', 'b=', 'c='].map((id) => world.frames(id))).toEqual([['hello'], [], ['hello']])
})

test.each([
  ['text', 'hello'],
  ['nothing', ''],
  ['null', 'null'],
  ['another kind of task', '{"task":{"kind":"party"},"endpoint":"https://x","attempt":1}'],
  [
    'no frames',
    '{"task":{"kind":"frames","connectionId":"a=","connectedAt":0},"endpoint":"https://x","attempt":1}',
  ],
])('a body that is %s is reported as failed, and the others are delivered', async (_, poison) => {
  const world = newWorld()
  await world.open('a=', 'b=')

  const result = await world.deliverBodies(
    bodyOf(framesTask(world, 'a=', '1')),
    poison,
    bodyOf(framesTask(world, 'b=', '2')),
  )

  expect(result).toEqual({ batchItemFailures: [{ itemIdentifier: 'm1' }] })
  expect(world.frames('a=')).toEqual(['1'])
  expect(world.frames('b=')).toEqual(['2'])
  expect(world.logged('error')).toMatchObject([{ details: { messageId: 'm1' } }])
  expect(world.count('queuedDeliveryFailed')).toBe(1)
})

test('two messages for one connection are delivered one after the other', async () => {
  const world = newWorld()
  await world.open('a=')

  await world.deliverBodies(
    bodyOf(framesTask(world, 'a=', '1', '2')),
    bodyOf(framesTask(world, 'a=', '3', '4')),
  )

  expect(world.frames('a=')).toEqual(['1', '2', '3', '4'])
})

test('what was tried ten times is tried no more, but reported as failed', async () => {
  const world = newWorld()
  await world.open('a=')

  const tenth = await world.deliverBodies(bodyOf(framesTask(world, 'a=', 'tenth'), { attempt: 10 }))
  const eleventh = await world.deliverBodies(bodyOf(framesTask(world, 'a=', 'eleventh'), { attempt: 11 }))

  expect(tenth.batchItemFailures).toEqual([])
  expect(eleventh.batchItemFailures).toEqual([{ itemIdentifier: 'm0' }])
  expect(world.frames('a=')).toEqual(['tenth'])
  expect(String(Object(world.logged('error')[0]?.details).error)).toContain('frames for connection a=')
})

test('what still cannot be delivered goes back into the queue, with one more attempt', async () => {
  const world = newWorld()
  await world.open('a=')
  world.poster.answerNext('a=', 'throttled')

  const result = await world.deliverBodies(bodyOf(framesTask(world, 'a=', '1', '2'), { attempt: 3 }))

  expect(result.batchItemFailures).toEqual([])
  const [record] = world.queue.take().Records
  expect(JSON.parse(record?.body ?? '')).toMatchObject({ attempt: 4, task: { frames: ['1', '2'] } })
})

test('each time it waits longer, five minutes at most', async () => {
  const delays: unknown[] = []
  const waiting = new GatewayWorld({
    application,
    runtime: { queue: { enqueue: async (_, options) => void delays.push(options?.delaySeconds) } },
  })
  await waiting.open('a=')
  waiting.poster.answer('a=', 'throttled')

  await waiting.receive('a=', 'hello')
  for (const attempt of [1, 2, 5, 9]) {
    await waiting.deliverBodies(bodyOf(framesTask(waiting, 'a=', '1'), { attempt }))
  }

  expect(delays).toEqual([0, 2, 4, 32, 300])
})

test('a queue that takes nothing back makes the message fail, so that SQS keeps it', async () => {
  const world = new GatewayWorld({
    application,
    runtime: {
      queue: { enqueue: () => Promise.reject(new StoreError('the queue is gone', { retryable: true })) },
    },
  })
  await world.open('a=')
  world.poster.answerNext('a=', 'throttled')

  const result = await world.deliverBodies(bodyOf(framesTask(world, 'a=', '1')))

  expect(result).toEqual({ batchItemFailures: [{ itemIdentifier: 'm0' }] })
})

test('when its time is nearly out, what waits for a connection to open is in the queue again', async () => {
  const world = newWorld()
  await world.connect('a=')
  world.poster.answer('a=', 'gone')
  const task = { ...framesTask(world, 'a=', '1'), connectedAt: world.clock.now() }
  const times = [10_000, 10_000, 2_000]
  const context = { getRemainingTimeInMillis: () => times.shift() ?? 2_000 }

  await world.queue.enqueue([JSON.parse(bodyOf(task)) as QueuedDelivery])
  const result = await world.turnUntil(world.deliver(context))

  expect(result.batchItemFailures).toEqual([])
  const [record] = world.queue.take().Records
  expect(JSON.parse(record?.body ?? '')).toMatchObject({ task })
  expect(await world.members('room')).toEqual(['a='])
})

test('a call that hangs ends with the invocation, and its frame waits in the queue', async () => {
  const world = newWorld()
  await world.open('a=')
  world.poster.answerNext('a=', 'hang')

  await world.receive('a=', 'hello', { context: { getRemainingTimeInMillis: () => 2_501 } })
  expect(world.frames('a=')).toEqual([])

  await world.deliverAll()
  expect(world.frames('a=')).toEqual(['hello'])
})

test('after the grace period a connection that never opened is removed', async () => {
  const world = newWorld()
  await world.connect('a=')
  world.poster.answer('a=', 'gone')

  const task = { ...framesTask(world, 'a=', '1'), connectedAt: world.clock.now() }
  await world.turnUntil(world.deliverBodies(bodyOf(task)))

  expect(await world.store.load('a=')).toBeUndefined()
  expect(await world.members('room')).toEqual([])
  expect(world.count('gone')).toBe(1)
})

test('a close after frames is made for a connection whose record is gone already', async () => {
  const world = newWorld()
  const connectedAt = world.clock.now()
  const task: DeliveryTask = { kind: 'frames', connectionId: 'a=', connectedAt, frames: ['bye'], close: true }
  world.poster.answerNext('a=', 'gone', 'gone')

  const delivered = world.deliverBodies(bodyOf(task))
  await world.turnUntil(delivered)

  expect(world.frames('a=')).toEqual(['bye'])
  expect(world.poster.closed).toContain('a=')
})

test.each([undefined, {}, { Records: 'none' }, { requestContext: {} }])(
  '%j is no event of a queue',
  async (raw) => {
    const { runtime } = newWorld()

    await expect(createDeliveryHandler(application, runtime)(raw)).rejects.toThrow(InvalidEventError)
  },
)

test('the error for a foreign event names its keys', async () => {
  const { runtime } = newWorld()

  await expect(createDeliveryHandler(application, runtime)({ detail: 1, source: 2 })).rejects.toThrow(
    /an object with the keys detail, source.*connect the delivery queue/,
  )
})

test('what comes behind frames that have to wait waits as long as they do, and is not overtaken', async () => {
  const delays: unknown[] = []
  const bodies: string[] = []
  const enqueue: DeliveryQueue['enqueue'] = async (deliveries, options) => {
    for (const delivery of deliveries) bodies.push(JSON.stringify(delivery))
    delays.push(options?.delaySeconds)
  }
  const world = new GatewayWorld({ application, runtime: { queue: { enqueue } } })
  await world.open('a=', 'b=')
  world.poster.answerNext('a=', 'throttled')

  await world.deliverBodies(
    bodyOf(framesTask(world, 'a=', '1', '2'), { attempt: 3 }),
    bodyOf({ kind: 'event', connectionId: 'a=', connectedAt: world.clock.now(), event }),
    bodyOf(framesTask(world, 'b=', 'other')),
  )
  expect(world.frames('a=')).toEqual([])
  expect(world.frames('b=')).toEqual(['other'])
  expect(delays).toEqual([8, 8])

  await world.deliverBodies(...bodies.splice(0))
  expect(world.frames('a=')).toEqual(['1', '2', 'hello'])
})
