import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { readText, root } from '../support/repository.ts'

const GUIDE = 'docs/from-django-channels.md'
const PAGE = 'docs/reference/channels-parity.md'
const EXCUSE = /^(impossible|not needed): \S/

interface Row {
  readonly section: string
  readonly feature: string
  readonly here: string
  readonly tests: readonly string[]
}

const rows = rowsOf(await readText(PAGE))
const named = rows.flatMap(({ feature, tests }) => tests.map((reference) => ({ feature, reference })))

describe('the table of what Channels does', () => {
  test('has all sections of the reference, in order', () => {
    const sections = [...new Set(rows.map(({ section }) => section.split(' ')[0]))]

    expect(sections).toEqual(Array.from({ length: 22 }, (_, index) => `1.${index + 1}`))
  })

  test('says for each row which test shows it, or why there can be none', () => {
    const silent = rows.filter(({ here, tests }) => here === '' || (tests.length === 0 && !EXCUSE.test(here)))

    expect(silent.map(({ section, feature }) => `${section}: ${feature}`)).toEqual([])
  })

  test.each(named)('$reference is a test ($feature)', async ({ reference }) => {
    const [, file = '', title = ''] = /^`([^`]+)` › (.+)$/.exec(reference) ?? []

    expect(await titlesOf(`test/${file}`)).toContain(title)
  })
})

test('each name that the guide gives for one of Channels is in the sources', async () => {
  const [, names = ''] = (await readText(GUIDE)).split('\n## Names\n')
  const here = names.split('\n').flatMap((line) => codeIn(/^\|[^|]*\|([^|]*)\|/.exec(line)?.[1] ?? ''))
  const sources = await sourceText()

  expect(here.length).toBeGreaterThan(100)
  expect(here.filter((name) => !new RegExp(`\\b${name}\\b`).test(sources))).toEqual([])
})

test('the reader of titles takes the first argument of a call, and no other text', () => {
  const titles = titlesIn(
    `test('one', () => {})\n  test.each([1])(\n "two's", f)\nexpect(x, 'three')\n// 'four',\n`,
  )

  expect(titles).toEqual(['one', "two's"])
})

function rowsOf(text: string): readonly Row[] {
  let section = ''
  const result: Row[] = []
  for (const line of text.split('\n')) {
    if (line.startsWith('## ')) section = line.slice(3)
    const [, feature, here, tests] = /^\| (.+?) \| (.*?) \|(.*)\|$/.exec(line) ?? []
    if (feature === undefined || /^Channels( \(daphne\))?$/.test(feature)) continue
    const references = (tests ?? '').trim().split('<br>')
    result.push({ section, feature, here: here ?? '', tests: references.filter((name) => name !== '') })
  }
  return result
}

/** The names at the beginning of code spans: of `this.scope` and `kick(layer)` it is `scope` and `kick`. */
function codeIn(cell: string): readonly string[] {
  const spans = [...cell.matchAll(/`(?:this\.|new |\w+\.)*(\w+)[^`]*`/g)].map((match) => match[1] ?? '')
  return spans.filter((name) => !['npm', 'npx', 'lambda', 'functions', 'dev', 'env'].includes(name))
}

async function sourceText(): Promise<string> {
  const files = await readdir(join(root, 'shared'), { recursive: true })
  const sources = files.filter((name) => name.endsWith('.ts')).map((name) => `shared/${name}`)
  const texts = [...sources, 'local/live-server.ts', 'functions/environment.ts'].map(
    async (name) => await readText(name),
  )
  return (await Promise.all(texts)).join('\n')
}

const known = new Map<string, Promise<readonly string[]>>()

function titlesOf(file: string): Promise<readonly string[]> {
  const titles = known.get(file) ?? readText(file).then(titlesIn)
  known.set(file, titles)
  return titles
}

/** Texts that are the first argument of a call and are followed by another one: titles of tests, and few others. */
function titlesIn(text: string): readonly string[] {
  const found = text.matchAll(/\(\s*(?:'([^'\n]+)'|"([^"\n]+)"|`([^`\n]+)`),/g)
  return [...found].map(([, single, double, template]) => single ?? double ?? template ?? '')
}
