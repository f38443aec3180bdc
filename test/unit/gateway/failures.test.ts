import { expect, test } from 'vitest'
import { InvalidMessageError, NoHandlerError } from '../../../shared/errors.ts'
import type { EventOf } from '../../../shared/message.ts'
import { StopConsumer } from '../../../shared/signals.ts'
import { GatewayWorld, type GatewayWorldOptions } from '../../support/gateway-world.ts'
import { RoomConsumer, type RoomEvents } from '../../support/room-consumer.ts'

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

test('a handler that throws: Lambda answers 200, and record, memberships and socket go', async () => {
  const world = worldOf(boom)
  await world.open('a=')

  expect(await world.receive('a=', '')).toEqual({ statusCode: 200 })

  expect(left).toEqual(['a= 1011'])
  expect(await world.store.load('a=')).toBeUndefined()
  expect(await world.members('room')).toEqual([])
  expect(world.poster.closed).toContain('a=')
})

test('it is logged with connection, consumer and type, counted, and told to onError', async () => {
  const world = worldOf(boom)
  await world.open('a=')

  await world.receive('a=', '')

  const where = { channelName: 'a=', consumer: 'TestConsumer', type: 'websocket.receive' }
  expect(world.logged('error')).toMatchObject([
    { message: 'TestConsumer failed on "websocket.receive"', details: where },
  ])
  expect(world.failures).toMatchObject([{ error: { message: 'boom' }, context: where }])
  expect(world.count('handlerFailed')).toBe(1)
})

test('the client reads what was sent before the exception, and why it is closed', async () => {
  const world = worldOf(async (consumer) => {
    await consumer.send('before')
    boom()
  })
  await world.open('a=')

  await world.receive('a=', '')

  expect(world.frames('a=')).toEqual(['before', '{"type":"websocket.close","code":1011,"reason":""}'])
})

test('what onError throws is logged, and changes nothing', async () => {
  const world = worldOf(boom, { onError: () => Promise.reject(new Error('pager is down')) })
  await world.open('a=')

  expect(await world.receive('a=', '')).toEqual({ statusCode: 200 })

  expect(world.logged('error').map(({ message }) => message)).toContain('onError failed')
  expect(left).toEqual(['a= 1011'])
})

test('the $disconnect that API Gateway sends after the close does nothing more', async () => {
  const world = worldOf(boom)
  await world.open('a=')
  await world.receive('a=', '')

  expect(await world.disconnect('a=')).toEqual({ statusCode: 200 })

  expect(left).toEqual(['a= 1011'])
})

test('a member whose handler throws is closed, the sender and the others are not affected', async () => {
  class Fragile extends RoomConsumer {
    override async roomSay(event: EventOf<RoomEvents, 'room.say'>): Promise<void> {
      if (this.channelName === 'fragile=') boom()
      await super.roomSay(event)
    }
  }
  const world = new GatewayWorld({ application: Fragile.asApplication() })
  await world.open('a=', 'fragile=', 'c=')

  await world.receive('a=', 'one')
  await world.receive('a=', 'two')

  expect(world.frames('a=')).toEqual(['one', 'two'])
  expect(world.frames('c=')).toEqual(['one', 'two'])
  expect(await world.members('room')).toEqual(['a=', 'c='])
  expect(world.poster.closed).toEqual(new Set(['fragile=']))
})

test('an event type without a handler closes that member alone, with a NoHandlerError', async () => {
  class Old extends RoomConsumer {
    override async receive(): Promise<void> {
      await this.channelLayer.groupSend('room', { type: 'room.dance' })
    }
  }
  class New extends Old {
    async roomDance(): Promise<void> {
      await this.send('dancing')
    }
  }
  const [older, newer] = [Old.asApplication(), New.asApplication()]
  const world = new GatewayWorld({
    application: (scope, message, send) =>
      (scope.channelName === 'old=' ? older : newer)(scope, message, send),
  })
  await world.open('a=', 'old=')

  await world.receive('a=', '')

  expect(world.frames('a=')).toEqual(['dancing'])
  expect(world.poster.closed).toEqual(new Set(['old=']))
  expect(world.failures[0]?.error).toBeInstanceOf(NoHandlerError)
  expect(String(world.failures[0]?.error)).toMatch(/Old .*"room\.dance".*roomDance\(\)/)
})

test('disconnect() that throws is logged only', async () => {
  class Stubborn extends RoomConsumer {
    override disconnect(): never {
      boom()
    }
  }
  const world = new GatewayWorld({ application: Stubborn.asApplication() })
  await world.open('a=')

  expect(await world.disconnect('a=')).toEqual({ statusCode: 200 })

  expect(world.failures).toMatchObject([{ context: { type: 'websocket.disconnect' } }])
  expect(await world.members('room')).toEqual([])
  expect(world.poster.closed).toEqual(new Set())
})

test('disconnect() that sends is counted, and never posts', async () => {
  class Chatty extends RoomConsumer {
    override async disconnect(): Promise<void> {
      await this.send('bye')
      await this.channelLayer.groupAdd('room', this.channelName)
    }
  }
  const world = new GatewayWorld({ application: Chatty.asApplication() })
  await world.open('a=')

  await world.disconnect('a=')

  expect(world.count('sendAfterDisconnect')).toBe(1)
  expect(world.poster.calls).toEqual([])
  expect(await world.members('room')).toEqual([])
})

test('a StopConsumer closes quietly, and cleans up', async () => {
  const world = worldOf(() => Promise.reject(new StopConsumer()))
  await world.open('a=')

  expect(await world.receive('a=', '')).toEqual({ statusCode: 200 })

  expect(world.poster.closed).toContain('a=')
  expect(await world.members('room')).toEqual([])
  expect(left).toEqual(['a= 1000'])
  expect(world.failures).toEqual([])
  expect(world.logged('error')).toEqual([])
})

test('a close that API Gateway cannot take now is made from the queue', async () => {
  const world = worldOf(boom)
  await world.open('a=')
  world.poster.answerNext('a=', 'unavailable')

  await world.receive('a=', '')
  expect(world.poster.closed).not.toContain('a=')

  await world.deliverAll()
  expect(world.poster.closed).toContain('a=')
})

test('a close that API Gateway refuses is reported as what it is', async () => {
  const world = worldOf(boom)
  await world.open('a=')
  world.poster.answer('a=', 'forbidden')

  await world.receive('a=', '')

  expect(world.logged('error').at(-1)).toMatchObject({
    message: 'a connection could not be closed: its socket stays open',
    details: { channelName: 'a=', error: { status: 403 } },
  })
  expect([world.count('closeFailed'), world.count('frameFailed')]).toEqual([1, 1])
})

test.each(['websocket.disconnect', 'websocket.receive', 'websocket.connect', 'http.request'])(
  'no event of type "%s" can be sent through the layer',
  async (type) => {
    const world = worldOf((consumer) => consumer.channelLayer.send('b=', { type }))
    await world.open('a=', 'b=')

    await world.receive('a=', '')

    expect(world.failures[0]?.error).toBeInstanceOf(InvalidMessageError)
    expect(await world.members('room')).toEqual(['b='])
    expect(left).toEqual(['a= 1011'])
  },
)
