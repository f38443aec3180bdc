import { expect, test } from 'vitest'
import { GatewayWorld } from '../../support/gateway-world.ts'
import { RoomConsumer } from '../../support/room-consumer.ts'

class StatefulConsumer extends RoomConsumer {
  override state = { count: 0 }
}

const stateless = RoomConsumer.asApplication()
const stateful = StatefulConsumer.asApplication()

class EchoConsumer extends RoomConsumer {
  override readonly groups: readonly string[] = []
  override async receive(text: string): Promise<void> {
    await this.send(text)
  }
}

test('an event whose consumer uses no state reads nothing in a warm container', async () => {
  const world = new GatewayWorld({ application: EchoConsumer.asApplication() })
  await world.connect('a=')
  world.store.takeCalls()

  await world.receive('a=', 'hello')

  expect(world.store.takeCalls()).toEqual([])
  expect(world.frames('a=')).toEqual(['hello'])
})

test('it reads once in a cold container, and then no more', async () => {
  const world = new GatewayWorld({ application: EchoConsumer.asApplication() })
  await world.open('a=')
  world.coldStart()
  world.store.takeCalls()

  await world.receive('a=', 'hello')
  expect(world.store.takeCalls()).toEqual(['load'])

  await world.receive('a=', 'hello')
  expect(world.store.takeCalls()).toEqual([])
})

test.each(['warm', 'cold'])(
  'an event whose consumer uses state reads once in a %s container',
  async (start) => {
    class Stateful extends EchoConsumer {
      override state = { count: 0 }
    }
    const world = new GatewayWorld({ application: Stateful.asApplication() })
    await world.open('a=')
    if (start === 'cold') world.coldStart()
    world.store.takeCalls()

    await world.receive('a=', 'hello')

    expect(world.store.takeCalls()).toEqual(['load'])
  },
)

test('connecting with groups is one write', async () => {
  const world = new GatewayWorld({ application: stateless })

  await world.connect('a=')

  expect(world.store.takeCalls()).toEqual(['create'])
})

test('a group send to members without state reads the members, and no record in a warm container', async () => {
  const world = new GatewayWorld({ application: stateless })
  await world.open('a=', 'b=', 'c=')
  await world.receive('a=', 'warm up')
  world.store.takeCalls()

  await world.receive('a=', 'hello')

  expect(world.store.takeCalls()).toEqual(['members'])
})

test.each([
  ['without state, in a cold container', stateless],
  ['with state', stateful],
])('a group send to members %s fetches their records together', async (_, application) => {
  const world = new GatewayWorld({ application })
  await world.open('a=', 'b=', 'c=', 'd=')
  await world.receive('a=', 'warm up')
  if (application === stateless) world.coldStart()
  world.store.takeCalls()

  await world.receive('a=', 'hello')

  const reads = world.store.takeCalls().filter((method) => method.startsWith('load'))
  expect(reads.filter((method) => method === 'loadMany')).toHaveLength(1)
  // The sender's own record, and where it has state, its second handler's.
  expect(reads.filter((method) => method === 'load').length).toBeLessThanOrEqual(
    application === stateless ? 1 : 2,
  )
})

test('after two events of one member at once, its record is fetched with the others again', async () => {
  const slow = Promise.withResolvers<void>()
  class Overlapping extends StatefulConsumer {
    override async receive(): Promise<void> {
      const sends = ['first', 'second'].map((text) =>
        this.channelLayer.send('b=', { type: 'room.say', text }),
      )
      await sends[0]
      slow.resolve()
      await sends[1]
      await this.channelLayer.groupSend('room', { type: 'room.say', text: 'third' }, { exclude: ['a='] })
    }
    override async roomSay({ text }: { readonly text: string }): Promise<void> {
      if (text === 'second') await slow.promise
    }
  }
  const world = new GatewayWorld({ application: Overlapping.asApplication() })
  await world.open('a=', 'b=', 'c=')
  world.store.takeCalls()

  await world.receive('a=', '')

  const reads = world.store.takeCalls().filter((method) => method.startsWith('load'))
  // The sender's, the two of b= alone, and then b= and c= together.
  expect(reads).toEqual(['load', 'load', 'load', 'loadMany'])
})

test('groupSendFrame reads no record at all, in a cold container neither', async () => {
  class FrameConsumer extends RoomConsumer {
    override async receive(text: string): Promise<void> {
      await this.channelLayer.groupSendFrame('room', text)
    }
  }
  const world = new GatewayWorld({ application: FrameConsumer.asApplication() })
  await world.open('a=', 'b=')
  world.coldStart()
  world.store.takeCalls()

  await world.receive('a=', 'hello')

  expect(world.store.takeCalls()).toEqual(['load', 'members'])
})

test('a disconnect is one removal', async () => {
  const world = new GatewayWorld({ application: stateful })
  await world.open('a=')
  world.store.takeCalls()

  await world.disconnect('a=')

  expect(world.store.takeCalls()).toEqual(['remove'])
})
