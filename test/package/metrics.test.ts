import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { metricUnits } from '../../shared/lambda/metric-names.ts'
import { readText, root } from '../support/repository.ts'

const files = await readdir(join(root, 'shared'), { recursive: true })
const sources = await Promise.all(
  files
    .filter((name) => name.endsWith('.ts') && !name.endsWith('metric-names.ts'))
    .map((name) => readText(join('shared', name))),
)
const source = sources.join('\n')
const names = Object.keys(metricUnits)

/** Where the sources name a metric. */
const PLACES = [
  /\bcount\(\s*'(\w+)'/g,
  /\bcount\(\w+ \? '(\w+)' : '\w+'/g,
  /\bcount\(\w+ \? '\w+' : '(\w+)'/g,
  /\brecord\??\.?\(\s*'(\w+)'/g,
  /\b(?:counter|metric): '(\w+)'/g,
  /#tell\(\w+, '(\w+)'/g,
  /#reject\('(\w+)'/g,
]

test('every metric that the sources name is in the list', () => {
  const named = new Set(PLACES.flatMap((place) => [...source.matchAll(place)].map((match) => match[1] ?? '')))

  expect(named.size).toBeGreaterThan(40)
  expect([...named].filter((name) => !names.includes(name))).toEqual([])
})

test('every metric in the list is named by the sources', () => {
  expect(names.filter((name) => !source.includes(`'${name}'`))).toEqual([])
})

test('the documentation has a line for each metric, with its unit, and for no other', async () => {
  const page = await readText('docs/topics/operations.md')
  const rows = [...page.matchAll(/^\| `(\w+)` \| (Count|Milliseconds) \| \S/gm)]

  expect(Object.fromEntries(rows.map((row) => [row[1], row[2]]))).toEqual(metricUnits)
})
