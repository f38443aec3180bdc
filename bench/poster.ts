import { table, type Target, target } from './figures.ts'
import type { BenchOptions } from './options.ts'
import { canPin } from './pinned-process.ts'
import { CONNECTIONS } from './poster-protocol.ts'
import { PosterRig, type WatchedRound } from './poster-rig.ts'
import { SOCKETS, type WayName } from './poster-ways.ts'
import { quantile } from './report.ts'

/** Latencies of the stub, in milliseconds: none shows the client's CPU, 15 what the service may take. */
const LATENCIES = [0, 15]
const SMALL_HEAP_MB = 96

/** Nothing of Node's can be faster than the raw sockets, so these tell whether the stub holds anybody up. */
const WAYS: readonly WayName[] = [
  'SDK as samples',
  'SDK tuned',
  'ManagementApiPoster',
  'FastPoster',
  'FastPoster, all at once',
  'raw, unsigned',
]

/** Medians of a way's runs against a stub of one latency. */
interface Figures {
  readonly way: WayName
  readonly coldPerSecond: number
  readonly coldCpu: number
  readonly warmPerSecond: number
  /** CPU milliseconds per 1000 posts. */
  readonly warmCpu: number
  /** Above an empty process. */
  readonly peakMiB: number
  /** Share of the time in which the stub was busy. */
  readonly stubBusy: number
  readonly sockets: number
  readonly stubLatencyMs: number
}

/** What it takes to post 200 bytes to 10 000 connections over TLS, beside the ways of the AWS SDK. */
export async function run({ runs, isQuick }: BenchOptions): Promise<void> {
  await using rig = await PosterRig.start()
  if (rig === undefined) {
    console.log('skipped: there is no openssl to make a certificate with')
    return
  }
  const where = canPin ? 'client and stub on a core each' : 'NOT pinned to cores (no taskset): read with care'
  console.log(
    `Node ${process.version}, ${where}; ${runs} interleaved runs, medians; a round is ${CONNECTIONS} posts.`,
  )
  console.log('Cold: the first round of a fresh process, its modules loaded. Warm: later rounds.')
  const empty = await medianOf(
    runs,
    async () => (await rig.run('nothing', { latencyMs: 0, rounds: 1 })).at(-1)?.peakMiB,
  )
  for (const latencyMs of LATENCIES) {
    const figures = await sweep(rig, { latencyMs, runs, rounds: isQuick ? 3 : 5, empty })
    print(latencyMs, figures)
    judge(latencyMs, figures)
  }
  await smallHeap(rig, empty)
}

interface SweepOptions {
  readonly latencyMs: number
  readonly runs: number
  readonly rounds: number
  readonly empty: number
}

/** Every way in turn, and that `runs` times: the machine's speed drifts for all alike. */
async function sweep(rig: PosterRig, options: SweepOptions): Promise<readonly Figures[]> {
  const { latencyMs, runs, rounds, empty } = options
  const runsOf = new Map<WayName, (readonly WatchedRound[])[]>(WAYS.map((way) => [way, []]))
  for (let turn = 0; turn < runs; turn++) {
    for (const way of WAYS) runsOf.get(way)?.push(await rig.run(way, { latencyMs, rounds }))
  }
  return [...runsOf].map(([way, watched]) => figuresOf(way, watched, empty))
}

function figuresOf(way: WayName, runs: readonly (readonly WatchedRound[])[], empty: number): Figures {
  const cold = runs.flatMap((rounds) => rounds.slice(0, 1))
  const warm = runs.flatMap((rounds) => rounds.slice(1))
  const median = (rounds: readonly WatchedRound[], of: (round: WatchedRound) => number): number =>
    quantile(rounds.map(of), 0.5)
  return {
    way,
    coldPerSecond: median(cold, perSecond),
    coldCpu: median(cold, cpuPerThousand),
    warmPerSecond: median(warm, perSecond),
    warmCpu: median(warm, cpuPerThousand),
    peakMiB:
      median(
        runs.flatMap((rounds) => rounds.slice(-1)),
        ({ peakMiB }) => peakMiB,
      ) - empty,
    stubBusy: median(warm, ({ stub, ms }) => stub.cpuMs / ms),
    sockets: median(warm, ({ stub }) => stub.mostSockets),
    stubLatencyMs: median(warm, ({ stub }) => stub.meanLatencyMs),
  }
}

function perSecond({ ms }: WatchedRound): number {
  return (CONNECTIONS / ms) * 1000
}

function cpuPerThousand({ cpuMs }: WatchedRound): number {
  return (cpuMs / CONNECTIONS) * 1000
}

function print(latencyMs: number, figures: readonly Figures[]): void {
  const samples = figures[0]
  console.log(`\nThe stub answers ${latencyMs === 0 ? 'at once' : `after ${latencyMs} ms`}:\n`)
  const headings = ['', 'cold posts/s', '×', 'CPU ms/1000', 'warm posts/s', '×', 'CPU ms/1000', 'peak + MiB']
  table(
    [...headings, 'sockets', 'stub busy %', 'stub latency ms'],
    figures.map((each) => [
      each.way,
      each.coldPerSecond,
      each.coldPerSecond / (samples?.coldPerSecond ?? Number.NaN),
      each.coldCpu,
      each.warmPerSecond,
      each.warmPerSecond / (samples?.warmPerSecond ?? Number.NaN),
      each.warmCpu,
      each.peakMiB,
      each.sockets,
      each.stubBusy * 100,
      each.stubLatencyMs,
    ]),
  )
  console.log()
}

function judge(latencyMs: number, figures: readonly Figures[]): void {
  const samples = figures.find(({ way }) => way === 'SDK as samples')
  if (!samples) return
  for (const fast of figures.filter(({ way }) => way.startsWith('FastPoster'))) {
    for (const figure of latencyMs === 0 ? atOnce(fast, samples) : delayed(fast, samples, latencyMs)) {
      target({ ...figure, what: `${fast.way}: ${figure.what}` })
    }
    target({
      what: `${fast.way}: peak memory above an empty process`,
      value: fast.peakMiB,
      unit: 'MiB',
      atMost: 110,
    })
  }
}

function atOnce(fast: Figures, samples: Figures): readonly Target[] {
  const unit = '× the samples'
  const [warm, cold] = [
    fast.warmPerSecond / samples.warmPerSecond,
    fast.coldPerSecond / samples.coldPerSecond,
  ]
  return [
    { what: 'posts per second, warm', value: warm, unit, atLeast: 8 },
    { what: 'posts per second, cold', value: cold, unit, atLeast: 5 },
  ]
}

function delayed(fast: Figures, samples: Figures, latencyMs: number): readonly Target[] {
  const { warmPerSecond, warmCpu } = fast
  const ideal = (SOCKETS * 1000) / latencyMs
  return [
    {
      what: 'posts per second, warm',
      value: warmPerSecond / samples.warmPerSecond,
      unit: '× the samples',
      atLeast: 7,
    },
    { what: 'CPU per 1000 posts', value: warmCpu / samples.warmCpu, unit: 'of the samples', atMost: 1 / 6 },
    { what: 'share of sockets / latency', value: (warmPerSecond / ideal) * 100, unit: '%', atLeast: 75 },
  ]
}

/** Whether posting survives a small heap, and what it needs then. */
async function smallHeap(rig: PosterRig, empty: number): Promise<void> {
  console.log(`\nWith a heap of ${SMALL_HEAP_MB} MB:\n`)
  for (const way of ['SDK as samples', 'FastPoster', 'FastPoster, all at once'] as const) {
    const outcome = await rig
      .run(way, { latencyMs: 0, rounds: 3, flags: [`--max-old-space-size=${SMALL_HEAP_MB}`] })
      .then(
        (rounds) =>
          `alive after ${rounds.length} rounds, ${Math.round((rounds.at(-1)?.peakMiB ?? 0) - empty)} MiB above empty`,
        (error: unknown) => (error instanceof Error ? error.message.split(' before ', 1)[0] : String(error)),
      )
    console.log(`${way}: ${outcome}`)
  }
}

async function medianOf(runs: number, measure: () => Promise<number | undefined>): Promise<number> {
  const values: number[] = []
  while (values.length < runs) values.push((await measure()) ?? Number.NaN)
  return quantile(values, 0.5)
}
