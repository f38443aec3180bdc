import { EventEmitter } from 'node:events'
import { expect, test, vi } from 'vitest'
import { shutDownOnSignals } from '../../../local/dev-shutdown.ts'
import { ManualClock } from '../../../shared/testing/manual-clock.ts'

function process(close: () => Promise<void>, parentId?: () => number) {
  const signals = new EventEmitter()
  const clock = new ManualClock()
  const exits: number[] = []
  const problems: string[] = []
  const closing = vi.fn<() => Promise<void>>(close)
  const exit = (code: number): void => void exits.push(code)
  const problem = (text: string): void => void problems.push(text)
  shutDownOnSignals({ signals, close: closing, exit, problem, clock, parentId })
  return { signals, clock, exits, problems, closing }
}

const never = (): Promise<void> => new Promise(() => undefined)

test.each(['SIGINT', 'SIGTERM', 'SIGHUP'])('%s closes, then exits with 0', async (signal) => {
  const closed = Promise.withResolvers<void>()
  const { signals, exits, clock, problems } = process(() => closed.promise)

  signals.emit(signal)
  await clock.advance(100)
  const exitsWhileClosing = [...exits]
  closed.resolve()
  await clock.advance(0)

  expect([exitsWhileClosing, exits, problems]).toEqual([[], [0], []])
})

test('what does not close in time is cut off, and said', async () => {
  const { signals, exits, clock, problems } = process(never)

  signals.emit('SIGTERM')
  await clock.advance(1_499)
  const exitsBefore = [...exits]
  await clock.advance(1)

  expect([exitsBefore, exits]).toEqual([[], [0]])
  expect(problems[0]).toContain('longer than 1500 ms')
})

test('a close that fails is said, and is exit 1', async () => {
  const { signals, exits, clock, problems } = process(() => Promise.reject(new Error('stuck')))

  signals.emit('SIGINT')
  await clock.advance(0)

  expect([exits, problems]).toEqual([[1], ['closing failed: Error: stuck']])
})

test('a second SIGINT exits at once', async () => {
  const { signals, exits, clock, closing } = process(never)

  signals.emit('SIGINT')
  await clock.advance(300)
  signals.emit('SIGINT')

  expect(exits).toEqual([130])
  expect(closing).toHaveBeenCalledTimes(1)
})

test('one Ctrl-C that arrives twice, as under npm, closes in good order', async () => {
  const closed = Promise.withResolvers<void>()
  const { signals, exits, clock, closing } = process(() => closed.promise)

  signals.emit('SIGINT')
  await clock.advance(20)
  signals.emit('SIGINT')
  signals.emit('SIGTERM')
  const exitsWhileClosing = [...exits]
  closed.resolve()
  await clock.advance(0)

  expect([exitsWhileClosing, exits]).toEqual([[], [0]])
  expect(closing).toHaveBeenCalledTimes(1)
})

test('the end of the parent process is as good as a SIGTERM', async () => {
  let parent = 42
  const { exits, clock } = process(
    () => Promise.resolve(),
    () => parent,
  )

  await clock.advance(60_000)
  const exitsBefore = [...exits]
  parent = 1
  await clock.advance(200)

  expect([exitsBefore, exits]).toEqual([[], [0]])
})
