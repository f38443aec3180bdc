import { expect, test } from 'vitest'
import { InvalidNameError } from '../../../shared/errors.ts'
import { groupName, requireChannelName, requireGroupName } from '../../../shared/names.ts'

test.each(['a', 'chat_lobby', 'chat.lobby-42', '_', 'A'.repeat(99)])('%s is a group name', (name) => {
  expect(requireGroupName(name)).toBe(name)
})

test.each([
  'L0SM9cOFvHcCIhw=',
  'JC1dgf9yoAMCK-g=',
  'a==',
  'a',
  'worker',
  'specific.abc!local',
  'a!',
  `${'a'.repeat(98)}=`,
])('%s is a channel name', (name) => {
  expect(requireChannelName(name)).toBe(name)
})

test.each([
  ['', 'is empty'],
  ['room 42', 'has " " at 4'],
  ['chat\n', 'has "\\n" at 4'],
  ['room٣', 'has "٣" at 4'],
  ['über', 'has "ü" at 0'],
  ['a🦆', 'has "🦆" at 1'],
  ['L0SM9cOFvHcCIhw=', 'has "=" at 15'],
  ['a!b', 'has "!" at 1'],
  ['a'.repeat(100), 'has 100 characters'],
])('%j is no group name, and the error says where it breaks the rule and what to do', (name, problem) => {
  expect(() => requireGroupName(name)).toThrow(InvalidNameError)
  expect(() => requireGroupName(name)).toThrow(problem)
  expect(() => requireGroupName(name)).toThrow(
    'use 1 to 99 letters, digits, "-", "_" and "."; groupName() makes a safe one',
  )
})

test.each([
  ['', 'is empty'],
  ['chat\n', 'has "\\n" at 4'],
  ['=', 'has "=" at 0'],
  ['a=b', 'has "=" at 1'],
  ['a===', 'has "=" at 1'],
  ['a!b!c', 'has "!" at 1'],
  ['a!b=', 'has "!" at 1'],
  ['!b', 'has "!" at 0'],
  ['id٣=', 'has "٣" at 2'],
  [`${'a'.repeat(99)}=`, 'has 100 characters'],
])('%j is no channel name', (name, problem) => {
  expect(() => requireChannelName(name)).toThrow(InvalidNameError)
  expect(() => requireChannelName(name)).toThrow(problem)
})

test('the error for a very long name does not repeat all of it', () => {
  expect(() => requireGroupName(' '.repeat(10_000))).toThrow(/^group name ".{120}…" has/)
})

test.each([undefined, null, 42, ['room'], { toString: () => 'room' }])(
  '%j is no name, whatever it looks like',
  (name) => {
    expect(() => requireGroupName(name as never)).toThrow(/not a string/)
    expect(() => requireChannelName(name as never)).toThrow(/not a string/)
  },
)

test.each([
  ['lobby', 'chat_lobby'],
  ['a-b_c', 'chat_a-b_c'],
  [42, 'chat_42'],
  ['', /^chat_\.[\w-]{22}$/],
  ['room 42', /^chat_room-42\.[\w-]{22}$/],
  ['a.b', /^chat_a-b\.[\w-]{22}$/],
  ['x'.repeat(200), /^chat_x{30}\.[\w-]{22}$/],
])('groupName makes a name out of %j', (input, name) => {
  expect(groupName('chat', input)).toMatch(name)
})

test('groupName is stable, so that all containers agree', () => {
  expect(groupName('chat', 'Grüße & Küsse')).toBe('chat_Gr-e-K-sse.yVN_668_-SyUxWOtWE7tHV')
})

test('names that differ only in a lone surrogate are different groups', () => {
  expect(groupName('chat', '\ud800')).not.toBe(groupName('chat', '\ud801'))
})

test.each(['', 'chat_room', 'chat.room', 'a b', 'x'.repeat(41), 'ü'])(
  '%j is no prefix of groupName',
  (prefix) => {
    expect(() => groupName(prefix, 'lobby')).toThrow(/group prefix .*use 1 to 40 letters, digits and "-"/)
  },
)
