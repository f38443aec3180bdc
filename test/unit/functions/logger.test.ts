import { afterEach, expect, test, vi } from 'vitest'
import { createLogger } from '../../../functions/logger.ts'
import { StoreError } from '../../../shared/errors.ts'

const levels = ['debug', 'info', 'warn', 'error'] as const

function watchConsole(): { readonly level: string; readonly args: readonly unknown[] }[] {
  const lines: { readonly level: string; readonly args: readonly unknown[] }[] = []
  for (const level of levels) {
    vi.spyOn(console, level).mockImplementation((...args: unknown[]) => void lines.push({ level, args }))
  }
  return lines
}

afterEach(() => {
  vi.restoreAllMocks()
})

test.each([
  ['debug', levels],
  ['info', ['info', 'warn', 'error']],
  ['error', ['error']],
] as const)('at "%s" these levels are written: %j', (level, written) => {
  const lines = watchConsole()
  const logger = createLogger(level, false)

  for (const each of levels) logger[each]('hello')

  expect(lines.map((line) => line.level)).toEqual([...written])
})

test('a line of production is one JSON object, with the error, its code and its cause', () => {
  const lines = watchConsole()
  const cause = new TypeError('socket hang up')

  createLogger('info', false).error('it failed', {
    channelName: 'a=',
    error: new StoreError('no table', { retryable: false, cause }),
  })

  expect(JSON.parse(String(lines[0]?.args[0]))).toMatchObject({
    level: 'error',
    message: 'it failed',
    channelName: 'a=',
    error: {
      name: 'StoreError',
      code: 'STORE_FAILED',
      message: 'no table',
      stack: expect.any(String),
      cause: { name: 'TypeError', message: 'socket hang up' },
    },
  })
})

test.each([
  ['a cycle', () => ({ self: {} })],
  ['a bigint', () => ({ big: 1n })],
])('details with %s are written all the same: a log line must not fail the event', (_, make) => {
  const lines = watchConsole()
  const details: Record<string, unknown> = make()
  if ('self' in details) details['self'] = details

  createLogger('info', false).error('it failed', details)

  expect(JSON.parse(String(lines[0]?.args[0]))).toMatchObject({ level: 'error', message: 'it failed' })
})

test('a line of development is for people', () => {
  const lines = watchConsole()

  createLogger('info', true).info('hello', { a: 1 })

  expect(lines).toEqual([{ level: 'info', args: ['info: hello { a: 1 }'] }])
})
