import { expect, test } from 'vitest'
import type { Application, WebsocketScope } from '../../../shared/application.ts'
import { WebsocketConsumer } from '../../../shared/consumers/websocket-consumer.ts'
import { ConfigurationError, ProtocolError, StoreError } from '../../../shared/errors.ts'
import type { DeliveryQueue, EnqueueOptions, QueuedDelivery } from '../../../shared/stores/delivery-queue.ts'
import { GatewayWorld, type GatewayWorldOptions } from '../../support/gateway-world.ts'

const ENVELOPE = '{"type":"websocket.close","code":4401,"reason":""}'

interface World extends GatewayWorld {
  readonly ended: readonly string[]
}

/** Connections that end so many seconds after they were opened. */
function worldOf(seconds: number | undefined, options: Partial<GatewayWorldOptions> = {}): World {
  const ended: string[] = []
  class RoomMember extends WebsocketConsumer {
    override readonly groups: readonly string[] = ['room']
    override async receive(text: string): Promise<void> {
      await this.send(`heard ${text}`)
    }
    override async disconnect(code: number): Promise<void> {
      ended.push(`${this.channelName} ${code}`)
    }
    async roomSaid(): Promise<void> {
      await this.send('said')
    }
    async roomCleared(): Promise<void> {
      await this.channelLayer.groupClose('room', 4403)
    }
  }
  const consumer = RoomMember.asApplication()
  const application: Application<WebsocketScope> = async (scope, message, send) => {
    if (message.type === 'websocket.connect' && seconds !== undefined)
      scope.connection.endAt(scope.connectedAt + seconds * 1000, 4401)
    await consumer(scope, message, send)
  }
  return Object.assign(new GatewayWorld({ application, ...options }), { ended })
}

test('an event runs no handler once the time of its connection is over, and the connection ends', async () => {
  const world = worldOf(60)
  await world.open('a=')
  await world.receive('a=', '1')
  await world.clock.advance(29_000)

  await world.receive('a=', '2')

  expect(world.frames('a=')).toEqual(['heard 1', ENVELOPE])
  expect(world.poster.closed).toContain('a=')
  expect(world.ended).toEqual(['a= 4401'])
  expect(await world.members('room')).toEqual([])
  expect(world.count('connectionEnded')).toBe(1)
})

test('so does an event from a group, in a container that knows nothing of the connection', async () => {
  const world = worldOf(60)
  await world.open('a=')
  await world.clock.advance(30_000)
  world.coldStart()

  await world.open('b=')
  await world.receive('b=', 'x')
  await world.deliverBodies(
    JSON.stringify({
      task: { kind: 'group', group: 'room', exclude: [], event: { type: 'room.said' } },
      endpoint: 'https://a.example',
      attempt: 0,
    }),
  )

  expect(world.frames('a=')).toEqual([ENVELOPE])
  expect(world.frames('b=')).toEqual(['heard x', 'said'])
  expect(world.ended).toEqual(['a= 4401'])
})

test('a silent connection is ended by the delivery queue, and not before its time', async () => {
  const world = worldOf(3_600)
  await world.open('a=')
  await world.clock.advance(3_568_000)
  await world.deliverAll()
  expect(world.ended).toEqual([])

  await world.clock.advance(1_000)
  await world.deliverAll()

  expect(world.ended).toEqual(['a= 4401'])
  expect(world.frames('a=')).toEqual([ENVELOPE])
  expect(world.count('connectionEnded')).toBe(1)
})

/** A queue that keeps what it is given, and for how long. */
class KeptQueue implements DeliveryQueue {
  readonly kept: { readonly delivery: QueuedDelivery; readonly delaySeconds: number | undefined }[] = []
  async enqueue(deliveries: readonly QueuedDelivery[], { delaySeconds }: EnqueueOptions = {}): Promise<void> {
    this.kept.push(...deliveries.map((delivery) => ({ delivery, delaySeconds })))
  }
}

test('the task goes round the queue for as long as the connection lives, 900 seconds at a time', async () => {
  const queue = new KeptQueue()
  const world = worldOf(2_000, { runtime: { queue } })
  await world.connect('a=')
  const delays: unknown[] = []
  for (let round = 0; round < 5; round += 1) {
    const [next] = queue.kept.splice(0)
    if (next === undefined) break
    delays.push(next.delaySeconds)
    await world.clock.advance((next.delaySeconds ?? 0) * 1000)
    await world.deliverBodies(JSON.stringify(next.delivery))
  }

  expect(delays).toEqual([900, 900, 200])
  expect(world.ended).toEqual(['a= 4401'])
})

test('the task ends when the connection has gone', async () => {
  const queue = new KeptQueue()
  const world = worldOf(2_000, { runtime: { queue } })
  await world.connect('a=')
  const [first] = queue.kept.splice(0)
  await world.disconnect('a=')
  await world.clock.advance(900_000)

  await world.deliverBodies(JSON.stringify(first?.delivery))

  expect(queue.kept).toEqual([])
  expect(world.ended).toEqual(['a= 1001'])
})

test('a task that comes twice ends the connection once', async () => {
  const queue = new KeptQueue()
  const world = worldOf(60, { runtime: { queue } })
  await world.connect('a=')
  const [task] = queue.kept
  await world.clock.advance(60_000)

  const body = JSON.stringify(task?.delivery)
  await world.deliverBodies(body)
  await world.deliverBodies(body, body)

  expect(world.ended).toEqual(['a= 4401'])
  expect(world.frames('a=')).toEqual([ENVELOPE])
})

test('no task is made for a time at which API Gateway has ended the connection anyway', async () => {
  const queue = new KeptQueue()
  const world = worldOf(7_200, { runtime: { queue } })

  await world.connect('a=')

  expect(queue.kept).toEqual([])
})

test('a handshake whose end cannot be put into the queue is refused, and leaves nothing behind', async () => {
  const queue: DeliveryQueue = {
    enqueue: () => Promise.reject(new StoreError('the queue is down', { retryable: true })),
  }
  const world = worldOf(60, { runtime: { queue } })

  expect(await world.connect('a=')).toEqual({ statusCode: 500 })

  expect(await world.store.load('a=')).toBeUndefined()
})

test('of several times the earliest counts', async () => {
  const application: Application<WebsocketScope> = async ({ connection, connectedAt }, message, send) => {
    if (message.type !== 'websocket.connect') return
    connection.endAt(connectedAt + 90_000, 4401)
    connection.endAt(connectedAt + 60_000, 4402)
    connection.endAt(connectedAt + 99_000, 4403)
    await send({ type: 'websocket.accept' })
  }
  const world = new GatewayWorld({ application })
  await world.open('a=')
  await world.clock.advance(29_000)

  await world.deliverAll()

  expect(world.frames('a=')).toEqual(['{"type":"websocket.close","code":4402,"reason":""}'])
})

test('neither an end nor a query to forget can be told later, nor an end that is no time', async () => {
  const failures: unknown[] = []
  const application: Application<WebsocketScope> = async ({ connection }, message, send) => {
    const calls = [
      () => connection.endAt(message.type === 'websocket.connect' ? NaN : 1, 4401),
      () => message.type !== 'websocket.connect' && connection.forgetQuery('ticket'),
    ]
    for (const call of calls) {
      try {
        call()
      } catch (error) {
        failures.push(error)
      }
    }
    if (message.type === 'websocket.connect') await send({ type: 'websocket.accept' })
  }
  const world = new GatewayWorld({ application })
  await world.open('a=')
  await world.receive('a=', 'x')

  expect(failures.map((error) => (error as Error).constructor)).toEqual([
    ConfigurationError,
    ProtocolError,
    ProtocolError,
  ])
})

test('a query parameter to forget is not stored, and the others are', async () => {
  const application: Application<WebsocketScope> = async ({ connection }, message, send) => {
    if (message.type !== 'websocket.connect') return
    connection.forgetQuery('ticket')
    await send({ type: 'websocket.accept' })
  }
  const world = new GatewayWorld({ application })

  await world.connect('a=', { query: { path: '/', ticket: 'secret', room: '1' } })

  expect((await world.store.load('a='))?.scope['query']).toEqual({ room: '1' })
})

test('groupClose ends every member but those in exclude, and counts them', async () => {
  const world = worldOf(undefined)
  await world.open('a=', 'b=', 'c=')
  world.coldStart()
  world.store.takeCalls()

  await world.deliverBodies(
    JSON.stringify({
      task: { kind: 'group', group: 'room', exclude: ['b='], close: 4403 },
      endpoint: 'https://a.example',
      attempt: 0,
    }),
  )

  // No record is read before it is removed.
  expect(world.store.takeCalls()).toEqual(['members', 'remove', 'remove'])
  expect(world.ended.toSorted()).toEqual(['a= 4403', 'c= 4403'])
  expect(world.frames('a=')).toEqual(['{"type":"websocket.close","code":4403,"reason":""}'])
  expect(world.frames('b=')).toEqual([])
  expect(await world.members('room')).toEqual(['b='])
  expect(world.count('delivered')).toBe(2)
})

test('a member that closes its own group ends too', async () => {
  const world = worldOf(undefined)
  await world.open('a=', 'b=')

  await world.deliverBodies(
    JSON.stringify({
      task: { kind: 'event', connectionId: 'a=', connectedAt: 0, event: { type: 'room.cleared' } },
      endpoint: 'https://a.example',
      attempt: 0,
    }),
  )

  expect(world.ended.toSorted()).toEqual(['a= 4403', 'b= 4403'])
  expect(world.failures).toEqual([])
})

test('a member whose client is gone already ends like any other', async () => {
  const world = worldOf(undefined)
  await world.open('a=', 'b=')
  world.vanish('a=')

  await world.deliverBodies(
    JSON.stringify({
      task: { kind: 'group', group: 'room', exclude: [], close: 1000 },
      endpoint: 'https://a.example',
      attempt: 0,
    }),
  )

  expect(world.ended.toSorted()).toEqual(['a= 1000', 'b= 1000'])
  expect(world.frames('b=')).toEqual([])
  expect(await world.members('room')).toEqual([])
})

test('a member whose record cannot be removed ends by the delivery queue, once', async () => {
  const world = worldOf(undefined)
  await world.open('a=', 'b=')
  world.store.fail('remove', new StoreError('the table is down', { retryable: true }), { times: 1 })

  await world.deliverBodies(
    JSON.stringify({
      task: { kind: 'group', group: 'room', exclude: ['b='], close: 4403 },
      endpoint: 'https://a.example',
      attempt: 0,
    }),
  )
  expect(world.ended).toEqual([])
  expect(world.count('deferred')).toBe(1)
  await world.deliverAll()

  expect(world.ended).toEqual(['a= 4403'])
  expect(await world.members('room')).toEqual(['b='])
})

test('a connection whose record cannot be removed when its time is over stays, and runs no handler', async () => {
  const world = worldOf(60)
  await world.open('a=')
  await world.clock.advance(30_000)
  world.store.fail('remove', new StoreError('the table is down', { retryable: true }), { times: 1 })

  await world.receive('a=', 'late')
  expect(world.frames('a=')).toEqual([])
  expect(world.count('eventFailed')).toBe(1)
  await world.deliverAll()

  expect(world.ended).toEqual(['a= 4401'])
})
