import { execFile } from 'node:child_process'
import { mkdtempDisposable, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { build, type Metafile } from 'esbuild'
import { describe, expect, test } from 'vitest'
import { bundleOptions } from '../../cdk/function-bundle.ts'

const KB = 1024

/** What a function may weigh, as it is deployed: what each cold start loads, and all that is there. */
const BUDGETS = {
  websocket: { loaded: 180 * KB, all: 1000 * KB },
  delivery: { loaded: 180 * KB, all: 1000 * KB },
  http: { loaded: 180 * KB, all: 1000 * KB },
  worker: { loaded: 180 * KB, all: 1000 * KB },
  serial: { loaded: 180 * KB, all: 1000 * KB },
} as const

type Outputs = Metafile['outputs']

async function bundled(entry: string): Promise<{ readonly outputs: Outputs }> {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'bundle-'))
  const { metafile } = await build({ ...bundleOptions(entry, folder.path), metafile: true })
  return metafile
}

/** The module that Lambda loads, and what that imports without `import()`. */
function loadedFiles(outputs: Outputs): readonly string[] {
  const entry = Object.keys(outputs).find((file) => basename(file) === 'index.mjs') ?? ''
  const found = new Set([entry])
  // A set's iterator comes to what is added on the way.
  for (const file of found) {
    const eager = outputs[file]?.imports.filter(
      ({ kind, external }) => kind === 'import-statement' && !external,
    )
    for (const { path } of eager ?? []) found.add(path)
  }
  return [...found]
}

function loadedBytes(outputs: Outputs): number {
  return loadedFiles(outputs).reduce((sum, file) => sum + (outputs[file]?.bytes ?? 0), 0)
}

describe.each(Object.entries(BUDGETS))('functions/%s.ts', (name, budget) => {
  test('stays within its budget of bytes', async () => {
    const { outputs } = await bundled(`functions/${name}.ts`)
    const code = Object.entries(outputs).filter(([file]) => file.endsWith('.mjs'))
    const loaded = loadedBytes(outputs)

    expect(loaded).toBeGreaterThan(50 * KB)
    expect(loaded).toBeLessThan(budget.loaded)
    expect(code.reduce((sum, [, { bytes }]) => sum + bytes, 0)).toBeLessThan(budget.all)
  })

  test('loads no client of Redis where groups are in DynamoDB, and views only to serve one', async () => {
    const { outputs } = await bundled(`functions/${name}.ts`)
    const inputs = loadedFiles(outputs).flatMap((file) => Object.keys(outputs[file]?.inputs ?? {}))

    expect(inputs.filter((input) => /node_modules\/(ioredis|hono)\//.test(input))).toEqual([])
    expect(Object.values(outputs).flatMap(({ inputs: all }) => Object.keys(all))).toContainEqual(
      expect.stringMatching(/node_modules\/ioredis\//),
    )
  })
})

test('a stack trace in a log line is in terms of the sources', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'bundle-'))
  const source = join(folder.path, 'handler.ts')
  await writeFile(
    source,
    `const { JsonLogger } = await import(${JSON.stringify(resolve('shared/lambda/json-logger.ts'))})

function handler(): never {
  throw new TypeError('no')
}

try {
  handler()
} catch (error) {
  new JsonLogger({ level: 'info', service: 'chat' }).error('it failed', { error })
}
`,
  )
  const outdir = join(folder.path, 'out')
  await build(bundleOptions(source, outdir))
  const { stderr } = await promisify(execFile)(process.execPath, [join(outdir, 'index.mjs')], {
    cwd: folder.path,
  })

  const { error } = JSON.parse(stderr) as { readonly error: { readonly stack: string } }
  expect(error.stack).toMatch(/at handler \(handler\.ts:4:9\)/)
  expect(error.stack).not.toContain('index.mjs')
})
