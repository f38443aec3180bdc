import { expect, test } from 'vitest'
import { WebsocketConsumer } from '../../../shared/consumers/websocket-consumer.ts'
import { StoreError } from '../../../shared/errors.ts'
import type { JsonObject } from '../../../shared/message.ts'
import { GatewayWorld } from '../../support/gateway-world.ts'

interface CounterState {
  count: number
  name?: string
  color?: string
}

type Act = (consumer: CounterConsumer, text: string) => Promise<void> | void

/** Does to its state what the test says. */
class CounterConsumer extends WebsocketConsumer {
  override state: CounterState = { count: 0 }
  protected get act(): Act {
    return () => {}
  }
  override async receive(text: string): Promise<void> {
    await this.act(this, text)
  }
}

function worldOf(receive: Act, connect: Act = (consumer) => consumer.accept()): GatewayWorld {
  class TestConsumer extends CounterConsumer {
    protected override get act(): Act {
      return receive
    }
    override async connect(): Promise<void> {
      await connect(this, '')
    }
    async nested(event: { readonly text: string }): Promise<void> {
      await receive(this, event.text)
    }
  }
  return new GatewayWorld({ application: TestConsumer.asApplication() })
}

async function storedState(world: GatewayWorld): Promise<JsonObject | undefined> {
  return (await world.store.load('a='))?.state
}

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
