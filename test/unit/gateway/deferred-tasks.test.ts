import { expect, test } from 'vitest'
import { queueJson } from '../../../shared/codec.ts'
import { MessageTooLargeError } from '../../../shared/errors.ts'
import { delaySecondsOf, framesTask, WaitingFrames } from '../../../shared/gateway/deferred-tasks.ts'

const connection = { connectionId: 'a=', connectedAt: 1 }

function waiting(...frames: readonly string[]): WaitingFrames {
  const waitingFrames = new WaitingFrames()
  for (const frame of frames) waitingFrames.add(frame)
  return waitingFrames
}

test('a few frames are a task without a close', () => {
  expect(framesTask({ ...connection, frames: ['1', '2'], close: false })).toEqual({
    kind: 'frames',
    ...connection,
    frames: ['1', '2'],
  })
})

test('a close travels with the frames before it', () => {
  expect(framesTask({ ...connection, frames: [], close: true })).toEqual({
    kind: 'frames',
    ...connection,
    frames: [],
    close: true,
  })
})

test.each([
  ['control characters', '\u0001'],
  ['characters that SQS does not take', '\uffff'],
])('the largest frame fits into one message of SQS, even one of %s', (_, character) => {
  const worst = character.repeat(Math.floor(131_072 / Buffer.byteLength(character)))

  const task = framesTask({ ...connection, frames: waiting(worst).frames, close: true })

  expect(Buffer.byteLength(queueJson(task))).toBeLessThan(1_048_576 - 1_000)
})

test('seven frames of 128 KB do not fit, and the error says what to do', () => {
  const frames = waiting(...Array.from({ length: 6 }, () => 'x'.repeat(131_072)))

  expect(() => frames.add('y'.repeat(131_072))).toThrow(MessageTooLargeError)
  expect(() => frames.add('y'.repeat(131_072))).toThrow(
    /131075 bytes as JSON.*786450 bytes that wait.*900000 bytes.*Send a large snapshot after connect\(\)/,
  )
  expect(frames.frames).toHaveLength(6)
})

test('what fills a message to the brim is still less than SQS takes', () => {
  const frames = waiting(...Array.from({ length: 100_000 }, () => 'abcdef'))

  expect(
    Buffer.byteLength(queueJson(framesTask({ ...connection, frames: frames.frames, close: true }))),
  ).toBe(900_000 - 1 + Buffer.byteLength(queueJson(framesTask({ ...connection, frames: [], close: true }))))
  expect(() => frames.add('')).toThrow(MessageTooLargeError)
})

test('once a frame had no room, no smaller one takes its place', () => {
  const frames = waiting('x'.repeat(899_000))
  expect(() => frames.add('y'.repeat(10_000))).toThrow(MessageTooLargeError)

  expect(() => frames.add('z')).toThrow(MessageTooLargeError)
  frames.take()
  expect(() => frames.add('z')).toThrow(MessageTooLargeError)
})

test('what was taken waits no longer, and makes room', () => {
  const frames = waiting('x'.repeat(800_000))

  expect(frames.take()).toHaveLength(1)
  expect(frames.frames).toEqual([])
  expect(() => frames.add('x'.repeat(800_000))).not.toThrow()
})

test('a task waits twice as long each time, five minutes at most', () => {
  expect([0, 1, 2, 8, 9, 10].map((attempt) => delaySecondsOf(attempt))).toEqual([0, 2, 4, 256, 300, 300])
})
