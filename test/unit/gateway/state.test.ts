import { expect, test } from 'vitest'
import { WebsocketConsumer } from '../../../shared/consumers/websocket-consumer.ts'
import { InvalidStateError } from '../../../shared/errors.ts'
import { GatewayWorld } from '../../support/gateway-world.ts'
import { CounterConsumer, storedState, worldOf } from '../../support/counter-consumer.ts'

test('state that one event changed is there in the next, in another container', async () => {
  const seen: number[] = []
  const world = worldOf((consumer) => {
    seen.push(consumer.state.count)
    consumer.state.count += 1
  })
  await world.open('a=')

  await world.receive('a=', '')
  world.coldStart()
  await world.receive('a=', '')

  expect(seen).toEqual([0, 1])
})

test('only the changed keys are written, once, and none if nothing changed', async () => {
  const world = worldOf((consumer, text) => {
    if (text === 'read') return
    consumer.state.count += 1
    consumer.state.count += 1
    consumer.state.name = 'ann'
  })
  await world.open('a=')
  await world.receive('a=', 'change')
  world.store.calls.length = 0

  await world.receive('a=', 'change')
  const saves = world.store.calls.filter(({ method }) => method === 'saveState')
  expect(saves.map(({ args }) => args[1])).toEqual([{ set: { count: 4 }, remove: [] }])

  world.store.takeCalls()
  await world.receive('a=', 'read')
  expect(world.store.takeCalls()).toEqual(['load'])
})

test('two events at once that change different keys both keep their change', async () => {
  const both = Promise.withResolvers<void>()
  let running = 0
  const world = worldOf(async (consumer, text) => {
    running += 1
    if (running === 2) both.resolve()
    await both.promise
    if (text === 'name') consumer.state.name = 'ann'
    else consumer.state.color = 'red'
  })
  await world.open('a=')

  await Promise.all([world.receive('a=', 'name'), world.receive('a=', 'color')])

  expect(await storedState(world)).toEqual({ name: 'ann', color: 'red' })
})

test.each<[string, unknown, string]>([
  ['a Date', { at: new Date(0) }, 'state.name.at'],
  ['a Map', new Map(), 'state.name'],
  ['a NaN', [1, Number.NaN], 'state.name[1]'],
  ['a function', { deep: [{ call: () => 1 }] }, 'state.name.deep[0].call'],
  ['a bigint', 1n, 'state.name'],
])('%s in the state is an InvalidStateError that says where', async (_, value, where) => {
  const world = worldOf((consumer) => {
    consumer.state.name = value as string
  })
  await world.open('a=')

  await world.receive('a=', '')

  expect(world.failures[0]?.error).toBeInstanceOf(InvalidStateError)
  expect(String(world.failures[0]?.error)).toContain('TestConsumer')
  expect(String(world.failures[0]?.error)).toContain(`${where} is`)
})

test('a state too large for a record is an InvalidStateError with its size', async () => {
  const world = worldOf((consumer) => {
    consumer.state.name = 'x'.repeat(300_001)
  })
  await world.open('a=')

  await world.receive('a=', '')

  expect(world.failures[0]?.error).toBeInstanceOf(InvalidStateError)
  expect(String(world.failures[0]?.error)).toMatch(/has 3000\d\d bytes, 300000 is the most/)
})

test('a key that a handler deletes is deleted', async () => {
  const world = worldOf((consumer, text) => {
    if (text === 'set') consumer.state.name = 'ann'
    else delete consumer.state.name
  })
  await world.open('a=')
  await world.receive('a=', 'set')
  expect(await storedState(world)).toEqual({ name: 'ann' })

  await world.receive('a=', 'delete')
  expect(await storedState(world)).toEqual({})
})

test('state that connect() sets after it has joined a group is kept', async () => {
  const world = worldOf(
    () => {},
    async (consumer) => {
      consumer.state.name = 'before'
      await consumer.channelLayer.groupAdd('room', consumer.channelName)
      consumer.state.color = 'after'
      await consumer.accept()
    },
  )

  await world.open('a=')

  expect(await storedState(world)).toEqual({ name: 'before', color: 'after' })
})

test('a handler that an event reaches inside another of its connection sees what that has changed so far', async () => {
  const seen: unknown[] = []
  const world = worldOf(
    async (consumer, text) => {
      if (text === 'inner') {
        seen.push({ ...consumer.state })
        consumer.state.color = 'from the inner'
        return
      }
      consumer.state.count = 7
      await consumer.channelLayer.groupSend('room', { type: 'nested', text: 'inner' })
      consumer.state.name = 'later'
    },
    async (consumer) => {
      await consumer.channelLayer.groupAdd('room', consumer.channelName)
      await consumer.accept()
    },
  )
  await world.open('a=')

  await world.receive('a=', 'outer')

  expect(world.failures).toEqual([])
  expect(seen).toEqual([{ count: 7 }])
  expect(await storedState(world)).toEqual({ count: 7, color: 'from the inner', name: 'later' })
})

test('after an awaited send to oneself the outer handler has what the inner one saved', async () => {
  const seen: unknown[] = []
  const started = Promise.withResolvers<void>()
  const changed = Promise.withResolvers<void>()
  const world = worldOf(
    async (consumer, text) => {
      consumer.state.count += 1
      if (text === 'inner') {
        started.resolve()
        await changed.promise
        consumer.state.name = 'inner'
        consumer.state.color = 'inner'
        return
      }
      const sent = consumer.channelLayer.send('a=', { type: 'nested', text: 'inner' })
      await started.promise
      consumer.state.color = 'outer, meanwhile'
      changed.resolve()
      await sent
      seen.push({ ...consumer.state })
      consumer.state.count += 1
    },
    (consumer) => consumer.accept(),
  )
  await world.open('a=')

  await world.receive('a=', 'outer')

  // The key that the outer one changed while the inner ran stays its own.
  expect(seen).toEqual([{ count: 2, name: 'inner', color: 'outer, meanwhile' }])
  expect(await storedState(world)).toEqual({ count: 3, name: 'inner', color: 'outer, meanwhile' })
})

test('after an awaited send to oneself a key that the inner handler deleted is gone', async () => {
  const world = worldOf(async (consumer, text) => {
    if (text === 'inner') delete consumer.state.name
    if (text === 'set') consumer.state.name = 'ann'
    if (text === 'outer') {
      await consumer.channelLayer.send('a=', { type: 'nested', text: 'inner' })
      consumer.state.count = Object.keys(consumer.state).length
    }
  })
  await world.open('a=')
  await world.receive('a=', 'set')

  await world.receive('a=', 'outer')

  expect(await storedState(world)).toEqual({ count: 1 })
})

test('an updateState() inside a nested event is seen outside, too', async () => {
  const world = worldOf(async (consumer, text) => {
    if (text === 'inner') await consumer.updateState((state) => ({ ...state, count: state.count + 1 }))
    else {
      await consumer.channelLayer.send('a=', { type: 'nested', text: 'inner' })
      consumer.state.count += 1
    }
  })
  await world.open('a=')

  await world.receive('a=', 'outer')

  expect(await storedState(world)).toEqual({ count: 2 })
})

test('a save never overtakes a later one of the same event', async () => {
  const world = worldOf(async (consumer, text) => {
    if (text === 'inner') return
    consumer.state.count = 1
    const sends = [1, 2, 3].map(() => consumer.channelLayer.send('a=', { type: 'nested', text: 'inner' }))
    await Promise.all(sends)
  })
  await world.open('a=')
  world.store.calls.length = 0

  await world.receive('a=', 'outer')

  const saves = world.store.calls.filter(({ method }) => method === 'saveState')
  expect(saves.map(({ args }) => args[1])).toEqual([{ set: { count: 1 }, remove: [] }])
})

test('what a handler changed before it threw is not saved', async () => {
  const world = worldOf((consumer) => {
    consumer.state.count = 99
    throw new Error('boom')
  })
  await world.open('a=')
  world.store.takeCalls()

  await world.receive('a=', '')

  expect(world.store.takeCalls()).not.toContain('saveState')
})

test('the initial state is never shared between events', async () => {
  const seen: unknown[] = []
  class Sharing extends WebsocketConsumer {
    override state: { list: string[] } = { list: [] }
    override receive(text: string): void {
      this.state.list.push(text)
      seen.push([...this.state.list])
    }
  }
  const world = new GatewayWorld({ application: Sharing.asApplication() })
  await world.open('a=', 'b=')

  await world.receive('a=', 'one')
  await world.receive('a=', 'two')
  await world.receive('b=', 'three')

  expect(seen).toEqual([['one'], ['one', 'two'], ['three']])
})

test('disconnect() sees the state, and its changes go nowhere', async () => {
  const seen: unknown[] = []
  class Leaving extends CounterConsumer {
    override async receive(): Promise<void> {
      this.state.count = 3
    }
    override async disconnect(): Promise<void> {
      seen.push(this.state.count)
      this.state.count = 4
      await this.updateState((state) => ({ ...state, count: 5 }))
      seen.push(this.state.count)
    }
  }
  const world = new GatewayWorld({ application: Leaving.asApplication() })
  await world.open('a=')
  await world.receive('a=', '')

  await world.disconnect('a=')

  expect(seen).toEqual([3, 5])
  expect(await world.store.load('a=')).toBeUndefined()
  expect(world.failures).toEqual([])
})
