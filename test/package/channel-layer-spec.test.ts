import { expect, test } from 'vitest'
import { readText } from '../support/repository.ts'

const page = await readText('docs/reference/channel-layer-spec.md')
const suite = await readText('test/contracts/channel-layer.ts')
const runs = await Promise.all(
  ['channel-layer', 'redis-cluster'].map((name) => readText(`test/integration/${name}.test.ts`)),
)

/** The sentences of the page, by number; a sentence may take several lines. */
const sentences = [...page.matchAll(/^- \*\*(\d+\.\d+)\*\* (.+(?:\n {2}.+)*)/gm)].map(
  ([, number, text = '']) => ({
    number,
    text: text.replaceAll(/\n {2}/g, ' '),
  }),
)
const titles = [...suite.matchAll(/^\s+it\('([^']+)'/gm)].map((match) => match[1] ?? '')

test('each sentence of the contract is the title of one test, word for word, and each test has its sentence', () => {
  expect(sentences.length).toBeGreaterThan(40)
  expect(sentences.map(({ text }) => text).toSorted()).toEqual(titles.toSorted())
  expect(new Set(titles).size).toBe(titles.length)
})

test('each sentence says what MUST be', () => {
  expect(sentences.filter(({ text }) => !/\bMUST\b/.test(text))).toEqual([])
})

test('sentences are numbered in order', () => {
  const sections = page.split(/^## /m).filter((section) => /^\d/.test(section))
  const expected = sections.flatMap((section, index) =>
    [...section.matchAll(/^- \*\*/gm)].map((_, at) => `${index + 1}.${at + 1}`),
  )

  expect(sentences.map(({ number }) => number)).toEqual(expected)
  expect(sections.map((section) => Number.parseInt(section, 10))).toEqual(
    sections.map((_, index) => index + 1),
  )
})

test('the suite has no test that is left out, and runs over every store', () => {
  expect(suite).not.toMatch(/\b(?:it|describe)\.(?:skip|only|todo)/)
  const contracts = [...suite.matchAll(/^export function (\w+Contract)\(/gm)].map((match) => match[1] ?? '')
  expect(contracts).toEqual(['channelLayerContract', 'channelMessagesContract', 'noMessagesContract'])
  for (const contract of contracts) expect(runs.join('\n')).toContain(`${contract}(`)
  for (const store of ["'memory'", "'Redis'", "'Redis cluster'", "'DynamoDB'"])
    expect(runs.join('\n')).toContain(store)
})
