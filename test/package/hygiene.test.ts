import { expect, test } from 'vitest'
import { publishedFiles, readText } from '../support/repository.ts'

const files = await publishedFiles()
const texts = await Promise.all(files.map(async (file) => [file, await readText(file)] as const))

/** Written in pieces, so that this file does not contain what it looks for. */
const hosts = [
  ['registry', 'npmjs', 'org'],
  ['unpkg', 'com'],
  ['pypi', 'org'],
  ['deb', 'debian', 'org'],
].map((labels) => labels.join('\\.'))

const forbidden = [
  ['a home folder', /(?<![\w.}])\/(root|home\/\w+|Users\/\w+)\//],
  ['a working folder', /(?<![\w.:/}*-])\/(work|tmp)\/\w/],
  ['a registry host', new RegExp(hosts.join('|'))],
  [
    'an address in a private network',
    /\b(10\.\d+\.\d+\.\d+|192\.168\.\d+\.\d+|172\.(1[6-9]|2\d|3[01])\.\d+\.\d+):\d+/,
  ],
  ['an AWS access key', /\b(AKIA|ASIA)[A-Z0-9]{16}\b/],
  ['a private key', /-----BEGIN [A-Z ]*PRIVATE KEY-----/],
] as const

test('the check sees the files', () => {
  expect(files).toContain('package.json')
  expect(files).toContain('shared/application.ts')
})

test.each(forbidden)('no file contains %s', (_, pattern) => {
  const found = texts.filter(([, text]) => pattern.test(text)).map(([file]) => file)

  expect(found).toEqual([])
})

interface LockEntry {
  readonly resolved?: string
  readonly optionalDependencies?: Readonly<Record<string, string>>
}

const lock = JSON.parse(await readText('package-lock.json')) as {
  readonly packages: Readonly<Record<string, LockEntry>>
}
const locked = Object.entries(lock.packages)

test('the lock file names no address, so that any registry serves it', () => {
  expect(locked.length).toBeGreaterThan(50)
  expect(locked.filter(([, entry]) => entry.resolved?.startsWith('http') === true)).toEqual([])
})

// npm leaves out an optional package that its registry lacks, and `npm ci` then refuses the lock file.
test('the lock file has every optional package of every platform', () => {
  const names = new Set(locked.map(([path]) => path.split('node_modules/').at(-1)))
  const optional = locked.flatMap(([, entry]) => Object.keys(entry.optionalDependencies ?? {}))

  expect(optional.length).toBeGreaterThan(20)
  expect(optional.filter((name) => !names.has(name))).toEqual([])
})

test('nothing that a build or an installation makes is published', () => {
  expect(files.filter((file) => /^(dist|node_modules|coverage)\/|\.tgz$/.test(file))).toEqual([])
})

test.each([
  ['a home folder', ['', 'root', 'notes.md'].join('/')],
  ['a working folder', ` ${['', 'work', 'main'].join('/')}`],
  ['a registry host', `https://${['registry', 'npmjs', 'org'].join('.')}/x`],
  ['an address in a private network', ['http://10', '0', '0', '1:8080'].join('.')],
  ['an AWS access key', `AKIA${'A'.repeat(16)}`],
  ['a private key', ['-----BEGIN RSA', 'PRIVATE KEY-----'].join(' ')],
])('the check would find %s', (name, text) => {
  const [, pattern] = forbidden.find(([label]) => label === name) ?? []

  expect(text).toMatch(pattern ?? /never^/)
})
