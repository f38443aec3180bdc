import { expect, test } from 'vitest'
import { loadFailure } from '../../../local/load-failure.ts'

const file = import.meta.filename

function thrown(stack: string): Error {
  return Object.assign(new RangeError('no table'), { stack })
}

test('an exception has the place of the first frame that is in a file', () => {
  const stack = [
    'RangeError: no table',
    '    at node:internal/process/task_queues:1:2',
    '    at read (file:///app/shared/my%20config.ts?version=3:7:11)',
    '    at file:///app/functions/websocket.ts:1:7',
  ].join('\n')

  expect(loadFailure(file, thrown(stack))).toBe(
    `cannot load ${file}: RangeError at /app/shared/my%20config.ts:7:11: no table`,
  )
})

test('a syntax error has the place that stands before its stack', () => {
  expect(
    loadFailure(file, thrown('file:///app/a.ts:3\nconst = 1\n\nSyntaxError: x\n    at file:///b.ts:1:1')),
  ).toContain('RangeError at /app/a.ts:3: no table')
})

test('without a place there is none, and what is no error is shown as it is', () => {
  expect(loadFailure(file, thrown('RangeError: no table\n    at node:internal/x:1:2'))).toBe(
    `cannot load ${file}: RangeError: no table`,
  )
  expect(loadFailure(file, 'no table')).toBe(`cannot load ${file}: no table`)
})

test('a file that is not there is said not to exist', () => {
  expect(loadFailure('/nowhere/websocket.ts', thrown('x'))).toBe(
    'cannot load /nowhere/websocket.ts: it does not exist',
  )
})
