import { expect, test } from 'vitest'
import { WebsocketConsumer } from '../../../shared/consumers/websocket-consumer.ts'
import { StoreError } from '../../../shared/errors.ts'
import { GatewayWorld } from '../../support/gateway-world.ts'
import { CounterConsumer, storedState, worldOf } from '../../support/counter-consumer.ts'

test('updateState() loses no increment of events that come while the connection opens', async () => {
  const decision = Promise.withResolvers<void>()
  class TestConsumer extends CounterConsumer {
    override readonly groups: readonly string[] = ['room']
    override async connect(): Promise<void> {
      if (this.channelName === 'a=') {
        await this.roomCount()
        await decision.promise
        await this.roomCount()
      }
      await this.accept()
    }
    override async receive(): Promise<void> {
      await this.channelLayer.groupSend('room', { type: 'room.count' }, { exclude: [this.channelName] })
    }
    async roomCount(): Promise<void> {
      await this.updateState((state) => ({ ...state, count: state.count + 1 }))
    }
  }
  const world = new GatewayWorld({ application: TestConsumer.asApplication() })
  await world.open('b=')
  const handshake = world.connect('a=')
  await world.clock.advance(10)

  await world.receive('b=', '')
  await world.receive('b=', '')
  decision.resolve()

  expect(await handshake).toEqual({ statusCode: 200 })
  expect(await storedState(world)).toEqual({ count: 4 })
})

test('updateState() loses no increment of 20 events at once', async () => {
  const world = worldOf(async (consumer) => {
    await consumer.updateState((state) => ({ ...state, count: state.count + 1 }))
  })
  await world.open('a=')

  const events = Promise.all(Array.from({ length: 20 }, () => world.receive('a=', '')))
  await world.turnUntil(events)

  expect(await storedState(world)).toEqual({ count: 20 })
  expect(world.failures).toEqual([])
})

test('updateState() keeps what the event changed before it, and gives the new state', async () => {
  const seen: unknown[] = []
  const world = worldOf(async (consumer) => {
    consumer.state.name = 'ann'
    seen.push({ ...(await consumer.updateState((state) => ({ ...state, count: state.count + 1 }))) })
    seen.push(structuredClone(consumer.state))
    consumer.state.color = 'red'
  })
  await world.open('a=')

  await world.receive('a=', '')

  expect(seen).toEqual([
    { count: 1, name: 'ann' },
    { count: 1, name: 'ann' },
  ])
  expect(await storedState(world)).toEqual({ count: 1, name: 'ann', color: 'red' })
})

test('updateState() gives up with a StoreError when others never stop writing', async () => {
  let tries = 0
  const world = worldOf(async (consumer) => {
    await consumer.updateState((state) => {
      tries += 1
      void world.store.saveState('a=', { set: { name: `${tries}` }, remove: [] })
      return { ...state, count: -1 }
    })
  })
  await world.open('a=')

  await world.turnUntil(world.receive('a=', ''))

  expect(world.failures[0]?.error).toBeInstanceOf(StoreError)
  expect(String(world.failures[0]?.error)).toContain(
    `lost against other events ${tries} times and wrote nothing`,
  )
})

test('updateState() writes the changed keys only, and nothing if there are none', async () => {
  const world = worldOf(async (consumer, text) => {
    if (text === 'fill') Object.assign(consumer.state, { name: 'ann', color: 'red' })
    if (text === 'count') await consumer.updateState((state) => ({ ...state, count: state.count + 1 }))
    if (text === 'nothing') await consumer.updateState((state) => ({ ...state }))
    if (text === 'remove') await consumer.updateState(({ name: _name, ...state }) => state)
  })
  await world.open('a=')
  await world.receive('a=', 'fill')

  for (const text of ['count', 'nothing', 'remove']) await world.receive('a=', text)

  const writes = world.store.calls.filter(({ method }) => method === 'saveStateIf')
  expect(writes.map(({ args }) => args[2])).toEqual([
    { set: { count: 1 }, remove: [] },
    { set: {}, remove: ['name'] },
  ])
  expect(await storedState(world)).toEqual({ count: 1, color: 'red' })
})

test('updateState() takes a state that was changed in place', async () => {
  class Listing extends WebsocketConsumer {
    override state: { list: string[] } = { list: [] }
    override async receive(text: string): Promise<void> {
      await this.updateState((state) => {
        state.list.push(text)
        return state
      })
    }
  }
  const world = new GatewayWorld({ application: Listing.asApplication() })
  await world.open('a=')

  await world.receive('a=', 'one')
  await world.receive('a=', 'two')

  expect(await storedState(world)).toEqual({ list: ['one', 'two'] })
})

test('updateState() works in connect(), without a group and with one', async () => {
  const world = worldOf(
    () => {},
    async (consumer) => {
      await consumer.updateState((state) => ({ ...state, count: 1 }))
      await consumer.channelLayer.groupAdd('room', consumer.channelName)
      await consumer.updateState((state) => ({ ...state, count: state.count + 1 }))
      await consumer.accept()
    },
  )

  await world.open('a=')

  expect(await storedState(world)).toEqual({ count: 2 })
})
