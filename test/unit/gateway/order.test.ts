import { expect, test } from 'vitest'
import type { EventOf } from '../../../shared/message.ts'
import { GatewayWorld } from '../../support/gateway-world.ts'
import { RoomConsumer, type RoomEvents } from '../../support/room-consumer.ts'

function worldOf(receive: (consumer: RoomConsumer, text: string) => Promise<void>): GatewayWorld {
  class TestConsumer extends RoomConsumer {
    override async receive(text: string): Promise<void> {
      await receive(this, text)
    }
  }
  return new GatewayWorld({ application: TestConsumer.asApplication() })
}

test('frames of one event arrive in order, awaited or not', async () => {
  const world = worldOf(async (consumer) => {
    void consumer.send('1')
    await consumer.send('2')
    void consumer.send('3')
    void consumer.send('4')
  })
  await world.open('a=')

  await world.receive('a=', '')

  expect(world.frames('a=')).toEqual(['1', '2', '3', '4'])
})

test('when the first frame has to wait, those behind it wait behind it', async () => {
  const world = worldOf(async (consumer) => {
    for (const frame of ['1', '2', '3']) await consumer.send(frame)
  })
  await world.open('a=')
  world.poster.answerNext('a=', 'throttled')

  await world.receive('a=', '')
  expect(world.frames('a=')).toEqual([])

  await world.deliverAll()
  expect(world.frames('a=')).toEqual(['1', '2', '3'])
})

test('a frame that can never be delivered does not hold up those behind it', async () => {
  const world = worldOf(async (consumer) => {
    for (const frame of ['1', '2', '3']) await consumer.send(frame)
  })
  await world.open('a=')
  world.poster.answerNext('a=', 'ok', 'forbidden')

  await world.receive('a=', '')

  expect(world.frames('a=')).toEqual(['1', '3'])
})

test('two group sends that nobody awaits both arrive, at each member in the order of its handlers', async () => {
  const world = worldOf(async (consumer) => {
    void consumer.channelLayer.groupSendFrame('room', '1')
    void consumer.channelLayer.groupSendFrame('room', '2')
  })
  await world.open('a=', 'b=')

  expect(await world.receive('a=', '')).toEqual({ statusCode: 200 })

  expect(world.frames('a=')).toEqual(['1', '2'])
  expect(world.frames('b=')).toEqual(['1', '2'])
})

test('steps that nobody awaits, one behind the other, are all done before the invocation ends', async () => {
  const world = worldOf(async (consumer) => {
    const steps = async (): Promise<void> => {
      for (const text of ['1', '2', '3']) {
        await consumer.channelLayer.groupSend('room', { type: 'room.say', text })
        // Whatever else a careless helper does in between.
        for (let times = 0; times < 50; times++) await Promise.resolve()
      }
      await consumer.channelLayer.groupDiscard('room', consumer.channelName)
    }
    void steps()
  })
  await world.open('a=', 'b=')

  await world.receive('a=', '')

  expect(world.frames('b=')).toEqual(['1', '2', '3'])
  expect(await world.members('room')).toEqual(['b='])
})

test('what an un-awaited group send is refused for reaches nobody else', async () => {
  const outcomes: string[] = []
  const world = worldOf(async (consumer) => {
    consumer.channelLayer.groupSend('bad name', { type: 'room.say' }).catch((error: unknown) => {
      outcomes.push(String(error))
    })
    await consumer.send('still here')
  })
  await world.open('a=')

  await world.receive('a=', '')

  expect(world.frames('a=')).toEqual(['still here'])
  expect(outcomes).toHaveLength(1)
})

test('frames of an event, its group send and its close arrive in the order of the calls', async () => {
  const world = worldOf(async (consumer) => {
    await consumer.send('before')
    await consumer.channelLayer.groupSend('room', { type: 'room.say', text: 'group' })
    await consumer.send('after', { close: 4000 })
  })
  await world.open('a=')

  await world.receive('a=', '')

  expect(world.frames('a=')).toEqual([
    'before',
    'group',
    'after',
    '{"type":"websocket.close","code":4000,"reason":""}',
  ])
  expect(world.poster.closed).toContain('a=')
})

test('a close that has to wait comes behind the frames that wait', async () => {
  const world = worldOf(async (consumer) => {
    await consumer.send('1')
    await consumer.send('2')
    await consumer.close()
    await consumer.send('never')
  })
  await world.open('a=')
  world.poster.answerNext('a=', 'unavailable')

  await world.receive('a=', '')
  expect(world.poster.closed).not.toContain('a=')

  await world.deliverAll()
  expect(world.frames('a=')).toEqual(['1', '2'])
  expect(world.poster.closed).toContain('a=')
})

test('a handler of another member that is slow does not hold up the first', async () => {
  const slow = Promise.withResolvers<void>()
  class TestConsumer extends RoomConsumer {
    override async roomSay(event: EventOf<RoomEvents, 'room.say'>): Promise<void> {
      if (this.channelName === 'slow=') await slow.promise
      await super.roomSay(event)
    }
  }
  const world = new GatewayWorld({ application: TestConsumer.asApplication() })
  await world.open('a=', 'slow=')

  const handled = world.receive('a=', 'hello')
  await expect.poll(() => world.frames('a=')).toEqual(['hello'])
  expect(world.frames('slow=')).toEqual([])

  slow.resolve()
  await handled
  expect(world.frames('slow=')).toEqual(['hello'])
})
