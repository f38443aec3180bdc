import { mkdtempDisposable, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { describe, expect, test } from 'vitest'
import { OriginalPositions } from '../../../shared/lambda/original-positions.ts'

/** A map whose only mapping is from the first character to that of `source`. */
function mapTo(source: string): string {
  return JSON.stringify({ version: 3, sources: [source], names: [], mappings: 'AAAA' })
}

interface Bundle extends AsyncDisposable {
  readonly positions: OriginalPositions
  /** The URL of a file in it. */
  url(name: string): string
  write(name: string, text: string): Promise<void>
}

async function bundleOf(files: Readonly<Record<string, string>>): Promise<Bundle> {
  const folder = await mkdtempDisposable(join(tmpdir(), 'positions-'))
  const write = (name: string, text: string): Promise<void> => writeFile(join(folder.path, name), text)
  for (const [name, text] of Object.entries(files)) await write(name, text)
  const root = pathToFileURL(`${folder.path}/`)
  return {
    positions: new OriginalPositions(root),
    url: (name) => new URL(name, root).href,
    write,
    [Symbol.asyncDispose]: async () => await folder.remove(),
  }
}

test('each line of a stack trace tells the position in the source, and the message stays as it is', async () => {
  await using bundle = await bundleOf({ 'index.mjs.map': mapTo('../../handler.ts') })
  const file = bundle.url('index.mjs')
  const message = `Error: see ${file}:1:1\nat ${file}:1:1`

  expect(
    bundle.positions.in(
      `${message}\n    at send (${file}:1:1)\n    at async ${file}:1:1\n    at node:internal/x:1:1`,
    ),
  ).toBe(`${message}\n    at send (handler.ts:1:1)\n    at async handler.ts:1:1\n    at node:internal/x:1:1`)
})

describe('a position stays as it is', () => {
  test.each<[string, Readonly<Record<string, string>>]>([
    ['of a file without a map', {}],
    ['of a file whose map is none', { 'index.mjs.map': 'no JSON' }],
    [
      'of a file whose map does not have it',
      { 'index.mjs.map': '{"version":3,"sources":[],"names":[],"mappings":""}' },
    ],
  ])('%s', async (_, files) => {
    await using bundle = await bundleOf(files)
    const stack = `Error\n    at send (${bundle.url('index.mjs')}:1:1)`

    expect(bundle.positions.in(stack)).toBe(stack)
  })

  test('of a file in another folder, though it has a map', async () => {
    await using bundle = await bundleOf({ 'index.mjs.map': mapTo('handler.ts') })
    await using other = await bundleOf({ 'secret.js.map': mapTo('secret.ts') })
    const stack = `Error\n    at x (${other.url('secret.js')}:1:1)\n    at x (${bundle.url('')}../x/secret.js:1:1)`

    expect(bundle.positions.in(stack)).toBe(stack)
  })

  test('in a folder that is none', () => {
    const positions = new OriginalPositions(new URL('file:///no/such/folder/'))
    const stack = 'Error\n    at x (file:///no/such/folder/index.mjs:1:1)'

    expect(positions.in(stack)).toBe(stack)
  })
})

test('what a client sends makes it look for no further file', async () => {
  await using bundle = await bundleOf({ 'index.mjs.map': mapTo('handler.ts') })
  const frame = (name: string): string => `Error\n    at x (${bundle.url(name)}:1:1)`
  expect(bundle.positions.in(frame('late.mjs'))).toBe(frame('late.mjs'))

  await bundle.write('late.mjs.map', mapTo('late.ts'))

  expect(bundle.positions.in(frame('late.mjs'))).toBe(frame('late.mjs'))
  expect(bundle.positions.in(frame('index.mjs'))).toBe('Error\n    at x (handler.ts:1:1)')
})

// What took quadratic time would take minutes for these: the test would not end within its time.
test.each([
  'file://',
  'file:///a.js',
  'file:///a.js:',
  'file:///a.js:1',
  '    at ',
  '\n    at file://',
  'at (',
  '1:',
])('a megabyte of %j is passed through', (text) => {
  const positions = new OriginalPositions(new URL('file:///var/task/'))
  const repeated = text.repeat(Math.ceil(1_000_000 / text.length))

  for (const stack of [repeated, `    at ${repeated}`, `    at file://${repeated}`]) {
    expect(positions.in(stack) === stack).toBe(true)
  }
})
