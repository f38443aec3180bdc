import { expect, test } from 'vitest'
import { isUnchanged, stateChanges } from '../../../shared/state-changes.ts'

test.each([
  ['nothing', { a: 1, b: [1] }, { a: 1, b: [1] }, { set: {}, remove: [] }],
  ['a key that is new', { a: 1 }, { a: 1, b: 2 }, { set: { b: 2 }, remove: [] }],
  ['a key that differs', { a: 1, b: { c: 1 } }, { a: 1, b: { c: 2 } }, { set: { b: { c: 2 } }, remove: [] }],
  ['a key that is gone', { a: 1, b: 2 }, { a: 1 }, { set: {}, remove: ['b'] }],
  ['null, which is a value', { a: null }, { a: 0 }, { set: { a: 0 }, remove: [] }],
  [
    'a new key with the value of an inherited one',
    {},
    { constructor: 1 },
    { set: { constructor: 1 }, remove: [] },
  ],
])('changes: %s', (_, before, after, changes) => {
  expect(stateChanges(before, after)).toEqual(changes)
})

test('a key named __proto__ is a key like any other', () => {
  const after = JSON.parse('{"__proto__":{"a":1}}') as Record<string, never>
  const { set } = stateChanges({}, after)

  expect(Object.keys(set)).toEqual(['__proto__'])
})

test('nothing to write is unchanged; a removal is not', () => {
  expect(isUnchanged({ set: {}, remove: [] })).toBe(true)
  expect(isUnchanged({ set: {}, remove: ['a'] })).toBe(false)
  expect(isUnchanged({ set: { a: 1 }, remove: [] })).toBe(false)
})
