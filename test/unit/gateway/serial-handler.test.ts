import { expect, test } from 'vitest'
import { ConfigurationError, InvalidEventError } from '../../../shared/errors.ts'
import type { LambdaContext } from '../../../shared/gateway/deadline.ts'
import type { RuntimeOptions } from '../../../shared/gateway/runtime.ts'
import { serialBody, type SerialEvent } from '../../../shared/serial-body.ts'
import { RoomConsumer } from '../../support/room-consumer.ts'
import {
  endRecord,
  frameRecord,
  recordOf,
  type SerialRecord,
  SerialWorld,
} from '../../support/serial-world.ts'
import { connectEvent, messageEvent } from '../../support/websocket-events.ts'
import { failuresOf } from '../../support/worker-world.ts'

/** The time of an invocation with it is over from the beginning. */
const overAlready: LambdaContext = { getRemainingTimeInMillis: () => 2_000 }

/** What each connection's consumer began and ended, in order. */
class Diary {
  readonly lines: string[] = []
  readonly #gates = new Map<string, PromiseWithResolvers<void>>()

  /** Its handler does not end before {@link open}. */
  hold(text: string): void {
    this.#gates.set(text, Promise.withResolvers())
  }

  open(text: string): void {
    this.#gates.get(text)?.resolve()
  }

  world(runtime: Partial<RuntimeOptions> = {}): SerialWorld {
    const { lines } = this
    const gates = this.#gates
    class DiaryConsumer extends RoomConsumer {
      override async receive(text: string): Promise<void> {
        lines.push(`begin ${text}`)
        await gates.get(text)?.promise
        if (text === 'throw') throw new Error('broken')
        await this.send(text)
        lines.push(`end ${text}`)
      }
      override async disconnect(code: number, reason: string): Promise<void> {
        lines.push(`disconnect ${code} ${reason}`)
      }
    }
    return new SerialWorld(DiaryConsumer.asApplication(), runtime)
  }
}

test('frames of one connection are handled one after the other, in the order of the queue', async () => {
  const diary = new Diary()
  diary.hold('1')
  const world = diary.world()
  await world.open('a=')

  const served = world.serve(['1', '2', '3'].map((text, index) => frameRecord(`m${index}`, 'a=', text)))
  await expect.poll(() => diary.lines).toEqual(['begin 1'])
  diary.open('1')

  expect(failuresOf(await served)).toEqual([])
  expect(diary.lines).toEqual(['begin 1', 'end 1', 'begin 2', 'end 2', 'begin 3', 'end 3'])
  expect(world.frames('a=')).toEqual(['1', '2', '3'])
})

test('frames of other connections do not wait', async () => {
  const diary = new Diary()
  diary.hold('slow')
  const world = diary.world()
  await world.open('a=', 'b=')

  const served = world.serve([
    frameRecord('m0', 'a=', 'slow'),
    frameRecord('m1', 'b=', 'quick'),
    frameRecord('m2', 'a=', 'behind'),
  ])
  await expect.poll(() => world.frames('b=')).toEqual(['quick'])
  expect(world.frames('a=')).toEqual([])
  diary.open('slow')
  await served

  expect(world.frames('a=')).toEqual(['slow', 'behind'])
})

test('a $disconnect runs behind the frames, with its code and reason', async () => {
  const diary = new Diary()
  const world = diary.world()
  await world.open('a=')

  await world.serve([
    frameRecord('m0', 'a=', 'last'),
    endRecord('m1', 'a=', { requestContext: { disconnectReason: 'I am done' } }),
  ])

  expect(diary.lines).toEqual(['begin last', 'end last', 'disconnect 4001 I am done'])
  expect(await world.members('room')).toEqual([])
})

test('a handler that throws is handled as ever: logged, the connection ended, nothing handed out again', async () => {
  const diary = new Diary()
  const world = diary.world()
  await world.open('a=')

  const result = await world.serve([frameRecord('m0', 'a=', 'throw'), frameRecord('m1', 'a=', 'behind')])

  expect(failuresOf(result)).toEqual([])
  expect(diary.lines).toEqual(['begin throw', 'disconnect 1011 '])
  expect(world.count('handlerFailed')).toBe(1)
  expect(world.count('messageWithoutRecord')).toBe(1)
  expect(world.poster.closed).toContain('a=')
})

test('what there is no time for is handed out again, unstarted, and told', async () => {
  const diary = new Diary()
  const world = diary.world()
  await world.open('a=', 'b=')

  const result = await world.serve(
    [frameRecord('m0', 'a=', '1'), frameRecord('m1', 'b=', '1'), frameRecord('m2', 'a=', '2')],
    overAlready,
  )

  expect(failuresOf(result).toSorted()).toEqual(['m0', 'm1', 'm2'])
  expect(diary.lines).toEqual([])
  expect(world.count('serialNotStarted')).toBe(3)
  expect(world.logged('warn')).toMatchObject([
    { details: { channelName: 'a=', count: 2, receiveCount: 1 } },
    { details: { channelName: 'b=', count: 1 } },
  ])
})

test.each([
  ['3', 'warn'],
  ['4', 'error'],
] as const)(
  'what was handed out %s times and still finds no time is told at %s, with the count',
  async (receiveCount, level) => {
    const world = new Diary().world()
    await world.open('a=')
    const again = { MessageGroupId: 'a=', ApproximateReceiveCount: receiveCount }

    await world.serve(
      [frameRecord('m0', 'a=', '1'), { ...frameRecord('m1', 'a=', '2'), attributes: again }],
      overAlready,
    )

    const details = { channelName: 'a=', count: 2, receiveCount: Number(receiveCount) }
    expect(world.logged(level)).toMatchObject([{ details }])
  },
)

test('when the time is over in the middle, what was handled is done and all behind it is handed out again', async () => {
  const diary = new Diary()
  const world = diary.world()
  await world.open('a=')

  const result = await world.serve(
    ['1', '2', '3'].map((text, index) => frameRecord(`m${index}`, 'a=', text)),
    // The first frame takes all of the time.
    { getRemainingTimeInMillis: () => (diary.lines.includes('begin 1') ? 2_000 : 60_000) },
  )

  expect(failuresOf(result)).toEqual(['m1', 'm2'])
  expect(diary.lines).toEqual(['begin 1', 'end 1'])
})

test('none is begun when less time is left than the longest one of this invocation took', async () => {
  const diary = new Diary()
  const world = diary.world()
  await world.open('a=')
  // Of 10 seconds 2.5 are kept back, and each event takes 3.
  const left = (): number => 10_000 - 3_000 * diary.lines.filter((line) => line.startsWith('end')).length

  const result = await world.serve(
    ['1', '2', '3', '4'].map((text, index) => frameRecord(`m${index}`, 'a=', text)),
    { getRemainingTimeInMillis: left },
  )

  expect(failuresOf(result)).toEqual(['m2', 'm3'])
  expect(diary.lines).toEqual(['begin 1', 'end 1', 'begin 2', 'end 2'])

  // Less than that, but it is the first.
  await world.serve([frameRecord('m2', 'a=', '3')], { getRemainingTimeInMillis: () => 5_000 })

  expect(diary.lines.slice(4)).toEqual(['begin 3', 'end 3'])
})

test('a handler that does not end is left alone, and costs only its own connection the rest of the batch', async () => {
  const diary = new Diary()
  diary.hold('hangs')
  const world = diary.world()
  await world.open('a=', 'b=')
  const end = performance.now() + 2_600

  const result = await world.serve(
    [frameRecord('m0', 'a=', 'hangs'), frameRecord('m1', 'b=', 'quick'), frameRecord('m2', 'a=', 'behind')],
    { getRemainingTimeInMillis: () => end - performance.now() },
  )

  expect(failuresOf(result)).toEqual(['m2'])
  expect(world.frames('b=')).toEqual(['quick'])
  expect(world.count('serialUnfinished')).toBe(1)
  expect(world.logged('error')).toContainEqual(
    expect.objectContaining({
      message: expect.stringContaining('still being handled') as string,
      details: { channelName: 'a=' },
    }),
  )
})

const unreadable: readonly (readonly [string, SerialRecord])[] = [
  ['nothing', recordOf('bad', 'a=', '')],
  ['something else', recordOf('bad', 'a=', '{"type":"chat.message"}')],
  ['a form without its fields', recordOf('bad', 'a=', 'eventType=MESSAGE&body=x')],
  ['a $connect', recordOf('bad', 'a=', serialBody(connectEvent('a=') as SerialEvent))],
]

test.each(unreadable)(
  '%s is reported alone, logged and counted; what is behind it is served',
  async (_, record) => {
    const diary = new Diary()
    const world = diary.world()
    await world.open('a=')

    const result = await world.serve([record, frameRecord('m1', 'a=', 'behind')])

    expect(failuresOf(result)).toEqual(['bad'])
    expect(world.frames('a=')).toEqual(['behind'])
    expect(world.count('serialUnreadable')).toBe(1)
    const [line] = world.logged('error')
    expect(line).toMatchObject({ details: { channelName: 'a=', messageId: 'bad', receiveCount: 1 } })
    expect(line?.details).toHaveProperty('error', expect.any(InvalidEventError))
  },
)

test('one whose address cannot be used is reported alone, and nobody else waits for it', async () => {
  const diary = new Diary()
  const world: SerialWorld = diary.world({
    createPoster: (endpoint) => {
      if (endpoint.endsWith('broken stage')) throw new ConfigurationError(`no URL: ${endpoint}`)
      return world.poster
    },
  })
  await world.open('a=', 'b=')
  const elsewhere = messageEvent('b=', 'x', { requestContext: { stage: 'broken stage' } })
  const bad = recordOf('bad', 'b=', serialBody(elsewhere as SerialEvent))

  const result = await world.serve([
    frameRecord('m0', 'a=', '1'),
    bad,
    frameRecord('m1', 'a=', '2'),
    frameRecord('m2', 'b=', '3'),
  ])

  expect(failuresOf(result)).toEqual(['bad'])
  expect(diary.lines.filter((line) => line.startsWith('end')).toSorted()).toEqual(['end 1', 'end 2', 'end 3'])
  expect(world.count('serialUnreadable')).toBe(1)
  expect(world.logged('error')).toMatchObject([{ details: { channelName: 'b=', messageId: 'bad' } }])
})

test('without its group, as emulators hand it out, a message belongs to the connection that it names', async () => {
  const diary = new Diary()
  diary.hold('1')
  const world = diary.world()
  await world.open('a=')
  const withoutGroup = (id: string, text: string): SerialRecord => ({
    ...frameRecord(id, 'a=', text),
    attributes: {},
  })

  const served = world.serve([withoutGroup('m0', '1'), withoutGroup('m1', '2')])
  await expect.poll(() => diary.lines).toEqual(['begin 1'])
  diary.open('1')
  await served

  expect(diary.lines).toEqual(['begin 1', 'end 1', 'begin 2', 'end 2'])
})

test('an event that is none of SQS is refused', async () => {
  const world = new Diary().world()

  await expect(world.serve('x' as never)).rejects.toThrow(InvalidEventError)
})
