import fc from 'fast-check'
import { expect, test } from 'vitest'
import { InvalidNameError } from '../../shared/errors.ts'
import { groupName, requireChannelName, requireGroupName } from '../../shared/names.ts'

function isGroupName(name: string): boolean {
  try {
    return requireGroupName(name) === name
  } catch (error) {
    if (error instanceof InvalidNameError) return false
    throw error
  }
}

const prefix = fc.stringMatching(/^[a-zA-Z0-9-]{1,40}$/)
const input = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 200 }),
  fc.string({ unit: fc.constantFrom('a', '_', '-', '.', ' ', '\n', '٣', '\ud800'), maxLength: 120 }),
)

test('groupName always makes a legal name, and the same one again', () => {
  fc.assert(
    fc.property(prefix, input, (kind, text) => {
      const name = groupName(kind, text)
      expect(requireGroupName(name)).toBe(name)
      expect(groupName(kind, text)).toBe(name)
    }),
    { numRuns: 1_000 },
  )
})

test('groupName gives different pairs different names', () => {
  fc.assert(
    fc.property(prefix, input, prefix, input, (kind, text, otherKind, other) => {
      fc.pre(kind !== otherKind || text !== other)
      expect(groupName(kind, text)).not.toBe(groupName(otherKind, other))
    }),
    { numRuns: 1_000 },
  )
})

test('no input can imitate the name of another input', () => {
  fc.assert(
    fc.property(prefix, input, (kind, text) => {
      const name = groupName(kind, text)
      const imitation = name.slice(kind.length + 1)
      fc.pre(imitation !== text)
      expect(groupName(kind, imitation)).not.toBe(name)
    }),
  )
})

test('every connection id of API Gateway is a channel name: base64url of any length that fits, padded or not', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 72 }), fc.boolean(), (bytes, isPadded) => {
      const base64 = Buffer.from(bytes).toString('base64')
      const url = base64.replaceAll('+', '-').replaceAll('/', '_')
      const id = isPadded ? url : url.replaceAll('=', '')
      expect(requireChannelName(id)).toBe(id)
    }),
  )
})

test('a name is legal if and only if it fits the grammar, letter by letter', () => {
  const legal = new Set('abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.')
  const letter = fc.oneof(
    { weight: 9, arbitrary: fc.constantFrom(...legal) },
    fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
  )

  fc.assert(
    fc.property(fc.array(letter, { maxLength: 110 }), (letters) => {
      const name = letters.join('')
      const isLegal = name.length >= 1 && name.length <= 99 && letters.every((each) => legal.has(each))
      expect(isGroupName(name)).toBe(isLegal)
    }),
    { numRuns: 1_000 },
  )
})
