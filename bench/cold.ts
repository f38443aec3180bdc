import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { bundleOptions } from '../cdk/function-bundle.ts'
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
  CHANNELS_MANAGEMENT_ENDPOINT: 'http://127.0.0.1:1/prod',
  AWS_REGION: 'us-east-1',
}

const DYNAMODB = `import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
export const dynamodb = new DynamoDBClient({})
`

/** What a handler that calls AWS's SDK itself begins with. */
const BOTH_CLIENTS = `${DYNAMODB}import { ApiGatewayManagementApiClient } from '@aws-sdk/client-apigatewaymanagementapi'
export const connections = new ApiGatewayManagementApiClient({ endpoint: 'http://127.0.0.1:1/prod' })
export const handler = async () => ({ statusCode: 200 })
`

/** A module to load, as it is deployed. */
interface Candidate {
  readonly name: string
  readonly file: string
  /** Of all its files, those that are loaded only when they are needed included; maps are not. */
  readonly bytes: number
  readonly env: Readonly<Record<string, string>>
}

/** Bytes of each function as it is deployed, and the milliseconds that loading it adds to an empty script. */
export async function run({ isQuick }: BenchOptions): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'lambda-channels-cold-'))
  try {
    const candidates = await bundleAll(folder)
    const times = interleaved(candidates, isQuick ? QUICK_RUNS : RUNS)
    const medianOf = (name: string): number => quantile(times.get(name) ?? [], 0.5)
    for (const { name, bytes } of candidates) {
      report('cold', { bundle: name, bytes, loadMs: round(medianOf(name) - medianOf('empty')) })
    }
    const above = (name: string, base: string): number => medianOf(name) - medianOf(base)
    target({
      what: 'functions/delivery.ts loads in the time of a bare DynamoDB client and',
      value: above('functions/delivery.ts', 'bare DynamoDB client'),
      unit: 'ms',
      atMost: MOST_ADDED_MS,
    })
    for (const name of ['functions/websocket.ts', 'functions/delivery.ts']) {
      target({
        what: `${name} loads in the time of a bare handler with both SDK clients and`,
        value: above(name, 'bare handler, both clients'),
        unit: 'ms',
        atMost: 0,
      })
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

async function bundleAll(folder: string): Promise<readonly Candidate[]> {
  const functions = ['websocket', 'delivery', 'http', 'worker'].map((name) => `functions/${name}.ts`)
  const deployed = await Promise.all(
    functions.map(async (name) => await bundle(folder, name, { entry: `../${name}` })),
  )
  const [websocket] = deployed
  return [
    await bundle(folder, 'empty', { contents: '' }),
    await bundle(folder, 'bare DynamoDB client', { contents: DYNAMODB }),
    await bundle(folder, 'bare handler, both clients', { contents: BOTH_CLIENTS }),
    ...deployed,
    // What Powertools' logger and metrics take: in development they are not loaded.
    ...(websocket === undefined
      ? []
      : [
          {
            ...websocket,
            name: 'functions/websocket.ts without Powertools',
            env: { CHANNELS_ENVIRONMENT: 'development' },
          },
        ]),
  ]
}

async function bundle(
  folder: string,
  name: string,
  { entry, contents = '' }: { readonly entry?: string; readonly contents?: string },
): Promise<Candidate> {
  const here = fileURLToPath(new URL('.', import.meta.url))
  const outdir = mkdtempSync(join(folder, 'bundle-'))
  const source = entry === undefined ? join(outdir, 'source.ts') : join(here, entry)
  if (entry === undefined) writeFileSync(source, contents)
  // Of what is written here, packages are found from here.
  await build({ ...bundleOptions(source, outdir), nodePaths: [join(here, '../node_modules')] })
  const files = readdirSync(outdir).filter((file) => file.endsWith('.mjs'))
  const bytes = files.reduce((sum, file) => sum + statSync(join(outdir, file)).size, 0)
  return { name, file: join(outdir, 'index.mjs'), bytes, env: {} }
}

/** Milliseconds of `node file` for each candidate, in turn, so that the machine's speed drifts for all alike. */
function interleaved(candidates: readonly Candidate[], runs: number): ReadonlyMap<string, readonly number[]> {
  const times = new Map<string, number[]>(candidates.map(({ name }) => [name, []]))
  for (let run = -1; run < runs; run++) {
    for (const { name, file, env } of candidates) {
      const start = performance.now()
      const { status, stderr } = spawnSync(process.execPath, [file], {
        env: { ...process.env, ...ENVIRONMENT, ...env },
        encoding: 'utf8',
      })
      if (status !== 0) throw new Error(`${file} did not load: ${stderr}`)
      // The first round warms the file cache.
      if (run >= 0) times.get(name)?.push(performance.now() - start)
    }
  }
  return times
}
