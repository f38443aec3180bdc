import { expect, test } from 'vitest'
import { StoreError } from '../../../shared/errors.ts'
import type { EnqueueOptions, QueuedDelivery } from '../../../shared/stores/delivery-queue.ts'
import { GatewayWorld } from '../../support/gateway-world.ts'
import { RoomConsumer } from '../../support/room-consumer.ts'

const endpoint = 'https://abc.execute-api.eu-west-1.amazonaws.com/prod'
const throttled = (): StoreError => new StoreError('throttled', { retryable: true })
const group = { kind: 'group', group: 'room', exclude: [], frame: 'hello' } as const

interface Put extends EnqueueOptions {
  readonly deliveries: readonly QueuedDelivery[]
}

/** A room, and what its queue is given. */
function makeRoom(pageSize = 1_000): { world: GatewayWorld; puts: Put[]; left: string[] } {
  const left: string[] = []
  const puts: Put[] = []
  class TestConsumer extends RoomConsumer {
    override async disconnect(code: number): Promise<void> {
      left.push(`${this.channelName} ${code}`)
    }
  }
  const queue = {
    enqueue: async (deliveries: readonly QueuedDelivery[], options: EnqueueOptions = {}) =>
      void puts.push({ deliveries, ...options }),
  }
  const world = new GatewayWorld({ application: TestConsumer.asApplication(), pageSize, runtime: { queue } })
  return { world, puts, left }
}

function bodyOf(task: QueuedDelivery['task'], attempt = 0): string {
  return JSON.stringify({ task, endpoint, attempt })
}

test('a range whose first page cannot be read goes back into the queue, later each time, ten times', async () => {
  const { world, puts } = makeRoom()
  await world.open('a=', 'b=')
  world.store.fail('members', throttled(), { times: 100 })

  let body = bodyOf(group)
  const delays: unknown[] = []
  for (let rounds = 0; rounds <= 10; rounds++) {
    expect(await world.deliverBodies(body)).toEqual({ batchItemFailures: [] })
    const [put] = puts.splice(0)
    delays.push(put?.delaySeconds)
    expect(put?.deliveries).toMatchObject([{ task: group, attempt: rounds + 1 }])
    body = JSON.stringify(put?.deliveries[0])
  }

  expect(delays).toEqual([0, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300])
  expect(await world.deliverBodies(body)).toEqual({ batchItemFailures: [{ itemIdentifier: 'm0' }] })
  expect(puts).toEqual([])
})

test('a range for which there is never time goes back later each time, and is given up after ten times', async () => {
  const { world, puts } = makeRoom()
  await world.open('a=', 'b=')

  let waiting: QueuedDelivery | undefined = { task: group, endpoint, attempt: 0 }
  const delays: unknown[] = []
  for (let rounds = 0; rounds <= 10; rounds++) {
    await world.queue.enqueue(waiting === undefined ? [] : [waiting])
    await world.deliver({ getRemainingTimeInMillis: () => 0 })
    const [put] = puts.splice(0)
    delays.push(put?.delaySeconds)
    waiting = put?.deliveries[0]
  }

  expect(waiting?.attempt).toBe(11)
  expect(delays.slice(0, 4)).toEqual([0, 2, 4, 8])
  expect((await world.deliverBodies(JSON.stringify(waiting))).batchItemFailures).toHaveLength(1)
})

test('a range goes on at once, as if never tried, after each page that was served', async () => {
  const { world, puts } = makeRoom(1)
  await world.open('a=', 'b=')
  world.store.fail('members', throttled(), { skip: 1 })

  await world.deliverBodies(bodyOf(group, 7))

  expect(puts).toMatchObject([{ delaySeconds: 0, deliveries: [{ attempt: 0, task: { kind: 'group' } }] }])
})

test('what is left of a member has not been tried, however often its range was', async () => {
  const { world, puts } = makeRoom()
  await world.open('a=', 'b=')
  world.poster.answerNext('a=', 'throttled')

  await world.deliverBodies(bodyOf(group, 10))

  expect(puts).toMatchObject([
    { delaySeconds: 0, deliveries: [{ attempt: 1, task: { kind: 'frames', connectionId: 'a=' } }] },
  ])
})

test('a store that refuses for good fails the message, so that it becomes a dead letter', async () => {
  const { world, puts } = makeRoom()
  await world.open('a=')
  world.store.fail('members', new StoreError('no such table', { retryable: false }))

  expect((await world.deliverBodies(bodyOf(group))).batchItemFailures).toHaveLength(1)
  expect(puts).toEqual([])
})

test('frames for which the store fails go back, and what comes behind them waits as long', async () => {
  const { world, puts } = makeRoom()
  await world.connect('a=')
  world.poster.answer('a=', 'gone')
  world.store.fail('load', throttled())
  const task = { kind: 'frames', connectionId: 'a=', connectedAt: world.clock.now() } as const

  const result = await world.deliverBodies(
    bodyOf({ ...task, frames: ['1'] }, 3),
    bodyOf({ ...task, frames: ['2'] }),
  )

  expect(result).toEqual({ batchItemFailures: [] })
  expect(puts).toMatchObject([
    { delaySeconds: 8, deliveries: [{ attempt: 4, task: { frames: ['1'] } }] },
    { delaySeconds: 8, deliveries: [{ task: { frames: ['2'] } }] },
  ])
})

test('disconnect() of members found dead runs, and frames that wait are kept, although the rest cannot be put back', async () => {
  const { world, puts, left } = makeRoom(10)
  const ids = Array.from({ length: 30 }, (_, index) => `m${index}=`)
  await world.open(...ids)
  const [dead = '', late = ''] = (await world.store.members('room')).members.map(
    ({ connectionId }) => connectionId,
  )
  world.vanish(dead)
  world.poster.answerNext(late, 'throttled')
  world.store.fail('members', throttled(), { skip: 1 })
  const { queue } = world.runtime
  const refusing = {
    enqueue: async (deliveries: readonly QueuedDelivery[]) => {
      if (deliveries.some(({ task }) => task.kind === 'group')) throw throttled()
      await queue.enqueue(deliveries)
    },
  }
  Object.assign(world.runtime, { queue: refusing })

  expect((await world.deliverBodies(bodyOf(group))).batchItemFailures).toHaveLength(1)

  expect(left).toEqual([`${dead} 1006`])
  expect(puts).toMatchObject([{ deliveries: [{ task: { kind: 'frames', connectionId: late } }] }])
})
