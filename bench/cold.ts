import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { target } from './figures.ts'
import type { BenchOptions } from './options.ts'
import { quantile, report, round } from './report.ts'

const RUNS = 15
const QUICK_RUNS = 3

/** What a function may add to the time of a bare handler with a DynamoDB client. */
const MOST_ADDED_MS = 25

/** Variables without which a function does not start. Nothing is called. */
const ENVIRONMENT = {
  CHANNELS_TABLE: 'bench',
  CHANNELS_DELIVERY_QUEUE_URL: 'http://127.0.0.1:1/000000000000/delivery',
  AWS_REGION: 'us-east-1',
}

/** Bytes of each function as it is deployed, and the milliseconds that loading it adds to an empty script. */
export async function run({ isQuick }: BenchOptions): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'lambda-channels-cold-'))
  try {
    const empty = join(folder, 'empty.mjs')
    writeFileSync(empty, '')
    const dynamodb = await bundle(folder, 'dynamodb', {
      contents:
        "import { DynamoDBClient } from '@aws-sdk/client-dynamodb'\nexport const client = new DynamoDBClient({})",
    })
    const websocket = await bundle(folder, 'websocket', { entry: '../functions/websocket.ts' })
    const delivery = await bundle(folder, 'delivery', { entry: '../functions/delivery.ts' })
    const times = interleaved([empty, dynamodb, websocket, delivery], isQuick ? QUICK_RUNS : RUNS)
    const base = quantile(times.get(empty) ?? [], 0.5)
    const loadMs = (file: string): number => quantile(times.get(file) ?? [], 0.5) - base
    for (const file of [dynamodb, websocket, delivery]) {
      report('cold', {
        bundle:
          file === dynamodb ? 'bare DynamoDB client' : `functions/${file.slice(folder.length + 1, -4)}.ts`,
        bytes: statSync(file).size,
        loadMs: round(loadMs(file)),
        emptyMs: base,
      })
    }
    target({
      what: 'functions/delivery.ts loads in the time of a bare DynamoDB client and',
      value: loadMs(delivery) - loadMs(dynamodb),
      unit: 'ms',
      atMost: MOST_ADDED_MS,
    })
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

async function bundle(
  folder: string,
  name: string,
  input: { readonly entry?: string; readonly contents?: string },
): Promise<string> {
  const outfile = join(folder, `${name}.mjs`)
  const here = fileURLToPath(new URL('.', import.meta.url))
  await build({
    ...(input.entry === undefined
      ? { stdin: { contents: input.contents ?? '', resolveDir: here, loader: 'ts' as const } }
      : { entryPoints: [join(here, input.entry)] }),
    outfile,
    bundle: true,
    minify: true,
    keepNames: true,
    platform: 'node',
    format: 'esm',
    target: 'node24',
    mainFields: ['module', 'main'],
    // The SDK's CommonJS parts call require, which an ES module lacks.
    banner: { js: "import{createRequire}from'node:module';const require=createRequire(import.meta.url);" },
  })
  return outfile
}

/** Milliseconds of `node file` for each file, in turn, so that the machine's speed drifts for all alike. */
function interleaved(files: readonly string[], runs: number): ReadonlyMap<string, readonly number[]> {
  const times = new Map<string, number[]>(files.map((file) => [file, []]))
  for (let run = -1; run < runs; run++) {
    for (const file of files) {
      const start = performance.now()
      const { status, stderr } = spawnSync(process.execPath, [file], {
        env: { ...process.env, ...ENVIRONMENT },
        encoding: 'utf8',
      })
      if (status !== 0) throw new Error(`${file} did not load: ${stderr}`)
      // The first round warms the file cache.
      if (run >= 0) times.get(file)?.push(performance.now() - start)
    }
  }
  return times
}
