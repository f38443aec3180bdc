import { expect, test } from 'vitest'
import { StoreError } from '../../../shared/errors.ts'
import { Deadline, type LambdaContext } from '../../../shared/gateway/deadline.ts'
import type { ChannelStore } from '../../../shared/stores/channel-store.ts'
import { GatewayWorld } from '../../support/gateway-world.ts'
import { RoomConsumer } from '../../support/room-consumer.ts'

/** The last moment in which an invocation may begin something: 50 ms later its time is over. */
const almostOver: LambdaContext = { getRemainingTimeInMillis: () => 2_550 }

/** As much time as `almostOver`, and none left from then on. */
function runningOut(): LambdaContext {
  const end = performance.now() + 2_550
  return { getRemainingTimeInMillis: () => end - performance.now() }
}

/** Makes `method` of the world's store give no answer, from the `skip`th call on. */
function hang(world: GatewayWorld, method: keyof ChannelStore, skip = 0): void {
  let calls = 0
  const store = new Proxy(world.store, {
    get: (target, name) => {
      const real = target[name as keyof ChannelStore] as (...args: unknown[]) => unknown
      if (name !== method) return real
      return (...args: unknown[]) => (calls++ < skip ? real(...args) : new Promise(() => {}))
    },
  })
  Object.assign(world.runtime, { store })
}

function idsOf(count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => `m${index}=`)
}

test('a read that is not answered is a StoreError when the time is over', async () => {
  await expect(new Deadline(almostOver).bound(new Promise(() => {}))).rejects.toThrow(StoreError)
})

test('a read that is answered, or fails, in time is left alone', async () => {
  const deadline = new Deadline({ getRemainingTimeInMillis: () => 60_000 })

  expect(await deadline.bound(Promise.resolve(7))).toBe(7)
  await expect(deadline.bound(Promise.reject(new Error('broken')))).rejects.toThrow('broken')
})

test('work with a grace that begins when the time is over has a moment, and no whole grace', async () => {
  const over = new Deadline({ getRemainingTimeInMillis: () => -60_000 })
  await expect.poll(() => over.signal?.aborted).toBe(true)
  const soon = new Promise((resolve) => setTimeout(() => resolve('done'), 20))

  expect(await over.orElse(soon, () => 'late', 60_000)).toBe('done')
  expect(await over.orElse(new Promise(() => {}), () => 'late', 60_000)).toBe('late')
})

test('frames that wait are in the queue before Lambda ends a handler that does not end', async () => {
  const never = Promise.withResolvers<void>()
  class TestConsumer extends RoomConsumer {
    override async receive(text: string): Promise<void> {
      await this.send(text)
      await never.promise
      await this.send('too late')
    }
  }
  const world = new GatewayWorld({ application: TestConsumer.asApplication() })
  await world.open('a=')
  world.poster.answerNext('a=', 'throttled')

  const handled = world.receive('a=', 'hello', { context: almostOver })
  await expect.poll(() => world.queue.size, { timeout: 10_000 }).toBe(1)

  never.resolve()
  await handled
  await world.deliverAll()
  expect(world.frames('a=')).toEqual(['hello', 'too late'])
})

test('a frame whose post hangs beside a handler that hangs is in the queue as well', async () => {
  const never = Promise.withResolvers<void>()
  class TestConsumer extends RoomConsumer {
    override async receive(text: string): Promise<void> {
      void this.send(text)
      await never.promise
    }
  }
  const world = new GatewayWorld({ application: TestConsumer.asApplication() })
  await world.open('a=')
  world.poster.answerNext('a=', 'hang')

  const handled = world.receive('a=', 'hello', { context: almostOver })
  await expect.poll(() => world.queue.size, { timeout: 10_000 }).toBe(1)

  never.resolve()
  await handled
  expect(world.queue.size).toBe(1)
})

test.each([
  ['first', 0, 0],
  ['third', 2, 20],
])('a group whose %s page is never answered waits in the queue', async (_, skip, reached) => {
  class TestConsumer extends RoomConsumer {
    override async receive(text: string): Promise<void> {
      await this.channelLayer.groupSendFrame('room', text)
    }
  }
  const world = new GatewayWorld({ application: TestConsumer.asApplication(), pageSize: 10 })
  const ids = idsOf(33)
  await world.open(...ids)
  const { store } = world.runtime
  hang(world, 'members', skip)

  await world.receive('m0=', 'hello', { context: runningOut() })
  expect(ids.filter((id) => world.frames(id).length > 0)).toHaveLength(reached)
  expect(world.failures).toEqual([])

  Object.assign(world.runtime, { store })
  await world.deliverAll()
  expect(ids.map((id) => world.frames(id))).toEqual(ids.map(() => ['hello']))
})

test('a group whose records are never answered waits in the queue', async () => {
  const world = new GatewayWorld({ application: RoomConsumer.asApplication() })
  const ids = idsOf(5)
  await world.open(...ids)
  world.coldStart()
  const { store } = world.runtime
  hang(world, 'loadMany')

  await world.receive('m0=', 'hello', { context: runningOut() })
  expect(world.queue.size).toBe(1)

  Object.assign(world.runtime, { store })
  await world.deliverAll()
  expect(ids.map((id) => world.frames(id))).toEqual(ids.map(() => ['hello']))
})

/** Sends to its room, and writes down whose `disconnect()` ran. */
function leaving(disconnect: (channelName: string) => Promise<void>): GatewayWorld {
  class TestConsumer extends RoomConsumer {
    override async receive(text: string): Promise<void> {
      await this.channelLayer.groupSendFrame('room', text)
    }
    override async disconnect(): Promise<void> {
      await disconnect(this.channelName)
    }
  }
  return new GatewayWorld({ application: TestConsumer.asApplication() })
}

test('disconnect() of members found dead does not wait for that of others', async () => {
  const left: string[] = []
  const both = Promise.withResolvers<void>()
  const world = leaving(async (channelName) => {
    if (left.push(channelName) === 2) both.resolve()
    await both.promise
  })
  await world.open('a=', 'b=', 'c=')
  for (const id of ['b=', 'c=']) world.vanish(id)

  await world.receive('a=', 'hello')

  expect(left.toSorted()).toEqual(['b=', 'c='])
})

test('disconnect() that there is no time for is logged and counted, and what waits is in the queue', async () => {
  const left: string[] = []
  let remaining = 60_000
  const world = leaving(async (channelName) => {
    left.push(channelName)
    remaining = 0
  })
  const dead = idsOf(40)
  await world.open('a=', 'late=', ...dead)
  for (const id of dead) world.vanish(id)
  world.poster.answerNext('late=', 'throttled')

  await world.receive('a=', 'hello', { context: { getRemainingTimeInMillis: () => remaining } })

  expect(left.length).toBeGreaterThan(0)
  expect(left.length + world.count('disconnectSkipped')).toBe(40)
  expect(world.count('disconnectSkipped')).toBeGreaterThan(0)
  expect(world.logged('error')).toHaveLength(1)
  expect(world.logged('error')[0]?.message).toContain('disconnect() did not run')
  await world.deliverAll()
  expect(world.frames('late=')).toEqual(['hello'])
})

test.each(['get', 'load'])(
  'a delivery ends with its invocation when %s is never answered, and is not lost',
  async (call) => {
    const world = new GatewayWorld({ application: RoomConsumer.asApplication() })
    await world.connect('a=')
    if (call === 'load') hang(world, 'load')
    world.poster.answerNext('a=', call === 'get' ? 'hang' : 'gone')
    const connectedAt = world.clock.now()
    const task = { kind: 'frames', connectionId: 'a=', connectedAt, frames: ['hello'] } as const
    await world.queue.enqueue([
      { task, endpoint: 'https://a.execute-api.eu-west-1.amazonaws.com/p', attempt: 1 },
    ])

    const { batchItemFailures } = await world.deliver(almostOver)

    expect(world.frames('a=')).toEqual([])
    expect(batchItemFailures.length + world.queue.size).toBe(1)
  },
)
