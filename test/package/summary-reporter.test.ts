import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { renderSummary } from '../support/summary-reporter.ts'
import { binary, root } from '../support/repository.ts'

let folder: string
let printed: string

/** A run of vitest with everything that can become of a test. */
beforeAll(async () => {
  folder = await mkdtemp(join(root, 'node_modules', '.summary-reporter-'))
  const head = `import { beforeAll, describe, expect, test } from 'vitest'\n`
  const files = {
    'outcomes.test.ts': `
      test('passes', () => {})
      test('fails', () => { expect(1).toBe(2) })
      test('has a reason', (context) => { context.skip('no browser on this machine') })
      test.skip('has none', () => {})
      describe('whose hook fails', () => { beforeAll(() => { throw new Error('hook') }); test('never runs', () => {}) })`,
    'broken.test.ts': `throw new Error('this file cannot be loaded')`,
  }
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), head + text)
  const reporter = JSON.stringify(join(root, 'test/support/summary-reporter.ts'))
  await writeFile(
    join(folder, 'vitest.config.ts'),
    `import { SummaryReporter } from ${reporter}
    export default { test: { include: ['*.test.ts'], reporters: ['default', new SummaryReporter()] } }`,
  )
  printed = await new Promise((resolve) => {
    execFile(binary('vitest'), ['run', '--root', folder], { cwd: folder }, (_, stdout) => resolve(stdout))
  })
})

afterAll(async () => await rm(folder, { recursive: true, force: true }))

test('the last line counts tests, and a file or hook that broke as a failure', () => {
  expect(printed.trimEnd().split('\n').at(-1)).toBe('1 passed, 3 failed, 3 skipped')
})

test('each skipped test is listed with its reason', () => {
  expect(printed).toContain('outcomes.test.ts > has a reason: no browser on this machine')
  expect(printed).toContain('outcomes.test.ts > has none: no reason given')
  expect(printed).toContain('> never runs: not run, because something before it failed')
})

test('the line is plain text on a line of its own', () => {
  expect(renderSummary({ passed: 12, failed: 0, skipped: 1 }, ['a'])).toBe(
    ' skipped: a\n12 passed, 0 failed, 1 skipped\n',
  )
})
