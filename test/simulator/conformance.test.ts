import { readdir, readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'

const root = new URL('../../', import.meta.url)
const document = await readFile(new URL('docs/reference/gateway-conformance.md', root), 'utf8')
const testFiles = (await readdir(new URL('./', import.meta.url))).filter((name) => name.endsWith('.test.ts'))
const tests = await Promise.all(testFiles.map((name) => readFile(new URL(name, import.meta.url), 'utf8')))

const documented = [...document.matchAll(/^\| ([A-Z]{2}-\d{2}) \|/gm)].map((match) => match[1] ?? '')
// The name of a test is a text that begins with its id.
const tested = tests.flatMap((text) =>
  [...text.matchAll(/['"`]([A-Z]{2}-\d{2}) /g)].map((match) => match[1] ?? ''),
)

test('every row of the conformance table has a test with its id, and every id in a test has a row', () => {
  expect(documented.length).toBeGreaterThan(80)
  expect([...new Set(tested)].toSorted()).toEqual(documented.toSorted())
})

test('no id is given twice', () => {
  expect(new Set(documented).size).toBe(documented.length)
})
