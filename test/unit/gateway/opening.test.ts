import { expect, test } from 'vitest'
import type { Application, WebsocketScope } from '../../../shared/application.ts'
import { WebsocketConsumer } from '../../../shared/consumers/websocket-consumer.ts'
import { StoreError } from '../../../shared/errors.ts'
import { defineMiddleware } from '../../../shared/middleware/define-middleware.ts'
import type { EventOf } from '../../../shared/message.ts'
import { DenyConnection } from '../../../shared/signals.ts'
import { GatewayWorld } from '../../support/gateway-world.ts'
import { RoomConsumer, type RoomEvents } from '../../support/room-consumer.ts'

function worldOf(connect: (consumer: RoomConsumer) => Promise<void>): GatewayWorld {
  class TestConsumer extends RoomConsumer {
    override async connect(): Promise<void> {
      await connect(this)
    }
  }
  return new GatewayWorld({ application: TestConsumer.asApplication() })
}

test('frames that connect() sends are held until the connection is open, and arrive in order', async () => {
  const world = worldOf(async (consumer) => {
    await consumer.accept()
    await consumer.send('one')
    await consumer.send('two')
  })

  await world.connect('a=')
  expect(world.poster.calls).toEqual([])

  await world.deliverAll()
  expect(world.frames('a=')).toEqual(['one', 'two'])
})

test('a group send to oneself in connect() runs after connect(), and its frames follow', async () => {
  const order: string[] = []
  class TestConsumer extends RoomConsumer {
    override async connect(): Promise<void> {
      await this.accept()
      await this.channelLayer.groupSend('room', { type: 'room.say', text: 'from the group' })
      await this.send('from connect')
      order.push('connect is done')
    }
    override async roomSay(event: EventOf<RoomEvents, 'room.say'>): Promise<void> {
      order.push('the handler runs')
      await super.roomSay(event)
    }
  }
  const world = new GatewayWorld({ application: TestConsumer.asApplication() })

  await world.connect('a=')
  await world.deliverAll()

  expect(order).toEqual(['connect is done', 'the handler runs'])
  expect(world.frames('a=')).toEqual(['from connect', 'from the group'])
})

test('a handler that runs behind connect() sees what middleware has added to the scope', async () => {
  class TestConsumer extends WebsocketConsumer<
    WebsocketScope & { readonly user?: { readonly name: string } }
  > {
    override readonly groups: readonly string[] = ['room']
    override async connect(): Promise<void> {
      await this.accept()
      await this.channelLayer.groupSend('room', { type: 'room.joined' })
    }
    async roomJoined(): Promise<void> {
      await this.send(`joined: ${this.scope.user?.name}`)
    }
  }
  const user = defineMiddleware({ name: 'user', connect: () => ({ user: { name: 'eve' } }) })
  const application = user(TestConsumer.asApplication()) as Application<WebsocketScope>
  const world = new GatewayWorld({ application })

  await world.connect('a=')
  await world.deliverAll()

  expect(world.frames('a=')).toEqual(['joined: eve'])
})

test('a queue that fails once: the handshake is refused, and no other member gets a frame twice', async () => {
  class TestConsumer extends RoomConsumer {
    override async connect(): Promise<void> {
      await this.accept()
      const exclude = [this.channelName]
      await this.channelLayer.groupSend('room', { type: 'room.say', text: 'joined' }, { exclude })
    }
  }
  const world = new GatewayWorld({ application: TestConsumer.asApplication() })
  await world.open('member=')
  world.poster.answerNext('member=', 'throttled')
  const enqueue = world.queue.enqueue.bind(world.queue)
  world.queue.enqueue = async (deliveries): Promise<void> => {
    await enqueue(deliveries)
    throw new StoreError('the answer was lost', { retryable: true })
  }

  expect(await world.connect('a=')).toEqual({ statusCode: 500 })
  world.queue.enqueue = enqueue
  await world.deliverAll()

  expect(world.frames('member=')).toEqual(['joined'])
})

test('a refusal stays a refusal where the store cannot clean up behind it', async () => {
  const world = worldOf((consumer) => consumer.close())
  world.store.fail('remove', new StoreError('throttled', { retryable: true }))

  expect(await world.connect('a=')).toEqual({ statusCode: 403 })

  expect(world.count('cleanUpFailed')).toBe(1)
  expect(world.failures).toEqual([])
})

test('a group send that connect() does not await reaches the connection too', async () => {
  const world = worldOf(async (consumer) => {
    await consumer.accept()
    void consumer.channelLayer.groupSend('room', { type: 'room.say', text: 'hello' })
  })

  await world.connect('a=')
  await world.deliverAll()

  expect(world.frames('a=')).toEqual(['hello'])
})

test('a frame to the own group in connect() keeps its place among the frames of connect()', async () => {
  const world = worldOf(async (consumer) => {
    await consumer.accept()
    await consumer.send('one')
    await consumer.channelLayer.groupSendFrame('room', 'two')
    await consumer.send('three')
  })

  await world.connect('a=')
  await world.deliverAll()

  expect(world.frames('a=')).toEqual(['one', 'two', 'three'])
  expect(world.poster.calls.filter(({ kind }) => kind === 'post')).toHaveLength(3)
})

test('a group send to oneself is counted as deferred', async () => {
  let result: unknown
  const world = worldOf(async (consumer) => {
    await consumer.accept()
    result = await consumer.channelLayer.groupSend('room', { type: 'room.say', text: 'hello' })
  })

  await world.connect('a=')

  expect(result).toEqual({ delivered: 0, deferred: 1, gone: 0, failed: 0 })
  expect(world.count('deferred')).toBe(1)
})

test('what a stale member says in its disconnect() reaches the connection that found it', async () => {
  class TestConsumer extends RoomConsumer {
    override async connect(): Promise<void> {
      await this.accept()
      await this.channelLayer.groupSend('room', { type: 'room.say', text: `${this.channelName} came` })
    }
    override async disconnect(): Promise<void> {
      await this.channelLayer.groupSend('room', { type: 'room.say', text: `${this.channelName} left` })
    }
  }
  const world = new GatewayWorld({ application: TestConsumer.asApplication() })
  await world.open('stale=')
  world.vanish('stale=')

  await world.connect('new=')
  await world.deliverAll()

  expect(world.frames('new=')).toEqual(['new= came', 'stale= left'])
  expect(await world.members('room')).toEqual(['new='])
})

test('frames for a member that is still opening wait in the queue, in order, and it stays a member', async () => {
  const world = worldOf((consumer) => consumer.accept())
  await world.open('sender=')
  await world.connect('opening=')
  world.poster.answer('opening=', 'gone')

  await world.receive('sender=', 'one')
  await world.receive('sender=', 'two')
  expect(world.frames('sender=')).toEqual(['one', 'two'])
  expect(world.frames('opening=')).toEqual([])
  expect(await world.members('room')).toEqual(['opening=', 'sender='])
  expect(world.count('deferred')).toBe(2)

  world.poster.answer('opening=', 'ok')
  await world.deliverAll()
  expect(world.frames('opening=')).toEqual(['one', 'two'])
  expect(world.count('gone')).toBe(0)
})

test('the delivery handler waits for a connection that is not open yet', async () => {
  const world = worldOf(async (consumer) => {
    await consumer.accept()
    await consumer.send('hello')
  })
  await world.connect('a=')
  world.poster.answer('a=', 'gone')

  const delivered = world.deliver()
  await world.clock.advance(1_000)
  expect(world.frames('a=')).toEqual([])

  world.poster.answer('a=', 'ok')
  await world.turnUntil(delivered)
  expect(world.frames('a=')).toEqual(['hello'])
  expect(await world.members('room')).toEqual(['a='])
})

test('what waits for a connection that is refused in the end is dropped, and counted', async () => {
  const decision = Promise.withResolvers<void>()
  const world = worldOf(async (consumer) => {
    if (consumer.channelName === 'sender=') return consumer.accept()
    await decision.promise
    await consumer.close()
  })
  await world.open('sender=')
  const handshake = world.connect('refused=')
  await world.clock.advance(10)

  await world.receive('sender=', 'hello')
  expect(await world.members('room')).toEqual(['refused=', 'sender='])
  expect(world.queue.size).toBe(1)

  decision.resolve()
  expect(await handshake).toEqual({ statusCode: 403 })
  await world.deliverAll()
  expect(world.frames('refused=')).toEqual([])
  expect(await world.members('room')).toEqual(['sender='])
  expect(world.count('gone')).toBe(1)
})

test('close() right after accept() closes the connection behind its frames', async () => {
  const world = worldOf(async (consumer) => {
    await consumer.accept()
    await consumer.send('goodbye')
    await consumer.close(4001, 'full')
    await consumer.send('too late')
  })

  expect(await world.connect('a=')).toEqual({ statusCode: 200 })
  await world.deliverAll()

  expect(world.frames('a=')).toEqual(['goodbye', '{"type":"websocket.close","code":4001,"reason":"full"}'])
  expect(world.poster.closed).toContain('a=')
  expect(world.count('sendAfterClose')).toBe(1)
})

test('an event for a member whose record is not there yet waits in the queue', async () => {
  const world = worldOf((consumer) => consumer.accept())
  await world.open('sender=')
  await world.connect('young=')
  world.coldStart()
  world.store.hidden.add('young=')

  await world.receive('sender=', 'hello')
  expect(await world.members('room')).toEqual(['sender=', 'young='])
  expect(world.frames('young=')).toEqual([])

  world.store.hidden.clear()
  await world.deliverAll()
  expect(world.frames('young=')).toEqual(['hello'])
})

test('an old membership without a record is removed', async () => {
  const world = worldOf((consumer) => consumer.accept())
  await world.open('sender=', 'ghost=')
  world.coldStart()
  world.store.hidden.add('ghost=')

  await world.receive('sender=', 'hello')

  expect(await world.members('room')).toEqual(['sender='])
  expect(world.count('gone')).toBe(1)
})

test('an exception of a handler that runs behind connect() fails the handshake, and is reported with its own type', async () => {
  class TestConsumer extends RoomConsumer {
    override async connect(): Promise<void> {
      await this.accept()
      await this.channelLayer.groupSend('room', { type: 'room.say', text: 'hello' })
    }
    override roomSay(): never {
      throw new Error('boom')
    }
  }
  const world = new GatewayWorld({ application: TestConsumer.asApplication() })

  expect(await world.connect('a=')).toEqual({ statusCode: 500 })
  expect(world.failures).toMatchObject([{ context: { type: 'room.say' } }])
  expect(await world.members('room')).toEqual([])
})

test('a DenyConnection after accept() closes the connection, as in Channels', async () => {
  const world = worldOf(async (consumer) => {
    await consumer.accept()
    throw new DenyConnection(401)
  })

  expect(await world.connect('a=')).toEqual({ statusCode: 200 })
  await world.deliverAll()
  expect(world.poster.closed).toContain('a=')
})
