import { expect, test } from 'vitest'
import { deferredTasks } from '../../../shared/gateway/deferred-tasks.ts'

const connection = { connectionId: 'a=', connectedAt: 1 }

function cut(frames: readonly string[], close = false): readonly (readonly string[])[] {
  return deferredTasks({ ...connection, frames, close }).map((task) =>
    task.kind === 'frames' ? task.frames : [],
  )
}

test('a few frames are one task', () => {
  expect(deferredTasks({ ...connection, frames: ['1', '2'], close: false })).toEqual([
    { kind: 'frames', ...connection, frames: ['1', '2'] },
  ])
})

test('no frames and a close are one task', () => {
  expect(deferredTasks({ ...connection, frames: [], close: true })).toEqual([
    { kind: 'frames', ...connection, frames: [], close: true },
  ])
})

test('frames that do not fit into one task are cut in order, and only the last closes', () => {
  const frames = Array.from({ length: 9 }, (_, index) => String(index).repeat(60_000))

  const tasks = deferredTasks({ ...connection, frames, close: true })

  expect(cut(frames).flat()).toEqual(frames)
  expect(tasks.length).toBeGreaterThan(1)
  expect(tasks.map((task) => task.kind === 'frames' && task.close === true)).toEqual([
    ...tasks.slice(1).map(() => false),
    true,
  ])
})

test('no task is larger than a message of SQS, not even with a frame of control characters', () => {
  const worst = '\u0001'.repeat(131_072)

  for (const task of deferredTasks({ ...connection, frames: [worst, worst, 'x'], close: false })) {
    expect(Buffer.byteLength(JSON.stringify(task))).toBeLessThan(1_048_576 - 1_000)
  }
})
