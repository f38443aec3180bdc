import { expect, test } from 'vitest'
import { StopConsumer } from '../../../shared/signals.ts'
import { GatewayWorld } from '../../support/gateway-world.ts'
import { RoomConsumer } from '../../support/room-consumer.ts'

type RoomSay = (consumer: RoomConsumer) => Promise<void> | void

const left: string[] = []

/** `opening=` joins the room and stays in `connect()` until `decide` is called; a client's frame goes to the others. */
function worldOf(roomSay: RoomSay): { world: GatewayWorld; decide: () => void } {
  left.length = 0
  const decision = Promise.withResolvers<void>()
  class TestConsumer extends RoomConsumer {
    override async connect(): Promise<void> {
      if (this.channelName === 'opening=') await decision.promise
      await this.accept()
    }
    override async receive(text: string): Promise<void> {
      const exclude = [this.channelName]
      await this.channelLayer.groupSend('room', { type: 'room.say', text }, { exclude })
    }
    override async roomSay(): Promise<void> {
      await roomSay(this)
    }
    override async disconnect(code: number): Promise<void> {
      left.push(`${this.channelName} ${code}`)
    }
  }
  const world = new GatewayWorld({ application: TestConsumer.asApplication() })
  return { world, decide: () => decision.resolve() }
}

const endings: readonly (readonly [string, number, RoomSay])[] = [
  ['fails', 1011, () => Promise.reject(new Error('boom'))],
  ['stops', 1000, () => Promise.reject(new StopConsumer())],
]

test.each(endings)(
  'a handler that %s while its connection opens leaves no open socket without a record',
  async (_, code, roomSay) => {
    const { world, decide } = worldOf(roomSay)
    await world.open('a=')
    const handshake = world.connect('opening=')
    await world.clock.advance(10)
    await world.receive('a=', 'hello')
    decide()

    expect(await handshake).toEqual({ statusCode: 200 })
    await world.turnUntil(world.deliverAll())

    expect(world.poster.closed).toContain('opening=')
    expect(await world.members('room')).toEqual(['a='])
    expect(left).toEqual([`opening= ${code}`])
  },
)

test.each(endings)(
  'a handler that %s while its connection opens slowly has its handshake answered with 500',
  async (_, __, roomSay) => {
    const { world, decide } = worldOf(roomSay)
    await world.open('a=')
    const handshake = world.connect('opening=')
    await world.clock.advance(1_000)
    await world.receive('a=', 'hello')
    decide()

    expect(await handshake).toEqual({ statusCode: 500 })

    expect(world.count('endedWhileOpening')).toBe(1)
    expect(world.frames('opening=')).toEqual([])
    expect(await world.members('room')).toEqual(['a='])
    expect(left).toHaveLength(1)
  },
)

test('a close() from a group handler closes the connection as soon as it is open', async () => {
  const { world, decide } = worldOf((consumer) => consumer.close())
  await world.open('a=')
  const handshake = world.connect('opening=')
  await world.clock.advance(1_000)
  await world.receive('a=', 'hello')
  expect(world.poster.closed).not.toContain('opening=')
  decide()

  expect(await handshake).toEqual({ statusCode: 200 })
  await world.turnUntil(world.deliverAll())

  expect(world.poster.closed).toContain('opening=')
})

test('a close that waits for a refused connection keeps no delivery function busy', async () => {
  const { world } = worldOf(() => Promise.reject(new Error('boom')))
  await world.open('a=')
  void world.connect('opening=')
  await world.clock.advance(1_000)
  await world.receive('a=', 'hello')
  const [before, calls] = [world.clock.now(), world.poster.calls.length]

  await world.turnUntil(world.deliver())

  expect(world.queue.size).toBe(1)
  expect(world.clock.now() - before).toBeLessThan(3_000)
  expect(world.poster.calls.length - calls).toBeLessThan(10)

  await world.clock.advance(30_000)
  await world.deliverAll()
  expect(world.queue.size).toBe(0)
  expect(world.poster.calls.at(-1)).toMatchObject({ connectionId: 'opening=' })
})
