import { expect, test } from 'vitest'
import { readText } from '../support/repository.ts'

const source = await readText('shared/errors.ts')
const page = await readText('docs/reference/errors.md')

const union = /export type ErrorCode =([\s\S]*?)\n\n/.exec(source)?.[1] ?? ''
const codes = [...union.matchAll(/'([A-Z_]+)'/g)].map((match) => match[1] ?? '')
const classes = [
  ...source.matchAll(/^export class (\w+) extends ChannelsError \{[^}]*?readonly code = '([A-Z_]+)'/gm),
]
const headings = [...page.matchAll(/^## `([A-Z_]+)`$/gm)].map((match) => match[1])

test('the page about errors has one heading for each code, in the order of the alphabet', () => {
  expect(codes.length).toBeGreaterThan(5)
  expect(headings).toEqual(alphabetical(codes))
})

test('each code belongs to exactly one class', () => {
  expect(alphabetical(classes.map(([, , code]) => code ?? ''))).toEqual(alphabetical(codes))
})

test.each(classes.map(([, name, code]) => ({ name: name ?? '', code: code ?? '' })))(
  'the section of $code names $name, when it comes, an example and what to do',
  ({ name, code }) => {
    const section = page.split(/^## /m).find((text) => text.startsWith(`\`${code}\``)) ?? ''

    expect(section).toContain(`\`${name}\``)
    expect(section).toMatch(/^\*\*When:\*\* \S/m)
    expect(section).toMatch(/^\*\*Example:\*\*\n\n```text\n\S/m)
    expect(section).toMatch(/^\*\*What to do:\*\* \S/m)
  },
)

function alphabetical(names: readonly string[]): readonly string[] {
  return names.toSorted((one, other) => (one < other ? -1 : 1))
}
