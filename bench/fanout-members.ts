import { fileURLToPath } from 'node:url'
import type { FanOutOrder, FanOutReport } from './fanout-client.ts'
import type { Way } from './fanout-rig.ts'
import type { StubOrder, StubReport } from './fanout-stub.ts'
import { table } from './figures.ts'
import type { BenchOptions } from './options.ts'
import { PinnedProcess } from './pinned-process.ts'

const LATENCY_MS = 5
const WAYS: readonly Way[] = ['frame', 'broadcast', 'handler']

interface Row extends FanOutReport {
  readonly way: Way
  readonly members: number
  readonly posts: number
  readonly liveMiB: number
}

/**
 * One group send to groups of growing size: the real functions and poster, each run in a fresh process. What it costs has
 * to grow with the members, and memory not at all.
 */
export async function run({ isQuick }: BenchOptions): Promise<void> {
  console.log(
    `A stub of @connections over HTTP that answers after ${LATENCY_MS} ms; the group is in memory, its pages and records are counted as DynamoDB would serve them (1000 members, 100 records each); a queue in process. One process, so what is printed is one worker's: a sender and a worker, with up to 10 ranges at a time. Live memory is without garbage.\n`,
  )
  await using stub = new PinnedProcess(programPath('./fanout-stub.ts'), { core: 0 })
  const rows: Row[] = []
  for (const way of WAYS) {
    for (const members of isQuick ? [1_000, 10_000] : [1_000, 10_000, 100_000])
      rows.push(await measure(stub, way, members))
  }
  print(rows)
}

async function measure(stub: PinnedProcess, way: Way, members: number): Promise<Row> {
  const report = await send(stub, { way, members, isMemory: false })
  const { peakMiB: liveMiB } = await send(stub, { way, members, isMemory: true })
  return { ...report, way, members, liveMiB }
}

/** @throws if any member got nothing, or got it twice */
async function send(
  stub: PinnedProcess,
  plan: Omit<FanOutOrder, 'endpoint'>,
): Promise<FanOutReport & { readonly posts: number }> {
  const { way, members } = plan
  const { port } = await stub.ask<StubReport>({ members, latencyMs: LATENCY_MS } satisfies StubOrder)
  await using client = new PinnedProcess(programPath('./fanout-client.ts'), {
    core: 1,
    flags: ['--expose-gc'],
  })
  const order: FanOutOrder = { ...plan, endpoint: `http://127.0.0.1:${port}/bench` }
  const report = await client.ask<FanOutReport>(order)
  const { posts, servedOnce } = await stub.ask<StubReport>({ members: 0, latencyMs: 0 } satisfies StubOrder)
  if (servedOnce !== members || posts !== members || report.deadLetters > 0) {
    throw new Error(
      `${way} to ${members} members: ${servedOnce} got it once, with ${posts} posts and ${report.deadLetters} dead letters`,
    )
  }
  return { ...report, posts }
}

function programPath(file: string): string {
  return fileURLToPath(new URL(file, import.meta.url))
}

function print(rows: readonly Row[]): void {
  table(
    [
      'way',
      'members',
      'posts',
      'store reads',
      'ranges',
      'other tasks',
      'seconds',
      'posts/s',
      'CPU ms/1000',
      'live + MiB',
      'RSS + MiB',
    ],
    rows.map(({ way, members, posts, reads, ranges, otherTasks, ms, cpuMs, peakMiB, liveMiB }) => [
      way,
      members,
      posts,
      reads,
      ranges,
      otherTasks,
      ms / 1000,
      (posts / ms) * 1000,
      (cpuMs / posts) * 1000,
      liveMiB,
      peakMiB,
    ]),
  )
}
