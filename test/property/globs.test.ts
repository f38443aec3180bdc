import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Capacities } from '../../shared/layers/capacity.ts'

/** A piece of a glob: how it is written, and what it stands for. */
type Piece =
  | { readonly kind: 'run' }
  | { readonly kind: 'any' }
  | { readonly kind: 'one'; readonly character: string }
  | { readonly kind: 'set'; readonly isNegated: boolean; readonly members: readonly string[] }

const ALPHABET = ['a', 'b', 'c', 'd', '.', '^']

const character = fc.constantFrom(...ALPHABET)
const piece: fc.Arbitrary<Piece> = fc.oneof(
  fc.constant({ kind: 'run' as const }),
  fc.constant({ kind: 'any' as const }),
  character.map((one) => ({ kind: 'one' as const, character: one })),
  fc.record({
    kind: fc.constant('set' as const),
    isNegated: fc.boolean(),
    members: fc.array(fc.constantFrom('a', 'b', 'c', ']', '-', '^', 'b-d'), { minLength: 1, maxLength: 4 }),
  }),
)

test('a glob fits what its pieces, tried one by one, fit', () => {
  const names = fc.string({ unit: fc.constantFrom(...ALPHABET, ']', '-', '!'), maxLength: 7 })
  fc.assert(
    fc.property(
      fc.array(piece, { maxLength: 7 }),
      fc.array(names, { minLength: 1, maxLength: 8 }),
      (glob, texts) => {
        const capacities = new Capacities(1, [[glob.map(written).join(''), 2]])
        for (const text of texts) expect([text, capacities.of(text) === 2]).toEqual([text, fits(glob, text)])
      },
    ),
    { numRuns: 2_000 },
  )
})

test('a glob of many asterisks is decided in few steps, however nearly a name fits', () => {
  // With a step for each way to divide the name among the asterisks this would not end.
  const capacities = new Capacities(1, [[`${'*a'.repeat(40)}b`, 2]])

  expect(capacities.of('a'.repeat(99))).toBe(1)
  expect(capacities.of(`${'a'.repeat(98)}b`)).toBe(2)
})

/** As the documentation of `fnmatch` says it, in as many steps as it takes. */
function fits([first, ...rest]: readonly Piece[], text: string): boolean {
  if (first === undefined) return text === ''
  if (first.kind === 'run') return fits(rest, text) || (text !== '' && fits([first, ...rest], text.slice(1)))
  return text !== '' && fitsOne(first, text.charAt(0)) && fits(rest, text.slice(1))
}

function fitsOne(one: Exclude<Piece, { readonly kind: 'run' }>, other: string): boolean {
  if (one.kind === 'any') return true
  if (one.kind === 'one') return one.character === other
  return (
    one.members.some((member) => (member === 'b-d' ? 'bcd'.includes(other) : member === other)) !==
    one.isNegated
  )
}

function written(one: Piece): string {
  if (one.kind === 'run') return '*'
  if (one.kind === 'any') return '?'
  if (one.kind === 'one') return one.character
  // "]" and "-" go where they mean themselves.
  const has = (member: string): string => (one.members.includes(member) ? member : '')
  const middle = one.members.filter((member) => member !== ']' && member !== '-').join('')
  return `[${one.isNegated ? '!' : ''}${has(']')}${middle}${has('-')}]`
}
