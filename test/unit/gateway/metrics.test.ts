import { describe, expect, test } from 'vitest'
import type { Application } from '../../../shared/application.ts'
import { createDeliveryHandler } from '../../../shared/gateway/delivery-handler.ts'
import { createHttpHandler } from '../../../shared/gateway/http-handler.ts'
import type { Metrics, MetricUnit } from '../../../shared/gateway/metrics.ts'
import type { Runtime, RuntimeOptions } from '../../../shared/gateway/runtime.ts'
import { createSerialHandler } from '../../../shared/gateway/serial-handler.ts'
import { createWebsocketHandler } from '../../../shared/gateway/websocket-handler.ts'
import { createWorkerHandler } from '../../../shared/gateway/worker-handler.ts'
import type { QueuedDelivery } from '../../../shared/stores/delivery-queue.ts'
import { GatewayWorld } from '../../support/gateway-world.ts'
import { RoomConsumer } from '../../support/room-consumer.ts'

/** Metrics that remember what was recorded, and what was counted by each flush. */
class RememberedMetrics implements Metrics {
  readonly flushed: Record<string, number>[] = []
  readonly records: (readonly [name: string, value: number, unit: MetricUnit])[] = []
  #counts: Record<string, number> = {}

  count(name: string, value: number): void {
    this.#counts[name] = (this.#counts[name] ?? 0) + value
  }

  record(...record: readonly [string, number, MetricUnit]): void {
    this.records.push(record)
  }

  async flush(): Promise<void> {
    this.flushed.push(this.#counts)
    this.#counts = {}
  }

  valuesOf(name: string): readonly number[] {
    return this.records.filter((record) => record[0] === name).map((record) => record[1])
  }
}

class Caller extends RoomConsumer {
  override async connect(): Promise<void> {
    if (this.scope.headers['x-refuse'] !== undefined) return this.close()
    await super.connect()
  }

  override async receive(text: string): Promise<void> {
    if (text === 'throw') throw new Error('broken')
    if (text === 'frame') await this.channelLayer.groupSendFrame('room', text)
    else if (text === 'close') await this.channelLayer.groupClose('room', 4000, { exclude: ['a='] })
    else if (text === 'empty') await this.channelLayer.groupSendFrame('nobody', text)
    else await this.channelLayer.groupSend('room', { type: 'room.say', text })
  }
}

interface Measured {
  readonly world: GatewayWorld
  readonly metrics: RememberedMetrics
}

function measured(runtime: Partial<RuntimeOptions> = {}, pageSize?: number): Measured {
  const metrics = new RememberedMetrics()
  const application = Caller.asApplication()
  const world = new GatewayWorld({
    application,
    ...(pageSize === undefined ? {} : { pageSize }),
    runtime: { metrics, ...runtime },
  })
  return { world, metrics }
}

describe('what a connection does is counted', () => {
  test('its opening, its messages and its end, each by the invocation that serves it', async () => {
    const { world, metrics } = measured()

    await world.connect('a=')
    await world.receive('a=', 'empty')
    await world.disconnect('a=')

    expect(metrics.flushed).toEqual([{ connected: 1 }, { received: 1 }, { disconnected: 1 }])
  })

  test('a refusal is no opening, and has no end', async () => {
    const { world, metrics } = measured()

    expect((await world.connect('a=', { headers: { 'x-refuse': '1' } })).statusCode).toBe(403)
    await world.disconnect('a=')

    expect(metrics.flushed).toEqual([{ refused: 1 }, {}])
  })

  test('an end is counted once, whoever noticed it and whatever came of it', async () => {
    const { world, metrics } = measured()
    await world.open('a=', 'b=', 'c=')
    metrics.flushed.length = 0

    await world.receive('b=', 'throw')
    await world.disconnect('b=')
    world.vanish('c=')
    await world.receive('a=', 'frame')
    await world.disconnect('c=')

    const ends = metrics.flushed.map((counts) => counts['disconnected'] ?? 0)
    expect(ends).toEqual([1, 0, 1, 0])
  })
})

describe('a group send', () => {
  test.each([
    ['hello', 3],
    ['frame', 3],
    ['close', 2],
    ['empty', 0],
  ])('%s tells how many members it had to reach: %i', async (text, size) => {
    const { world, metrics } = measured()
    await world.open('a=', 'b=', 'c=')

    await world.receive('a=', text)

    expect(metrics.records.filter(([name]) => name === 'fanOutSize')).toEqual([['fanOutSize', size, 'Count']])
  })

  test('that the sender serves tells how long it took; one that reaches nobody does not', async () => {
    const { world, metrics } = measured()
    await world.open('a=', 'b=')

    await world.receive('a=', 'hello')
    await world.receive('a=', 'empty')

    expect(metrics.records.filter(([name]) => name === 'fanOutLag')).toEqual([
      ['fanOutLag', 0, 'Milliseconds'],
    ])
  })

  test('to a large group tells its lag for each range, from the send until a worker has served it', async () => {
    const { world, metrics } = measured(
      { fanOut: { inlineMembers: 100, rangeMembers: 25, maxRanges: 8 } },
      100,
    )
    await world.open(...Array.from({ length: 400 }, (_, index) => `m${index}=`))
    await world.receive('m0=', 'frame')
    metrics.records.length = 0

    await world.clock.advance(7_000)
    await world.deliver()
    expect(metrics.valuesOf('fanOutLag').length).toBeGreaterThan(0)
    await world.clock.advance(2_000)
    await world.deliverAll()

    // Ranges that were cut again are as old as those they were cut from.
    expect(new Set(metrics.valuesOf('fanOutLag'))).toEqual(new Set([7_000]))
    expect(metrics.valuesOf('fanOutSize')).toEqual([])
  })

  test('whose sender had no time counts from the send as well', async () => {
    const { world, metrics } = measured()
    await world.open('a=', 'b=')
    await world.receive('a=', 'frame', { context: { getRemainingTimeInMillis: () => 0 } })
    expect(metrics.valuesOf('fanOutLag')).toEqual([])

    await world.clock.advance(3_000)
    await world.deliverAll()

    expect(metrics.valuesOf('fanOutLag')).toEqual([3_000])
  })

  test('of an older version, which does not tell when it was made, is served, and has no lag', async () => {
    const { world, metrics } = measured()
    await world.open('a=', 'b=')
    const task = { kind: 'group', group: 'room', exclude: [], frame: 'from before' } as const
    const delivery: QueuedDelivery = { task, endpoint: 'https://x.example/prod', attempt: 0 }

    await world.deliverBodies(JSON.stringify(delivery))

    expect(['a=', 'b='].map((id) => world.frames(id))).toEqual([['from before'], ['from before']])
    expect(metrics.records).toEqual([])
  })

  test('from a clock that is ahead has no lag below zero', async () => {
    const { world, metrics } = measured()
    await world.open('a=')
    const sentAt = world.clock.now() + 5_000
    const task = { kind: 'group', group: 'room', exclude: [], frame: 'x', sentAt } as const

    await world.deliverBodies(JSON.stringify({ task, endpoint: 'https://x.example/prod', attempt: 0 }))

    expect(metrics.valuesOf('fanOutLag')).toEqual([0])
  })
})

type Make = (
  application: Application,
  runtime: Runtime,
) => (event: unknown, context?: never) => Promise<unknown>

const handlers: readonly (readonly [name: string, make: Make])[] = [
  ['createWebsocketHandler', createWebsocketHandler],
  ['createDeliveryHandler', createDeliveryHandler],
  ['createSerialHandler', createSerialHandler],
  ['createHttpHandler', createHttpHandler],
  ['createWorkerHandler', createWorkerHandler],
]

describe.each(handlers)('each invocation of %s', (_, make) => {
  const endpoint = 'https://abc.execute-api.eu-west-1.amazonaws.com/prod'
  const context = { getRemainingTimeInMillis: () => 60_000 } as never

  test('flushes at its end, even if it throws', async () => {
    const { world, metrics } = measured({ endpoint })
    const handler = make(Caller.asApplication() as Application, world.runtime)

    await expect(handler('no event', context)).rejects.toThrow('this is no event')
    await expect(handler('no event', context)).rejects.toThrow('this is no event')

    expect(metrics.flushed).toHaveLength(2)
  })

  test('tells the runtime at its beginning, with its context', async () => {
    const begun: unknown[] = []
    const { world } = measured({ endpoint, onInvocation: (given) => void begun.push(given) })
    const handler = make(Caller.asApplication() as Application, world.runtime)

    await expect(handler('no event', context)).rejects.toThrow('this is no event')

    expect(begun).toEqual([context])
  })
})

test('neither metrics nor onInvocation can fail an invocation: it is logged', async () => {
  const error = new Error('no')
  const { world } = measured({
    metrics: { count() {}, flush: () => Promise.reject(error) },
    onInvocation: () => {
      throw error
    },
  })

  expect(await world.connect('a=')).toEqual({ statusCode: 200 })

  expect(world.logged('error').map(({ message, details }) => [message, details])).toEqual([
    ['onInvocation failed', { error }],
    ['metrics could not be flushed', { error }],
  ])
})

test('an onInvocation that is asynchronous and fails is logged', async () => {
  const error = new Error('no')
  // As who has no linter may write it.
  const { world } = measured({ onInvocation: () => Promise.reject(error) })

  expect(await world.connect('a=')).toEqual({ statusCode: 200 })

  await expect
    .poll(() => world.logged('error'))
    .toMatchObject([{ message: 'onInvocation failed', details: { error } }])
})

test('a flush that never ends does not keep the result until Lambda ends the invocation', async () => {
  const { world } = measured({ metrics: { count() {}, flush: () => new Promise(() => {}) } })
  const context = { getRemainingTimeInMillis: () => 0 }

  expect(await world.connect('a=', { context })).toEqual({ statusCode: 200 })

  expect(world.logged('error')).toMatchObject([
    { message: expect.stringContaining('metrics were not flushed before the time was over') },
  ])
})

test('a flush that is asynchronous has a moment, even if the time is over', async () => {
  let isFlushed = false
  const flush = async (): Promise<void> => {
    await new Promise((resolve) => setImmediate(resolve))
    isFlushed = true
  }
  const { world } = measured({ metrics: { count() {}, flush } })

  await world.connect('a=', { context: { getRemainingTimeInMillis: () => 0 } })

  expect([isFlushed, world.logged('error')]).toEqual([true, []])
})

test('metrics that only count are enough', async () => {
  const counts: string[] = []
  const { world } = measured({ metrics: { count: (name) => void counts.push(name) } })
  await world.connect('a=')
  await world.receive('a=', 'hello')

  expect(counts).toEqual(expect.arrayContaining(['connected', 'received', 'delivered']))
})
