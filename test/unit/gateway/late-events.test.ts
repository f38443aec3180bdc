import { expect, test } from 'vitest'
import { StoreError } from '../../../shared/errors.ts'
import { MemoryChannelStore } from '../../../shared/backends/memory/memory-channel-store.ts'
import type { RemovedRecord } from '../../../shared/stores/channel-store.ts'
import { ManualClock } from '../../../shared/testing/manual-clock.ts'
import { GatewayWorld, type GatewayWorldOptions } from '../../support/gateway-world.ts'
import { RoomConsumer } from '../../support/room-consumer.ts'

type Receive = (consumer: RoomConsumer, text: string) => Promise<void> | void

const left: string[] = []

function worldOf(receive: Receive, runtime: GatewayWorldOptions['runtime'] = {}): GatewayWorld {
  left.length = 0
  class TestConsumer extends RoomConsumer {
    override async receive(text: string): Promise<void> {
      await receive(this, text)
    }
    override async disconnect(code: number, reason: string): Promise<void> {
      left.push(`${this.channelName} ${code} ${reason}`.trim())
    }
  }
  return new GatewayWorld({ application: TestConsumer.asApplication(), runtime })
}

function boom(): never {
  throw new Error('boom')
}

test('$disconnect carries code and reason; a second one does nothing', async () => {
  const world = worldOf(() => {})
  await world.open('a=')

  await world.disconnect('a=', 1001)
  await world.disconnect('a=', 1001)

  expect(left).toEqual(['a= 1001 Connection Closed Normally'])
  expect(world.failures).toEqual([])
})

test('a $disconnect without a code is 1005', async () => {
  const world = worldOf(() => {})
  await world.open('a=')

  await world.disconnect('a=', null)

  expect(left).toEqual(['a= 1005'])
})

test('a $disconnect of a connection that never connected does nothing', async () => {
  const world = worldOf(boom)

  expect(await world.disconnect('never=')).toEqual({ statusCode: 200 })

  expect(left).toEqual([])
  expect(world.logged('error')).toEqual([])
})

test('a message that its $disconnect has overtaken runs no handler, and is counted', async () => {
  const world = worldOf(boom)
  await world.open('a=')
  await world.disconnect('a=')

  expect(await world.receive('a=', 'late')).toEqual({ statusCode: 200 })

  expect(world.failures).toEqual([])
  expect(world.count('messageWithoutRecord')).toBe(1)
})

test('a consumer with state handles no message of a connection without a record, in a warm container neither', async () => {
  const handled: string[] = []
  class Stateful extends RoomConsumer {
    override state = { count: 0 }
    override async receive(text: string): Promise<void> {
      handled.push(text)
    }
  }
  const world = new GatewayWorld({ application: Stateful.asApplication() })
  await world.open('a=')
  await world.receive('a=', 'first')
  await world.store.remove('a=')

  expect(await world.receive('a=', 'late')).toEqual({ statusCode: 200 })

  expect(handled).toEqual(['first'])
  expect(world.count('messageWithoutRecord')).toBe(1)
})

test('a record that has expired is no record', async () => {
  const world = worldOf(boom)
  await world.open('a=')
  world.coldStart()
  await world.clock.advance(2 * 3_600_000 + 11 * 60_000)

  expect(await world.receive('a=', 'late')).toEqual({ statusCode: 200 })

  expect(world.failures).toEqual([])
  expect(world.count('messageWithoutRecord')).toBe(1)
  expect(await world.members('room')).toEqual([])
})

test('a store that is down is logged, and Lambda answers 200', async () => {
  const world = worldOf(() => {})
  await world.open('a=')
  world.coldStart()
  world.store.fail('load', new StoreError('DynamoDB is down', { retryable: true }))

  expect(await world.receive('a=', '')).toEqual({ statusCode: 200 })

  expect(world.logged('error')).toMatchObject([{ details: { channelName: 'a=' } }])
  expect(world.count('eventFailed')).toBe(1)
  expect(await world.members('room')).toEqual(['a='])
})

test('send() to one connection runs its handler there, and a connection that is gone is no error', async () => {
  const world = worldOf(async (consumer, text) => {
    await consumer.channelLayer.send('b=', { type: 'room.say', text })
    await consumer.channelLayer.send('nobody=', { type: 'room.say', text })
  })
  await world.open('a=', 'b=')

  await world.receive('a=', 'hello')
  await world.deliverAll()

  expect(world.frames('b=')).toEqual(['hello'])
  expect(world.frames('a=')).toEqual([])
  expect(world.failures).toEqual([])
  expect(world.count('messageWithoutRecord')).toBe(1)
})

test('send() to a connection that is still opening, in no group, reaches it', async () => {
  const decision = Promise.withResolvers<void>()
  class TestConsumer extends RoomConsumer {
    override readonly groups: readonly string[] = []
    override async connect(): Promise<void> {
      if (this.channelName === 'opening=') await decision.promise
      await this.accept()
    }
    override async receive(text: string): Promise<void> {
      await this.channelLayer.send('opening=', { type: 'room.say', text })
    }
  }
  const world = new GatewayWorld({ application: TestConsumer.asApplication() })
  await world.open('a=')
  const handshake = world.connect('opening=')
  await world.clock.advance(10)

  await world.receive('a=', 'hello')
  decision.resolve()
  await handshake
  await world.deliverAll()

  expect(world.frames('opening=')).toEqual(['hello'])
  expect(world.count('messageWithoutRecord')).toBe(0)
})

test('groupAdd() of a connection that is gone adds nothing, and is counted', async () => {
  const world = worldOf((consumer, text) => consumer.channelLayer.groupAdd('lobby', text))
  await world.open('a=')

  await world.receive('a=', 'nobody=')
  await world.receive('a=', 'a=')

  expect(await world.members('lobby')).toEqual(['a='])
  expect(world.count('groupAddToGone')).toBe(1)
  expect(world.logged('debug')).toMatchObject([{ details: { channelName: 'nobody=', group: 'lobby' } }])
  expect(world.failures).toEqual([])
})

test('a client that goes on sending without a record has its socket closed', async () => {
  const world = worldOf(boom)
  await world.open('a=')
  world.poster.answer('a=', 'forbidden')
  await world.receive('a=', 'fails, and DELETE is refused')
  expect(world.poster.closed).not.toContain('a=')
  world.poster.answer('a=', 'ok')

  expect(await world.receive('a=', 'still here')).toEqual({ statusCode: 200 })

  expect(world.poster.closed).toContain('a=')
  expect(world.count('handlerFailed')).toBe(1)
})

test('a message that comes before the record proves nothing: its socket stays open', async () => {
  const world = worldOf(() => {})
  await world.connect('young=')
  world.coldStart()
  world.store.hidden.add('young=')

  await world.receive('young=', 'early')

  expect(world.poster.closed).not.toContain('young=')
})

test('disconnect() runs even if memberships could not be ended, and what is left is reported', async () => {
  const membershipFailure = new StoreError('throttled', { retryable: true })
  class HalfStore extends MemoryChannelStore {
    override async remove(connectionId: string): Promise<RemovedRecord | undefined> {
      const record = await super.remove(connectionId)
      return record && { ...record, membershipFailure }
    }
  }
  const clock = new ManualClock()
  const world = worldOf(boom, { store: new HalfStore({ clock }), clock })

  for (const id of ['a=', 'b=']) await world.connect(id)
  await world.disconnect('a=')
  await world.receive('b=', 'fails')

  expect(left).toEqual(['a= 1001 Connection Closed Normally', 'b= 1011'])
  expect(world.count('cleanUpFailed')).toBe(2)
  expect(world.logged('error')).toMatchObject([
    { details: { channelName: 'a=', error: membershipFailure } },
    {},
    { details: { channelName: 'b=', error: membershipFailure } },
  ])
})
