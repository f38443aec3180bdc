import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { MemoryDeliveryQueue } from '../../../shared/backends/memory/memory-delivery-queue.ts'
import type { GroupSendResult } from '../../../shared/channel-layer.ts'
import { StoreError } from '../../../shared/errors.ts'
import type { FanOutLimits } from '../../../shared/layers/delivery.ts'
import type { DeliveryQueue, DeliveryTask, QueuedDelivery } from '../../../shared/stores/delivery-queue.ts'
import { GatewayWorld } from '../../support/gateway-world.ts'
import { RoomConsumer } from '../../support/room-consumer.ts'

class Speaker extends RoomConsumer {
  static results: GroupSendResult[] = []
  override async receive(text: string): Promise<void> {
    Speaker.results.push(
      text === 'event'
        ? await this.channelLayer.groupSend('room', { type: 'room.say', text }, { exclude: ['m1='] })
        : await this.channelLayer.groupSendFrame('room', text, { exclude: ['m1='] }),
    )
  }
}

interface RoomOptions {
  readonly members: number
  readonly pageSize: number
  readonly fanOut?: Partial<FanOutLimits>
  readonly queue?: DeliveryQueue
}

async function makeRoom({ members, pageSize, fanOut = {}, queue }: RoomOptions): Promise<{
  readonly world: GatewayWorld
  readonly ids: readonly string[]
  /** How often each member was reached. */
  readonly reached: () => readonly number[]
}> {
  Speaker.results = []
  const world = new GatewayWorld({
    application: Speaker.asApplication(),
    pageSize,
    runtime: { fanOut, ...(queue === undefined ? {} : { queue }) },
  })
  const ids = Array.from({ length: members }, (_, index) => `m${index}=`)
  await world.open(...ids)
  return { world, ids, reached: () => ids.map((id) => world.frames(id).length) }
}

function once(ids: readonly string[]): readonly number[] {
  return ids.map((id) => (id === 'm1=' ? 0 : 1))
}

/** Takes what waits, and puts it back for the world to deliver. */
async function waiting(world: GatewayWorld): Promise<readonly DeliveryTask[]> {
  const deliveries = world.queue.take().Records.map(({ body }) => JSON.parse(body) as QueuedDelivery)
  await world.queue.enqueue(deliveries)
  return deliveries.map(({ task }) => task)
}

const SMALL: FanOutLimits = { inlineMembers: 100, rangeMembers: 25, maxRanges: 8 }

test('a group of up to the limit is served by the sender, page by page', async () => {
  const { world, ids, reached } = await makeRoom({ members: 100, pageSize: 50, fanOut: SMALL })

  await world.receive('m0=', 'event')

  expect(world.queue.size).toBe(0)
  expect(reached()).toEqual(once(ids))
  expect(Speaker.results).toEqual([{ delivered: 99, deferred: 0, gone: 0, failed: 0 }])
})

test.each(['event', 'frame'])(
  'of a larger group the sender serves its first page, and the rest waits in ranges: %s',
  async (way) => {
    const { world, ids, reached } = await makeRoom({ members: 400, pageSize: 100, fanOut: SMALL })
    world.store.takeCalls()

    await world.receive('m0=', way)

    expect(world.store.takeCalls().filter((call) => call === 'members')).toHaveLength(1)
    expect(reached().reduce((sum, times) => sum + times)).toBeGreaterThan(97)
    const tasks = await waiting(world)
    expect(tasks).toHaveLength(8)
    expect(tasks.every((task) => task.kind === 'group' && way in task)).toBe(true)

    await world.deliverAll()
    expect(reached()).toEqual(once(ids))
  },
)

test('the result says how many ranges were made, and about how many members are in them', async () => {
  const { world } = await makeRoom({ members: 1_000, pageSize: 500, fanOut: SMALL })

  await world.receive('m0=', 'frame')

  const [result] = Speaker.results
  expect(result).toMatchObject({ gone: 0, failed: 0, ranges: 8 })
  expect(result?.deferred).toBeGreaterThan(400)
  expect(result?.deferred).toBeLessThan(600)
  expect(world.count('fanOutRanges')).toBe(8)
})

test('a worker whose range is large cuts it again, until ranges are small', async () => {
  const { world, ids, reached } = await makeRoom({
    members: 1_000,
    pageSize: 20,
    fanOut: { inlineMembers: 30, rangeMembers: 15, maxRanges: 3 },
  })

  await world.receive('m0=', 'frame')
  expect(world.queue.size).toBe(3)
  let rounds = 0
  for (; world.queue.size > 0; rounds++) await world.deliver()

  expect(rounds).toBeGreaterThan(2)
  expect(reached()).toEqual(once(ids))
})

test('each member of any group is reached exactly once, whatever the limits and the pages', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 2, max: 150 }),
      fc.integer({ min: 1, max: 60 }),
      fc.record({
        inlineMembers: fc.integer({ min: 1, max: 60 }),
        rangeMembers: fc.integer({ min: 1, max: 40 }),
        maxRanges: fc.integer({ min: 1, max: 9 }),
      }),
      async (members, pageSize, fanOut) => {
        const { world, ids, reached } = await makeRoom({ members, pageSize, fanOut })
        await world.receive('m0=', 'frame')
        await world.deliverAll()
        expect(reached()).toEqual(once(ids))
      },
    ),
    { numRuns: 60 },
  )
})

test('the ranges are in the queue before the sender serves its own page', async () => {
  const { world, reached } = await makeRoom({ members: 400, pageSize: 100, fanOut: SMALL })
  let reachedBefore = -1
  const { queue } = world
  const enqueue = queue.enqueue.bind(queue)
  queue.enqueue = async (deliveries) => {
    reachedBefore = reached().reduce((sum, times) => sum + times)
    await enqueue(deliveries)
  }

  await world.receive('m0=', 'frame')

  expect(reachedBefore).toBe(0)
})

test('when time runs out on the first page, its rest waits beside the ranges, and nobody is reached twice', async () => {
  const { world, ids, reached } = await makeRoom({ members: 400, pageSize: 100, fanOut: SMALL })
  let asked = 0

  await world.receive('m0=', 'frame', {
    context: { getRemainingTimeInMillis: () => (asked++ <= 40 ? 60_000 : 0) },
  })
  expect(world.queue.size).toBe(9)
  await world.deliverAll()

  expect(reached()).toEqual(once(ids))
})

test('with a queue that is down the sender serves everybody by itself', async () => {
  const refusing: DeliveryQueue = {
    enqueue: () => Promise.reject(new StoreError('no queue', { retryable: true })),
  }
  const { world, ids, reached } = await makeRoom({
    members: 400,
    pageSize: 100,
    fanOut: SMALL,
    queue: refusing,
  })

  await world.receive('m0=', 'frame')

  expect(reached()).toEqual(once(ids))
  expect(world.failures).toEqual([])
  expect(Speaker.results).toEqual([{ delivered: 399, deferred: 0, gone: 0, failed: 0 }])
  expect(world.logged('warn')[0]?.message).toMatch(/could not be divided among delivery workers/)
})

/** Takes every third of the first deliveries alone, and says so if it `tells`. */
class ChoosyQueue implements DeliveryQueue {
  calls = 0
  readonly #inner: MemoryDeliveryQueue
  readonly #tells: boolean

  constructor(inner: MemoryDeliveryQueue, tells: boolean) {
    this.#inner = inner
    this.#tells = tells
  }

  async enqueue(deliveries: readonly QueuedDelivery[]): Promise<void> {
    this.calls += 1
    if (this.calls > 1) return this.#inner.enqueue(deliveries)
    await this.#inner.enqueue(deliveries.filter((_, index) => index % 3 === 0))
    const refused = [...deliveries.keys()].filter((index) => index % 3 !== 0)
    throw new StoreError('some were refused', { retryable: true, ...(this.#tells ? { refused } : {}) })
  }
}

test.each(['event', 'frame'])(
  'of ranges that a queue takes in part, the sender serves those that it did not take, and nobody twice: %s',
  async (way) => {
    const { world, ids, reached } = await makeRoom({ members: 400, pageSize: 100, fanOut: SMALL })
    Object.assign(world.runtime, { queue: new ChoosyQueue(world.queue, true) })

    await world.receive('m0=', way)

    expect(world.queue.size).toBe(3)
    expect(Speaker.results).toMatchObject([{ ranges: 3 }])
    expect(world.count('fanOutRanges')).toBe(3)
    const [result] = Speaker.results
    expect((result?.delivered ?? 0) + (result?.deferred ?? 0)).toBeGreaterThan(360)
    expect((result?.delivered ?? 0) + (result?.deferred ?? 0)).toBeLessThan(440)
    await world.deliverAll()
    expect(reached()).toEqual(once(ids))
  },
)

test('ranges that a queue did not take, and for which there is no time, wait as they are', async () => {
  const { world, ids, reached } = await makeRoom({ members: 400, pageSize: 100, fanOut: SMALL })
  Object.assign(world.runtime, { queue: new ChoosyQueue(world.queue, true) })
  let asked = 0

  await world.receive('m0=', 'frame', {
    // The first page, and some of the first range behind it.
    context: { getRemainingTimeInMillis: () => (asked++ <= 110 ? 60_000 : 0) },
  })
  expect(await waiting(world)).toHaveLength(3 + 5)
  await world.deliverAll()

  expect(reached()).toEqual(once(ids))
})

test('a queue that takes ranges in part, and does not say which, is asked once', async () => {
  const { world, reached } = await makeRoom({ members: 400, pageSize: 50, fanOut: SMALL })
  const queue = new ChoosyQueue(world.queue, false)
  Object.assign(world.runtime, { queue })

  await world.receive('m0=', 'frame')
  await world.deliverAll()

  expect(queue.calls).toBe(1)
  expect(Math.max(...reached())).toBe(2)
  expect(reached().filter((times) => times === 0)).toHaveLength(1)
})

test('a queue that hangs costs the time of the invocation, and nobody the frame', async () => {
  const { world, ids, reached } = await makeRoom({ members: 400, pageSize: 100, fanOut: SMALL })
  const hanging: DeliveryQueue = {
    enqueue: (deliveries) =>
      deliveries.length > 1 ? new Promise(() => {}) : world.queue.enqueue(deliveries),
  }
  Object.assign(world.runtime, { queue: hanging })

  await world.receive('m0=', 'frame', { context: { getRemainingTimeInMillis: () => 2_550 } })
  expect(world.logged('warn')[0]?.message).toMatch(/could not be divided among delivery workers/)
  Object.assign(world.runtime, { queue: world.queue })
  await world.deliverAll()

  expect(reached()).toEqual(once(ids))
})

test('a worker that is killed costs no member the event, and at most its own range twice', async () => {
  const { world, reached } = await makeRoom({ members: 400, pageSize: 100, fanOut: SMALL })
  await world.receive('m0=', 'frame')
  const before = reached()
  const tasks = world.queue.take().Records.map(({ body }) => body)

  // The first delivery of the first range was made, but never acknowledged.
  await world.deliverBodies(tasks[0] ?? '')
  const ofFirstRange = reached().filter((times, index) => times > (before[index] ?? 0)).length
  await world.deliverBodies(...tasks)

  const twice = reached().filter((times) => times === 2).length
  expect(reached().filter((times) => times === 0)).toHaveLength(1)
  expect(twice).toBe(ofFirstRange)
  expect(twice).toBeLessThan(75)
})
