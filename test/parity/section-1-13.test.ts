import { expect, test } from 'vitest'
import { groupList } from '../../cli/commands/group-list.ts'
import { MemoryChannelStore } from '../../shared/backends/memory/index.ts'
import {
  type Application,
  createChannelLayer,
  type GroupSendResult,
  WebsocketConsumer,
  type WebsocketScope,
} from '../../shared/index.ts'
import { WebsocketCommunicator } from '../../shared/testing/index.ts'
import { type Act, actingWorld } from '../support/acting-consumer.ts'
import { FakeLogger } from '../support/fake-connection.ts'
import { GatewayWorld } from '../support/gateway-world.ts'
import { RoomConsumer } from '../support/room-consumer.ts'

// 1.13 Groups

const ids = ['a=', 'b=', 'c=']

const say: Act = (consumer, text) => consumer.send(text)

/** Who has received how many frames. */
function counted(world: GatewayWorld): readonly number[] {
  return ids.map((id) => world.frames(id).length)
}

/** Three open connections whose consumer answers a frame so. */
async function opened(receive: Act, groups: readonly string[] = ['room']): Promise<GatewayWorld> {
  const world = actingWorld({ groups, receive, roomSay: say })
  await world.open(...ids)
  return world
}

test('`group_add`, again changes nothing', async () => {
  const world = await opened(async ({ channelLayer, channelName }, text) => {
    if (text === 'join') await channelLayer.groupAdd('room', channelName)
    else await channelLayer.groupSend('room', { type: 'room.say', text })
  }, [])

  await world.receive('a=', 'join')
  await world.receive('a=', 'join')
  await world.receive('b=', 'hello')

  expect(counted(world)).toEqual([1, 0, 0])
})

test('`group_discard`', async () => {
  const world = await opened(async ({ channelLayer, channelName }, text) => {
    if (text === 'leave') await channelLayer.groupDiscard('room', channelName)
    else await channelLayer.groupSend('room', { type: 'room.say', text })
  })

  await world.receive('a=', 'leave')
  await world.receive('a=', 'leave')
  await world.receive('b=', 'hello')

  expect(counted(world)).toEqual([0, 1, 1])
  expect(world.failures).toEqual([])
})

test('`group_send` reaches all, the sender too', async () => {
  const results: GroupSendResult[] = []
  const world = await opened(async ({ channelLayer }, text) => {
    results.push(await channelLayer.groupSend('room', { type: 'room.say', text }))
  })

  await world.receive('a=', 'hello')

  expect(counted(world)).toEqual([1, 1, 1])
  expect(results).toEqual([{ delivered: 3, deferred: 0, gone: 0, failed: 0 }])
})

test('an unknown group is no error', async () => {
  const results: GroupSendResult[] = []
  const world = await opened(async ({ channelLayer }, text) => {
    results.push(await channelLayer.groupSend('nowhere', { type: 'room.say', text }))
  })

  await world.receive('a=', 'hello')

  expect(results).toEqual([{ delivered: 0, deferred: 0, gone: 0, failed: 0 }])
  expect([counted(world), world.failures]).toEqual([[0, 0, 0], []])
})

test("each member's own consumer handles it", async () => {
  class Fragile extends RoomConsumer {
    override state = { heard: 0 }
    override async roomSay({ text }: { readonly text: string }): Promise<void> {
      if (this.channelName === 'b=') throw new Error('boom')
      this.state.heard += 1
      await this.send(`${this.channelName} ${text} ${this.state.heard}`)
    }
  }
  const world = new GatewayWorld({ application: Fragile.asApplication() })
  await world.open(...ids)

  await world.receive('a=', 'one')
  await world.receive('a=', 'two')

  expect(world.frames('a=')).toEqual(['a= one 1', 'a= two 2'])
  expect(world.frames('c=')).toEqual(['c= one 1', 'c= two 2'])
  expect(world.poster.closed).toEqual(new Set(['b=']))
  expect(await world.members('room')).toEqual(['a=', 'c='])
})

test('consumers of several classes in one group', async () => {
  class Loud extends RoomConsumer {
    override async roomSay({ text }: { readonly text: string }): Promise<void> {
      await this.send(text.toUpperCase())
    }
  }
  class Brief extends WebsocketConsumer {
    override readonly groups = ['room']
    static roomSay({ text }: { readonly text: string }): string {
      return text.slice(0, 1)
    }
  }
  const applications: Record<string, Application<WebsocketScope>> = {
    'a=': RoomConsumer.asApplication(),
    'b=': Loud.asApplication(),
    'c=': Brief.asApplication(),
  }
  const world = new GatewayWorld({
    application: async (scope, message, send) => applications[scope.channelName]?.(scope, message, send),
  })
  await world.open(...ids)

  await world.receive('a=', 'hello')

  expect(ids.map((id) => world.frames(id))).toEqual([['hello'], ['HELLO'], ['h']])
})

test('excluding the sender is up to you', async () => {
  const world = await opened(async ({ channelLayer, channelName }, text) => {
    const exclude = [channelName, 'nobody=']
    await channelLayer.groupSend('room', { type: 'room.say', text }, { exclude })
  })

  await world.receive('a=', 'hello')

  expect(counted(world)).toEqual([0, 1, 1])
})

test('listing and counting members is left out', async () => {
  const application = RoomConsumer.asApplication()
  await using ann = new WebsocketCommunicator(application, '/')
  await using ben = new WebsocketCommunicator(application, '/')
  for (const client of [ann, ben]) await client.connect()

  const { json } = await groupList.run({
    parameters: ['room'],
    options: { flag: () => false, text: () => undefined, texts: () => [] },
    reach: {
      store: async () => ann.gateway.store,
      layer: () => Promise.reject(new Error('a list needs no layer')),
      workers: () => Promise.reject(new Error('a list needs no workers')),
      queue: () => Promise.reject(new Error('a list needs no queue')),
    },
    now: Date.now(),
  })

  const { members } = json as unknown as { readonly members: readonly { readonly connectionId: string }[] }
  const listed = members.map(({ connectionId }) => connectionId)
  expect(listed.toSorted()).toEqual([ann.channelName, ben.channelName].toSorted())
})

test('a full channel loses its message, at INFO', async () => {
  const logger = new FakeLogger()
  const layer = createChannelLayer({ store: new MemoryChannelStore(), capacity: 1, logger })
  const [full, free] = [await layer.newChannel(), await layer.newChannel()]
  for (const channel of [full, free]) await layer.groupAdd('room', channel)
  await layer.send(full, { type: 'first' })

  const result = await layer.groupSend('room', { type: 'second' })

  expect(result).toEqual({ delivered: 1, deferred: 0, gone: 0, failed: 1 })
  expect(logger.lines).toMatchObject([
    { level: 'info', message: '1 of 2 channels over capacity in group room' },
  ])
  expect(await layer.receive(full)).toEqual({ type: 'first' })
})

test('which groups a channel is in, nobody knows', async () => {
  const world = await opened(async ({ channelLayer, channelName }) => {
    for (const group of ['one', 'two']) await channelLayer.groupAdd(group, channelName)
  })
  await world.receive('a=', '')
  const memberships = async (): Promise<unknown> =>
    Promise.all(['room', 'one', 'two'].map((group) => world.members(group)))
  expect(await memberships()).toEqual([['a=', 'b=', 'c='], ['a='], ['a=']])

  await world.disconnect('a=')

  expect(await memberships()).toEqual([['b=', 'c='], [], []])
})

test('`group_expiry`', async () => {
  const world = await opened(() => {})
  await world.connect('young=')

  await world.clock.advance(7_800_000 - 60_000)
  expect(await world.members('room')).toEqual([...ids, 'young='])
  await world.clock.advance(60_000 - 1_000)

  expect(await world.members('room')).toEqual(['young='])
})

test('join, then be reached', async () => {
  const world = await opened(async ({ channelLayer, channelName }, text) => {
    await channelLayer.groupAdd('lobby', channelName)
    await channelLayer.groupSend('lobby', { type: 'room.say', text })
  }, [])

  await world.receive('a=', 'hello')

  expect(world.frames('a=')).toEqual(['hello'])
})
