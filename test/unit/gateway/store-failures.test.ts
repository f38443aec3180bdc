import { expect, test } from 'vitest'
import { StoreError } from '../../../shared/errors.ts'
import type { EventOf } from '../../../shared/message.ts'
import { GatewayWorld } from '../../support/gateway-world.ts'
import { RoomConsumer, type RoomEvents } from '../../support/room-consumer.ts'

const throttled = new StoreError('throttled', { retryable: true })

const unreadable = new StoreError('connection "b=", scope does not decrypt', { retryable: false })

class CountingConsumer extends RoomConsumer {
  override state = { count: 0 }
  override async roomSay(event: EventOf<RoomEvents, 'room.say'>): Promise<void> {
    this.state.count += 1
    await super.roomSay(event)
  }
}

/** From now on the record is found, and is no use. */
function spoil({ store }: GatewayWorld, spoilt: string): void {
  store.spoilt.set(spoilt, unreadable)
}

function worldOf(): GatewayWorld {
  return new GatewayWorld({ application: CountingConsumer.asApplication() })
}

test('members whose state cannot be read wait in the queue, and none is closed', async () => {
  const world = worldOf()
  await world.open('a=', 'b=', 'c=')
  await world.receive('a=', 'warm up')
  world.store.fail('loadMany', throttled)
  // The sender's own load succeeds; its members' fail.
  world.store.fail('load', throttled, { skip: 1, times: 2 })

  await world.receive('a=', 'hello')

  expect(world.poster.closed).toEqual(new Set())
  expect(world.failures).toEqual([])
  expect(world.queue.size).toBe(2)
  await world.deliverAll()
  expect(world.frames('b=')).toEqual(['warm up', 'hello'])
  expect(world.frames('c=')).toEqual(['warm up', 'hello'])
})

test('a member whose record is no use fails alone and at once: the others are read together, nothing waits', async () => {
  const world = new GatewayWorld({ application: RoomConsumer.asApplication() })
  const ids = Array.from({ length: 30 }, (_, index) => `m${index}=`)
  await world.open(...ids)
  spoil(world, 'm7=')
  world.coldStart()
  world.store.takeCalls()

  await world.receive('m0=', 'hello')

  expect(world.store.takeCalls()).toEqual(['load', 'members', 'loadMany'])
  expect(ids.filter((id) => world.frames(id).length === 0)).toEqual(['m7='])
  expect(world.queue.size).toBe(0)
  expect(world.count('failed')).toBe(1)
  expect(world.count('eventFailed')).toBe(1)
  expect(world.logged('error').map(({ details }) => details)).toEqual([
    { channelName: 'm7=', error: unreadable },
  ])
  expect(world.poster.closed).toEqual(new Set())
})

test('the same of a member whose consumer uses state, in a warm container', async () => {
  const world = worldOf()
  await world.open('a=', 'b=', 'c=')
  await world.receive('a=', 'warm up')
  spoil(world, 'b=')
  world.store.takeCalls()

  await world.receive('a=', 'hello')

  // The sender's own record, the others together, and the sender's again, which its handler may have changed.
  const loads = world.store.takeCalls().filter((method) => method.startsWith('load'))
  expect(loads).toEqual(['load', 'loadMany', 'load'])
  expect(world.frames('b=')).toEqual(['warm up'])
  expect(world.frames('c=')).toEqual(['warm up', 'hello'])
  expect(world.queue.size).toBe(0)
  expect(world.logged('error')).toHaveLength(1)
})

test('send() to a connection whose record is no use fails at once, and is logged', async () => {
  class Sender extends CountingConsumer {
    override async receive(text: string): Promise<void> {
      await this.channelLayer.send('b=', { type: 'room.say', text })
    }
  }
  const world = new GatewayWorld({ application: Sender.asApplication() })
  await world.open('a=', 'b=')
  world.store.fail('load', unreadable, { skip: 1 })

  await world.receive('a=', 'hello')

  expect(world.queue.size).toBe(0)
  expect(world.count('eventFailed')).toBe(1)
  expect(world.logged('error').map(({ details }) => details)).toEqual([
    { channelName: 'b=', error: unreadable },
  ])
})

test('send() to a connection whose state cannot be read defers the event', async () => {
  class Sender extends CountingConsumer {
    override async receive(text: string): Promise<void> {
      await this.channelLayer.send('b=', { type: 'room.say', text })
    }
  }
  const world = new GatewayWorld({ application: Sender.asApplication() })
  await world.open('a=', 'b=')
  world.store.fail('load', throttled, { skip: 1 })

  await world.receive('a=', 'hello')

  expect(world.failures).toEqual([])
  await world.deliverAll()
  expect(world.frames('b=')).toEqual(['hello'])
})

test('a client’s frame that meets a store that is down is logged and counted, and closes nothing', async () => {
  const world = worldOf()
  await world.open('a=')
  world.store.fail('load', throttled)

  expect(await world.receive('a=', 'hello')).toEqual({ statusCode: 200 })

  expect(world.count('eventFailed')).toBe(1)
  expect(world.count('handlerFailed')).toBe(0)
  expect(world.logged('error')).toMatchObject([{ details: { channelName: 'a=', error: throttled } }])
  expect(world.poster.closed).toEqual(new Set())
  expect(await world.members('room')).toEqual(['a='])
})

test('state that cannot be saved at the end is logged with its keys and counted, and closes nothing', async () => {
  class Counter extends CountingConsumer {
    override async receive(text: string): Promise<void> {
      this.state.count += 1
      await this.send(text)
    }
  }
  const world = new GatewayWorld({ application: Counter.asApplication() })
  await world.open('a=')
  world.store.fail('saveState', throttled)

  await world.receive('a=', 'hello')

  expect(world.frames('a=')).toEqual(['hello'])
  expect(world.count('stateNotSaved')).toBe(1)
  expect(world.logged('error')).toMatchObject([
    { details: { channelName: 'a=', consumer: 'Counter', keys: ['count'], error: throttled } },
  ])
  expect(world.failures).toEqual([])
  expect(world.poster.closed).toEqual(new Set())
  expect(await world.members('room')).toEqual(['a='])
})

test('an event of one’s own that finds the state so far unsaved waits in the queue', async () => {
  class Counter extends CountingConsumer {
    override async receive(text: string): Promise<void> {
      this.state.count = 10
      await super.receive(text)
    }
  }
  const world = new GatewayWorld({ application: Counter.asApplication() })
  await world.open('a=')
  world.store.fail('saveState', throttled)

  await world.receive('a=', 'hello')
  expect(world.frames('a=')).toEqual([])
  await world.deliverAll()

  expect(world.frames('a=')).toEqual(['hello'])
  expect((await world.store.load('a='))?.state).toEqual({ count: 11 })
  expect(world.failures).toEqual([])
  expect(world.poster.closed).toEqual(new Set())
})

test('a StoreError that a handler’s own call meets is a failure of the handler', async () => {
  class Updating extends CountingConsumer {
    override async receive(): Promise<void> {
      await this.updateState((state) => ({ ...state, count: 1 }))
    }
  }
  const world = new GatewayWorld({ application: Updating.asApplication() })
  await world.open('a=')
  world.store.fail('saveStateIf', throttled)

  await world.receive('a=', '')

  expect(world.failures).toMatchObject([{ error: throttled }])
  expect(world.poster.closed).toContain('a=')
})

test('what was sent before a store failed still goes out', async () => {
  const inner = CountingConsumer.asApplication()
  const world = new GatewayWorld({
    application: async (scope, message, send) => {
      if (message.type === 'websocket.receive')
        await send({ type: 'websocket.send', text: 'from middleware' })
      await inner(scope, message, send)
    },
  })
  await world.open('a=')
  world.poster.answerNext('a=', 'throttled')
  world.store.fail('load', throttled)

  await world.receive('a=', 'hello')
  await world.deliverAll()

  expect(world.frames('a=')).toEqual(['from middleware'])
})

test('a membership whose record is gone is cleaned up in a warm container, too, and counts as gone', async () => {
  const results: unknown[] = []
  class Telling extends CountingConsumer {
    override async receive(text: string): Promise<void> {
      results.push(await this.channelLayer.groupSend('room', { type: 'room.say', text }))
    }
  }
  const world = new GatewayWorld({ application: Telling.asApplication() })
  await world.open('a=', 'b=')
  await world.receive('a=', 'warm up')
  world.store.hidden.add('b=')

  await world.receive('a=', 'hello')

  expect(results[1]).toEqual({ delivered: 1, deferred: 0, gone: 1, failed: 0 })
  expect(await world.members('room')).toEqual(['a='])
  expect(world.runtime.scopes.get('b=')).toBeUndefined()
})
