import { describe, expect, test } from 'vitest'
import { ConfigurationError } from '../../../shared/errors.ts'
import { Capacities } from '../../../shared/layers/capacity.ts'
import { MessageRules } from '../../../shared/layers/message-rules.ts'

function fits(pattern: string | RegExp, channelName: string): boolean {
  return new Capacities(1, [[pattern, 2]]).of(channelName) === 2
}

// As Python's fnmatch.fnmatchcase decides.
test.each<[string, readonly string[], readonly string[]]>([
  ['http.*', ['http.', 'http.request', 'http.a!b'], ['http', 'xhttp.a', 'HTTP.a']],
  ['*', ['', 'a', 'a!b'], []],
  ['**a**', ['a', 'bab'], ['b']],
  ['a?c', ['abc', 'a!c'], ['ac', 'abbc']],
  ['*!*', ['a!b', 'a!'], ['ab']],
  ['[abc]x', ['ax', 'cx'], ['dx', 'x', '[abc]x']],
  ['[a-c]x', ['bx'], ['dx', '-x']],
  ['[!a-c]x', ['dx', '!x'], ['ax', 'x']],
  ['[]a]x', [']x', 'ax'], ['bx']],
  ['[!]a]x', ['bx'], [']x', 'ax']],
  ['[^a]x', ['^x', 'ax'], ['bx']],
  ['[a-]x', ['ax', '-x'], ['bx']],
  ['[-a]x', ['ax', '-x'], ['bx']],
  ['[a-c-e]', ['b', '-', 'e'], ['d']],
  ['[--0]', ['-', '.', '0'], ['1']],
  ['[!-]', ['a'], ['-']],
  ['[[]', ['['], [']']],
  ['*a*a*b', ['aab', 'xaxaxb'], ['ab', 'aabx']],
  ['[\\]x', ['\\x'], ['x']],
  ['[*]', ['*'], ['a']],
  ['[x', ['[x'], ['x']],
  ['[]', ['[]'], [']', '']],
  ['[!]', ['[!]'], ['!']],
  ['a.c', ['a.c'], ['abc']],
  ['a(b)+|{1}$^/', ['a(b)+|{1}$^/'], ['ab']],
])('the glob %s fits the whole name', (glob, fitting, others) => {
  expect(fitting.filter((name) => !fits(glob, name))).toEqual([])
  expect(others.filter((name) => fits(glob, name))).toEqual([])
})

describe('a RegExp', () => {
  test('may fit anywhere in the name', () => {
    expect(fits(/bulk/, 'my.bulk.channel')).toBe(true)
    expect(fits(/^bulk/, 'my.bulk.channel')).toBe(false)
    expect(fits(/BULK/i, 'my.bulk.channel')).toBe(true)
  })

  test.each(['g', 'y', 'gy'])('with the flag %s decides the same each time, and is left alone', (flags) => {
    const pattern = new RegExp('bulk', flags)
    const capacities = new Capacities(1, [[pattern, 2]])

    expect([1, 2, 3].map(() => capacities.of('bulk.a'))).toEqual([2, 2, 2])
    expect(pattern.lastIndex).toBe(0)
    pattern.lastIndex = 3
    expect(capacities.of('bulk.a')).toBe(2)
    expect(pattern.lastIndex).toBe(3)
  })
})

test('patterns may be the entries of a Map, in its order', () => {
  const capacities = new Capacities(
    9,
    new Map<string | RegExp, number>([
      ['a.*', 1],
      [/./, 2],
    ]),
  )

  expect(['a.b', 'b.a'].map((name) => capacities.of(name))).toEqual([1, 2])
})

test.each<[string, () => unknown, string]>([
  ['a capacity of 0', () => new Capacities(0), 'capacity is 0: use a whole number from 1'],
  ['a capacity that is no number', () => new Capacities('5' as never), 'capacity is "5"'],
  [
    'a pattern without a capacity',
    () => new Capacities(1, [['a'] as never]),
    'channelCapacity of "a" is undefined',
  ],
  ['half a message', () => new Capacities(1, [[/a/g, 0.5]]), 'channelCapacity of /a/g is 0.5'],
  [
    'a glob that is none',
    () => new Capacities(1, [['[z-a]', 1]]),
    'has the pattern "[z-a]", which is no glob',
  ],
  ['a pattern that is none', () => new Capacities(1, [[7 as never, 1]]), 'has a number as a pattern'],
  ['an expiry of 0', () => new MessageRules({ expirySeconds: 0 }), 'expirySeconds is 0'],
  ['an endless expiry', () => new MessageRules({ expirySeconds: Infinity }), 'expirySeconds is Infinity'],
  ['a group expiry below 0', () => new MessageRules({ groupExpirySeconds: -1 }), 'groupExpirySeconds is -1'],
])('%s is a ConfigurationError that says what to set', (_, make, message) => {
  expect(make).toThrow(ConfigurationError)
  expect(make).toThrow(message)
})
