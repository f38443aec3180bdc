import { afterEach, expect, test, vi } from 'vitest'
import { createReadableLogger, type LogLevel } from '../../../shared/lambda/readable-logger.ts'

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

test.each<[LogLevel, readonly string[]]>([
  ['debug', levels],
  ['info', ['info', 'warn', 'error']],
  ['error', ['error']],
])('at "%s" these levels are written: %j', (level, written) => {
  const lines = watchConsole()
  const logger = createReadableLogger(level)

  for (const each of levels) logger[each]('hello')

  expect(lines.map((line) => line.level)).toEqual(written)
})

test('a line of development is for people', () => {
  const lines = watchConsole()

  createReadableLogger('info').info('hello', { a: 1 })

  expect(lines).toEqual([{ level: 'info', args: ['info: hello { a: 1 }'] }])
})
