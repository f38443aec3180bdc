import { execFile } from 'node:child_process'
import { beforeAll, expect, test } from 'vitest'
import { binary, readSources, root } from '../support/repository.ts'

const files = [...(await readSources(['test/types'])).keys()]

let diagnostics: readonly string[]

beforeAll(async () => {
  const printed = await new Promise<string>((resolve) => {
    execFile(binary('tsc'), ['--pretty', 'false'], { cwd: root }, (_, stdout) => resolve(stdout))
  })
  diagnostics = printed.split('\n').filter((line) => line.includes('error TS'))
})

test('there are tests of types', () => {
  expect(files).not.toHaveLength(0)
})

// An unused `@ts-expect-error` is an error too, so this fails when something wrong begins to compile.
test.each(files)('%s: what must compile does, and what must not does not', (file) => {
  expect(diagnostics.filter((line) => line.startsWith(file))).toEqual([])
})
