import { expect, test } from 'vitest'
import type { GroupSendResult } from '../../../shared/channel-layer.ts'
import { StoreError } from '../../../shared/errors.ts'
import { GatewayWorld } from '../../support/gateway-world.ts'
import { RoomConsumer } from '../../support/room-consumer.ts'
import type { Answer } from '../../support/scripted-poster.ts'

const results: GroupSendResult[] = []

/** Writes down what its group sends came to, and who left. */
class TestConsumer extends RoomConsumer {
  static left: string[] = []
  override readonly groups: readonly string[] = ['room', 'lobby']
  override async receive(text: string): Promise<void> {
    const { event, exclude } = JSON.parse(text) as { event?: string; exclude?: string[] }
    const options = exclude === undefined ? {} : { exclude }
    results.push(
      event === undefined
        ? await this.channelLayer.groupSendFrame('room', 'frame', options)
        : await this.channelLayer.groupSend('room', { type: 'room.say', text: event }, options),
    )
  }
  override async disconnect(code: number): Promise<void> {
    TestConsumer.left.push(`${this.channelName} ${code}`)
  }
}

function world(): GatewayWorld {
  results.length = 0
  TestConsumer.left = []
  return new GatewayWorld({ application: TestConsumer.asApplication() })
}

const ways = [
  ['groupSend', '{"event":"hello"}'],
  ['groupSendFrame', '{}'],
] as const

test.each(ways)('%s reaches every member, the sender included, and counts them', async (_, frame) => {
  const room = world()
  await room.open('a=', 'b=', 'c=')

  await room.receive('a=', frame)

  for (const id of ['a=', 'b=', 'c=']) expect(room.frames(id)).toHaveLength(1)
  expect(results).toEqual([{ delivered: 3, deferred: 0, gone: 0, failed: 0 }])
  expect(room.count('delivered')).toBe(3)
})

test.each(ways)('%s leaves out who is excluded', async (way, frame) => {
  const room = world()
  await room.open('a=', 'b=')

  await room.receive('a=', JSON.stringify({ ...(JSON.parse(frame) as object), exclude: ['a='] }))

  expect([room.frames('a='), room.frames('b=')].map(({ length }) => length)).toEqual([0, 1])
  expect(results[0]).toMatchObject({ delivered: 1 })
  expect(way).toContain('groupSend')
})

test.each(ways)(
  'a 410 after the grace period ends record, every membership and disconnect(): %s',
  async (_, frame) => {
    const room = world()
    await room.open('a=', 'dead=')
    room.vanish('dead=')

    await room.receive('a=', frame)

    expect(results).toEqual([{ delivered: 1, deferred: 0, gone: 1, failed: 0 }])
    expect(await room.store.load('dead=')).toBeUndefined()
    expect(await room.members('room')).toEqual(['a='])
    expect(await room.members('lobby')).toEqual(['a='])
    expect(TestConsumer.left).toEqual(['dead= 1006'])
  },
)

test('disconnect() runs once for a connection that is found dead and whose $disconnect comes late', async () => {
  const room = world()
  await room.open('a=', 'dead=')
  room.vanish('dead=')

  await room.receive('a=', '{}')
  await room.disconnect('dead=')

  expect(TestConsumer.left).toEqual(['dead= 1006'])
})

test('disconnect() runs for a member that a group send found dead that nobody awaits', async () => {
  class Careless extends TestConsumer {
    override async receive(): Promise<void> {
      void this.channelLayer.groupSendFrame('room', 'frame')
    }
  }
  const room = new GatewayWorld({ application: Careless.asApplication() })
  TestConsumer.left = []
  await room.open('a=', 'dead=')
  room.vanish('dead=')

  await room.receive('a=', '')

  expect(TestConsumer.left).toEqual(['dead= 1006'])
  expect(room.frames('a=')).toEqual(['frame'])
})

test('a late message of a connection that was found dead runs no handler in the same container', async () => {
  const room = world()
  await room.open('a=', 'dead=')
  room.vanish('dead=')
  await room.receive('a=', '{}')
  results.length = 0

  await room.receive('dead=', '{}')

  expect(results).toEqual([])
  expect(room.count('messageWithoutRecord')).toBe(1)
})

test('a 410 within the grace period proves nothing, however often', async () => {
  const room = world()
  await room.open('a=')
  await room.connect('young=')
  room.poster.answer('young=', 'gone')

  for (let times = 0; times < 5; times++) await room.receive('a=', '{}')

  expect(await room.members('room')).toEqual(['a=', 'young='])
  expect(results.every(({ deferred, gone }) => deferred === 1 && gone === 0)).toBe(true)
})

test.each<Answer>(['throttled', 'forbidden', 'unavailable', 'timedOut'])(
  'an answer of "%s" never proves death, and never affects another member',
  async (answer) => {
    const room = world()
    await room.open('a=', 'b=', 'c=')
    room.poster.answer('b=', answer)

    await room.receive('a=', '{"event":"hello"}')
    await room.receive('a=', '{}')

    expect(await room.members('room')).toEqual(['a=', 'b=', 'c='])
    expect(room.frames('a=')).toEqual(['hello', 'frame'])
    expect(room.frames('c=')).toEqual(['hello', 'frame'])
    const bad = answer === 'forbidden' ? { deferred: 0, failed: 1 } : { deferred: 1, failed: 0 }
    expect(results).toEqual([
      { delivered: 2, gone: 0, ...bad },
      { delivered: 2, gone: 0, ...bad },
    ])
  },
)

test('what was throttled is delivered from the queue', async () => {
  const room = world()
  await room.open('a=', 'b=')
  room.poster.answerNext('b=', 'throttled')

  await room.receive('a=', '{"event":"hello"}')
  expect(room.frames('b=')).toEqual([])

  await room.deliverAll()
  expect(room.frames('b=')).toEqual(['hello'])
})

test('what can never be delivered is logged with its connection', async () => {
  const room = world()
  await room.open('a=', 'b=')
  room.poster.answer('b=', 'forbidden')

  await room.receive('a=', '{}')

  expect(room.logged('error')).toMatchObject([{ details: { channelName: 'b=' } }])
  expect(room.count('frameFailed')).toBe(1)
})

test('a membership that outlived its record goes with the next 410', async () => {
  const room = world()
  await room.open('a=', 'ghost=')
  await room.store.groupAdd('attic', 'ghost=')
  room.vanish('ghost=')
  room.store.fail('remove', new StoreError('throttled', { retryable: true }))
  await room.receive('a=', '{}')
  expect(room.count('cleanUpFailed')).toBe(1)
  expect(await room.members('room')).toEqual(['a='])
  expect(await room.members('lobby')).toEqual(['a=', 'ghost='])

  // The record was left by the clean-up that failed: the next send finishes it.
  await room.store.groupAdd('room', 'ghost=')
  await room.receive('a=', '{}')
  expect(await room.members('lobby')).toEqual(['a='])
  expect(await room.members('attic')).toEqual([])
})

test('a group without members is no error', async () => {
  class Lonely extends TestConsumer {
    override readonly groups: readonly string[] = []
  }
  const room = new GatewayWorld({ application: Lonely.asApplication() })
  await room.open('a=')
  results.length = 0

  await room.receive('a=', '{}')

  expect(results).toEqual([{ delivered: 0, deferred: 0, gone: 0, failed: 0 }])
})
