import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { MemberRange } from '../../../shared/stores/channel-store.ts'
import { cutRange, memberPosition, shareOf } from '../../../shared/stores/member-position.ts'

const position = fc.oneof(
  fc.nat(0xffff).map((prefix) => prefix.toString(16).padStart(4, '0')),
  fc.string({ minLength: 1 }).map((text) => memberPosition(text)),
)

const range: fc.Arbitrary<MemberRange> = fc
  .tuple(fc.option(position, { nil: undefined }), fc.option(position, { nil: undefined }))
  .map(([one, other]) => {
    const [after, upTo] =
      one !== undefined && other !== undefined && one > other ? [other, one] : [one, other]
    return { ...(after === undefined ? {} : { after }), ...(upTo === undefined ? {} : { upTo }) }
  })

function contains({ after = '', upTo }: MemberRange, at: string): boolean {
  return at > after && (upTo === undefined || at <= upTo)
}

test('the parts of a range hold each of its positions exactly once, and no other', () => {
  fc.assert(
    fc.property(range, fc.integer({ min: 1, max: 100 }), fc.string({ minLength: 1 }), (whole, count, id) => {
      const parts = cutRange(whole, count)
      const holders = parts.filter((part) => contains(part, memberPosition(id))).length

      expect(parts.length).toBeLessThanOrEqual(count)
      expect(holders).toBe(contains(whole, memberPosition(id)) ? 1 : 0)
    }),
    { numRuns: 2_000 },
  )
})

test('a whole group is cut into as many parts as asked for, of the same share', () => {
  const parts = cutRange({}, 64)

  expect(parts).toHaveLength(64)
  expect(new Set(parts.map(shareOf))).toEqual(new Set([1 / 64]))
  expect(parts[0]).toEqual({ upTo: '0400' })
  expect(parts.at(-1)).toEqual({ after: 'fc00' })
})

test('a range of few prefixes is cut into no more parts than it has prefixes', () => {
  expect(cutRange({ after: '0010', upTo: '0013' }, 64)).toEqual([
    { after: '0010', upTo: '0011' },
    { after: '0011', upTo: '0012' },
    { after: '0012', upTo: '0013' },
  ])
  expect(cutRange({ after: '0010', upTo: '0010' }, 64)).toEqual([{ after: '0010', upTo: '0010' }])
})

test('the share of a range that ends in a position counts its prefix', () => {
  expect(shareOf({})).toBe(1)
  expect(shareOf({ upTo: '8000' })).toBe(0.5)
  expect(shareOf({ after: '4000', upTo: '7fff#a=' })).toBe(0.25)
  expect(shareOf({ after: '4000#a=', upTo: '4000#b=' })).toBe(1 / 65_536)
})
