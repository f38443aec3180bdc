import fc from 'fast-check'
import { expect, test } from 'vitest'
import { InvalidNameError } from '../../shared/errors.ts'
import { groupName, requireChannelName, requireGroupName } from '../../shared/names.ts'

const anything = fc.string({ unit: 'binary' })
const prefix = fc.stringMatching(/^[a-zA-Z0-9-]{1,40}$/)

test('groupName makes a group name out of whatever a user sends', () => {
  fc.assert(fc.property(prefix, anything, (kind, input) => requireGroupName(groupName(kind, input)) !== ''))
})

test('groupName never gives two users of different input, or two kinds of group, the same group', () => {
  const alike = fc.stringMatching(/^[a-z_.-]{0,4}$/)

  fc.assert(
    fc.property(
      prefix,
      fc.oneof(alike, anything),
      prefix,
      fc.oneof(alike, anything),
      (kind, input, otherKind, other) => {
        fc.pre(kind !== otherKind || input !== other)
        expect(groupName(kind, input)).not.toBe(groupName(otherKind, other))
      },
    ),
    { numRuns: 5_000 },
  )
})

test('a name that looks like the output of groupName for other input does not collide with it', () => {
  const hashed = groupName('chat', 'room 42')

  expect(groupName('chat', hashed.slice('chat_'.length))).not.toBe(hashed)
})

test.each(['', 'room 42', 'a#b', 'a/b', 'a:b', 'a\nb', 'a\u0000b', 'ä', '*', 'x'.repeat(100)])(
  'neither a group nor a channel can be called %j',
  (name) => {
    expect(() => requireGroupName(name)).toThrow(InvalidNameError)
    expect(() => requireChannelName(name)).toThrow(InvalidNameError)
  },
)
