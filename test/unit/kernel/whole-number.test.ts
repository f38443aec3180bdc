import { expect, test } from 'vitest'
import { ConfigurationError } from '../../../shared/errors.ts'
import { requirePositive, requireWholeNumber } from '../../../shared/whole-number.ts'

test('a whole number within the range is returned', () => {
  expect([1, 7, Number.MAX_SAFE_INTEGER].map((value) => requireWholeNumber(value, 'size'))).toEqual([
    1,
    7,
    Number.MAX_SAFE_INTEGER,
  ])
  expect([0, 5].map((value) => requireWholeNumber(value, 'size', { least: 0, most: 5 }))).toEqual([0, 5])
})

test.each<[unknown, string]>([
  [0, 'size is 0: use a whole number from 1'],
  [-1, 'size is -1: use a whole number from 1'],
  [1.5, 'size is 1.5: use a whole number from 1'],
  [NaN, 'size is NaN: use a whole number from 1'],
  [Infinity, 'size is Infinity: use a whole number from 1'],
  [2 ** 53, 'size is 9007199254740992: use a whole number from 1'],
  ['5', 'size is "5": use a whole number from 1'],
  [null, 'size is null: use a whole number from 1'],
  [undefined, 'size is undefined: use a whole number from 1'],
])('%s is a ConfigurationError with name, value and rule', (value, message) => {
  expect(() => requireWholeNumber(value as number, 'size')).toThrow(new ConfigurationError(message))
})

test('the rule names both ends where there are two', () => {
  for (const value of [1, 6]) {
    expect(() => requireWholeNumber(value, 'size', { least: 2, most: 5 })).toThrow(
      `size is ${value}: use a whole number from 2 to 5`,
    )
  }
})

test('of several options the one is named that is out of range', () => {
  requirePositive({ tries: 1, sockets: 2 })

  expect(() => requirePositive({ tries: 1, sockets: 0 })).toThrow('sockets is 0: use a whole number from 1')
})
