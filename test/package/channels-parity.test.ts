import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { readText, root } from '../support/repository.ts'

const GUIDE = 'docs/from-django-channels.md'
const PAGE = 'docs/reference/channels-parity.md'
const EXCUSE = /^(impossible|not needed): \S/
/** Of rows whose only test starts several servers of its own: it is named, and not written twice. */
const NEEDS_SERVERS = /\(the test needs Redis: .+\)$/

/** `skipIf` is none: those run where their server is. */
const SWITCHED_OFF = /\b(?:test|it|describe)(?:\.\w+)*\.(?:skip|todo|fails)\b|\b(?:skip|todo|fails): true\b/

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

  test('has for each row that is built a test of its own, titled as the row, in the file of its section', () => {
    const built = rows.filter(({ here, tests }) => tests.length > 0 && !NEEDS_SERVERS.test(here))
    const wrong = built.filter(({ tests: [first], ...row }) => first !== ownTest(row))

    expect(built.length).toBeGreaterThan(200)
    expect(wrong.map(({ section, feature }) => `${section}: ${feature}`)).toEqual([])
  })

  test('has a row for each of these tests', async () => {
    const references = new Set(named.map(({ reference }) => reference))
    const files = (await readdir(join(root, 'test/parity'))).filter((name) => name.startsWith('section-'))
    const written = files.map(async (name) => {
      const calls = (await readText(`test/parity/${name}`)).match(/^ *test\(.*$/gm) ?? []
      return calls.flatMap(titlesIn).map((title) => `\`parity/${name}\` › ${title}`)
    })

    expect((await Promise.all(written)).flat().filter((reference) => !references.has(reference))).toEqual([])
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

/** The reference to a row's own test: `1.2 Base consumer` is in `parity/section-1-02.test.ts`. */
function ownTest({ section, feature }: Pick<Row, 'section' | 'feature'>): string {
  const [, number = ''] = /^1\.(\d+) /.exec(section) ?? []
  return `\`parity/section-1-${number.padStart(2, '0')}.test.ts\` › ${feature}`
}

test.each(['.skip', '.todo', '.fails', '.concurrent.skip', '.skip.each([1])', ''])(
  'a test%s shows a feature only if it runs, and is to pass',
  (how) => {
    const titles = how === '' ? ['one'] : []

    expect(runningTitlesIn(`test${how}('one', () => {})\n`)).toEqual(titles)
    expect(runningTitlesIn(`describe${how}('one', () => {})\n`)).toEqual(titles)
    expect(runningTitlesIn(`test('one', { fails: ${how !== ''} }, () => {})\n`)).toEqual(titles)
    expect(runningTitlesIn("test.skipIf(!hasRedis())('one', () => {})\n")).toEqual(['one'])
  },
)

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
  const texts = [...sources, 'local/live-server.ts'].map(async (name) => await readText(name))
  return (await Promise.all(texts)).join('\n')
}

const known = new Map<string, Promise<readonly string[]>>()

function titlesOf(file: string): Promise<readonly string[]> {
  const titles = known.get(file) ?? readText(file).then(runningTitlesIn)
  known.set(file, titles)
  return titles
}

/** None at all of a file in which a test is switched off, or expected to fail: it would show nothing. */
function runningTitlesIn(text: string): readonly string[] {
  return SWITCHED_OFF.test(text) ? [] : titlesIn(text)
}

/** Texts that are the first argument of a call and are followed by another one: titles of tests, and few others. */
function titlesIn(text: string): readonly string[] {
  const found = text.matchAll(/\(\s*(?:'([^'\n]+)'|"([^"\n]+)"|`([^`\n]+)`),/g)
  return [...found].map(([, single, double, template]) =>
    (single ?? double ?? template ?? '').replaceAll('\\\\', '\\'),
  )
}
