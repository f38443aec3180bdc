import { expect, test } from 'vitest'
import { age, jsonText, plain, tableLines } from '../../../cli/text.ts'

test('a table has columns as wide as what is in them, and no blanks at the end of a line', () => {
  expect(
    tableLines(
      ['channel', 'groups'],
      [
        ['a=', 'x y'],
        ['longer-than=', ''],
      ],
    ),
  ).toEqual(['channel       groups', 'a=            x y', 'longer-than='])
})

test('what a client has sent works no terminal and stays on its line', () => {
  const text = `/ws/\u001b[2J\n\u009b31m\u202ex\ud800`

  expect(plain(text)).toBe('/ws/%1B[2J%0A%C2%9B31m%E2%80%AEx%EF%BF%BD'.replace('%EF%BF%BD', '\ufffd'))
  expect(tableLines(['path'], [[text]])).toHaveLength(2)
})

test('neither does it as JSON, which says the same when it is parsed', () => {
  const value = { path: `\u001b[2J\u009b31m\u202e\u200b\u007f é 😀` }
  const text = jsonText(value)

  expect(JSON.parse(text)).toEqual(value)
  expect(text).toMatch(/^[\n\u0020-\u007e\u00a0-\u{1ffff}]*$/u)
  expect(text).not.toMatch(/[\u200b\u202e]/)
  expect(text).toContain('é 😀')
})

test.each([
  [0, '0s'],
  [59_999, '59s'],
  [60_000, '1m'],
  [3_599_000, '59m'],
  [4_800_000, '1h 20m'],
  [-5_000, '0s'],
])('%i milliseconds ago is %s', (ms, text) => {
  expect(age(1_000_000, 1_000_000 + ms)).toBe(text)
})
