import { expect, test } from 'vitest'
import type { GroupSendResult } from '../../../shared/channel-layer.ts'
import { StoreError } from '../../../shared/errors.ts'
import { GatewayWorld } from '../../support/gateway-world.ts'
import { RoomConsumer } from '../../support/room-consumer.ts'

const MEMBERS = 47

class TestConsumer extends RoomConsumer {
  static results: GroupSendResult[] = []
  override async receive(text: string): Promise<void> {
    const way = text === 'frame' ? 'frame' : 'event'
    TestConsumer.results.push(
      way === 'frame'
        ? await this.channelLayer.groupSendFrame('room', text)
        : await this.channelLayer.groupSend('room', { type: 'room.say', text }),
    )
  }
}

async function crowd(
  pageSize: number,
): Promise<{ readonly world: GatewayWorld; readonly ids: readonly string[] }> {
  TestConsumer.results = []
  const world = new GatewayWorld({ application: TestConsumer.asApplication(), pageSize })
  const ids = Array.from({ length: MEMBERS }, (_, index) => `m${index}=`)
  await world.open(...ids)
  return { world, ids }
}

function framesOf({ world, ids }: Awaited<ReturnType<typeof crowd>>): readonly (readonly string[])[] {
  return ids.map((id) => world.frames(id))
}

function total(result: GroupSendResult | undefined): number {
  return Object.values(result ?? {}).reduce((sum: number, count: number) => sum + count, 0)
}

test.each([1, 2, 7, 46, 47, 48, 1000])(
  'pages of %i members: each member is reached exactly once',
  async (pageSize) => {
    const room = await crowd(pageSize)

    await room.world.receive('m0=', 'event')
    await room.world.receive('m0=', 'frame')

    expect(new Set(framesOf(room).map((frames) => frames.join()))).toEqual(new Set(['event,frame']))
    expect(TestConsumer.results).toMatchObject([{ delivered: MEMBERS }, { delivered: MEMBERS }])
  },
)

test('members that are removed while the walk goes on cost nobody else the event', async () => {
  const room = await crowd(5)
  const dead = room.ids.filter((_, index) => index % 3 === 1)
  for (const id of dead) room.world.vanish(id)

  await room.world.receive('m0=', 'event')

  const reached = room.ids.filter((id) => room.world.frames(id).length === 1)
  expect(reached).toEqual(room.ids.filter((id) => !dead.includes(id)))
  expect(TestConsumer.results).toEqual([
    { delivered: MEMBERS - dead.length, deferred: 0, gone: dead.length, failed: 0 },
  ])
})

test.each(['event', 'frame'])(
  'when time runs out the rest waits in the queue, and each member is reached exactly once over both: %s',
  async (way) => {
    for (const served of [0, 1, 9, 10, 11, 25, 46]) {
      const room = await crowd(10)
      let asked = 0
      // The first two questions come before the walk; then one for each member, and one for each page.
      const context = { getRemainingTimeInMillis: () => (asked++ <= served ? 60_000 : 0) }

      await room.world.receive('m0=', way, { context })
      const early = framesOf(room).filter((frames) => frames.length > 0).length
      expect(early).toBeLessThan(MEMBERS)
      expect(room.world.queue.size).toBe(1)

      await room.world.deliverAll()
      expect(framesOf(room).map((frames) => frames.length)).toEqual(room.ids.map(() => 1))
    }
  },
)

test('once time is out no further page is read', async () => {
  const room = await crowd(10)
  room.world.store.takeCalls()
  let asked = 0
  // One question for the time-out of the calls, ten for the members of the first page.
  const context = { getRemainingTimeInMillis: () => (asked++ <= 10 ? 60_000 : 0) }

  await room.world.receive('m0=', 'frame', { context })

  expect(room.world.store.takeCalls()).toEqual(['members'])
  expect(TestConsumer.results).toMatchObject([{ delivered: 10, deferred: 0 }])
})

test('a walk that is handed on again and again is never given up as long as it gets on', async () => {
  const room = await crowd(10)
  const hurried = (): { getRemainingTimeInMillis: () => number } => {
    let asked = 0
    return { getRemainingTimeInMillis: () => (asked++ <= 2 ? 60_000 : 0) }
  }

  await room.world.receive('m0=', 'frame', { context: hurried() })
  for (let rounds = 0; room.world.queue.size > 0; rounds++) {
    expect(rounds).toBeLessThan(MEMBERS)
    expect((await room.world.deliver(hurried())).batchItemFailures).toEqual([])
  }

  expect(framesOf(room).map((frames) => frames.length)).toEqual(room.ids.map(() => 1))
})

test('the exclusions travel with the rest of a walk', async () => {
  class Excluding extends RoomConsumer {
    override async receive(text: string): Promise<void> {
      await this.channelLayer.groupSendFrame('room', text, { exclude: [this.channelName] })
    }
  }
  const world = new GatewayWorld({ application: Excluding.asApplication(), pageSize: 2 })
  await world.open('a=', 'b=', 'c=', 'd=')

  await world.receive('a=', 'hello', { context: { getRemainingTimeInMillis: () => 0 } })
  await world.deliverAll()

  expect(['a=', 'b=', 'c=', 'd='].map((id) => world.frames(id).length)).toEqual([0, 1, 1, 1])
})

test('a first page that cannot be read is a StoreError for the sender, and nobody was reached', async () => {
  const room = await crowd(10)
  room.world.store.fail('members', new StoreError('throttled', { retryable: true }))

  await room.world.receive('m0=', 'event')

  expect(room.world.failures[0]?.error).toBeInstanceOf(StoreError)
  // The sender alone is told, and closed: its handler failed.
  expect(framesOf(room).flat()).toEqual(['{"type":"websocket.close","code":1011,"reason":""}'])
  expect(room.world.queue.size).toBe(0)
})

test.each([1, 2, 4])(
  'when page %i behind the first cannot be read, the rest waits in the queue',
  async (skip) => {
    const room = await crowd(10)
    room.world.store.fail('members', new StoreError('throttled', { retryable: true }), { skip })

    await room.world.receive('m0=', 'event')
    expect(room.world.failures).toEqual([])
    expect(total(TestConsumer.results[0])).toBe(10 * skip)
    expect(room.world.logged('warn')).toHaveLength(1)

    await room.world.deliverAll()
    expect(framesOf(room).map((frames) => frames.length)).toEqual(room.ids.map(() => 1))
  },
)

test('a rest that the queue does not take is a StoreError, not silence', async () => {
  const world = new GatewayWorld({
    application: TestConsumer.asApplication(),
    pageSize: 2,
    runtime: { queue: { enqueue: () => Promise.reject(new StoreError('no queue', { retryable: true })) } },
  })
  await world.open('a=', 'b=', 'c=')
  world.store.fail('members', new StoreError('throttled', { retryable: true }), { skip: 1 })

  await world.receive('a=', 'event')

  expect(world.failures[0]?.error).toBeInstanceOf(StoreError)
})

test('records that cannot be fetched together are fetched one by one', async () => {
  const room = await crowd(10)
  room.world.coldStart()
  room.world.store.fail('loadMany', new StoreError('throttled', { retryable: true }), { times: 100 })

  await room.world.receive('m0=', 'event')

  expect(framesOf(room).map((frames) => frames.length)).toEqual(room.ids.map(() => 1))
})

test('a member whose record cannot be read waits in the queue', async () => {
  const room = await crowd(1_000)
  room.world.coldStart()
  await room.world.receive('m0=', 'warm up')
  room.world.coldStart()
  room.world.store.fail('loadMany', new StoreError('throttled', { retryable: true }))
  room.world.store.fail('load', new StoreError('throttled', { retryable: true }), { skip: 1, times: 3 })

  await room.world.receive('m0=', 'event')
  expect(TestConsumer.results.at(-1)).toEqual({ delivered: MEMBERS - 3, deferred: 3, gone: 0, failed: 0 })

  await room.world.deliverAll()
  expect(framesOf(room).map((frames) => frames.at(-1))).toEqual(room.ids.map(() => 'event'))
})
