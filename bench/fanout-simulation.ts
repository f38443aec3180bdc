import { FanOutRig, requireOnce } from './fanout-rig.ts'
import { table, target } from './figures.ts'
import { indexOf, LargeGroupStore } from './large-group.ts'
import { Memory } from './memory.ts'
import type { BenchOptions } from './options.ts'
import { SimulatedAccount, SimulatedPoster } from './simulated-account.ts'
import { VirtualClock } from './virtual-clock.ts'
import type { WorkerQueue } from './worker-queue.ts'

/** Requests per second of all APIs of an account, and at once. Source: docs/reference/limits.md */
const ACCOUNT_RATE = 10_000
const ACCOUNT_BURST = 5_000

/** What a post and a call of the store take, in milliseconds. */
const POST_MS = 15
const STORE_MS = 5
const SOCKETS = 256

interface Plan {
  readonly members: number
  readonly workers: number
}

interface Outcome {
  readonly seconds: number
  readonly throttled: number
  readonly queue: WorkerQueue
  readonly reads: number
  readonly peakMiB: number
}

/**
 * One group send to a million members where the account's limit decides: on a virtual clock, with everything real but
 * the wire, the store and the queue.
 */
export async function run({ isQuick }: BenchOptions): Promise<void> {
  const members = isQuick ? 200_000 : 1_000_000
  const limit = (members - ACCOUNT_BURST) / ACCOUNT_RATE
  console.log(
    `Virtual time. The account takes ${ACCOUNT_RATE} posts/s (${ACCOUNT_BURST} at once), a post ${POST_MS} ms; a worker has ${SOCKETS} sockets and gets batches of 10. All workers are in this process, and so is their memory.`,
  )
  console.log(`The limit itself takes ${limit} s for ${members} members.\n`)
  const outcomes: (Plan & Outcome)[] = []
  for (const workers of isQuick ? [10] : [2, 10, 40])
    outcomes.push({ members, workers, ...(await simulate({ members, workers })) })
  table(
    [
      'workers',
      'virtual s',
      '× limit',
      '429',
      'deferred alone',
      'ranges',
      'deepest cut',
      'store reads',
      'RSS + MiB',
    ],
    outcomes.map(({ workers, seconds, throttled, queue, reads, peakMiB }) => [
      workers,
      seconds,
      seconds / limit,
      throttled,
      queue.tasks('frames'),
      queue.tasks('group'),
      queue.deepest,
      reads,
      peakMiB,
    ]),
  )
  console.log()
  for (const { workers, seconds } of outcomes)
    target({
      what: `${members} members, ${workers} workers`,
      value: seconds / limit,
      unit: '× the limit',
      atMost: 1.05,
    })
}

async function simulate({ members, workers }: Plan): Promise<Outcome> {
  const clock = new VirtualClock()
  const store = new LargeGroupStore(members, { clock, latencyMs: STORE_MS })
  const posts = new Uint8Array(members)
  const account = new SimulatedAccount({
    clock,
    perSecond: ACCOUNT_RATE,
    burst: ACCOUNT_BURST,
    latencyMs: POST_MS,
    onPost: (id) => void (posts[indexOf(id)] = (posts[indexOf(id)] ?? 0) + 1),
  })
  const createPoster = (): SimulatedPoster => new SimulatedPoster(account, clock, SOCKETS)
  const rig = new FanOutRig({ clock, store, workers, createPoster })
  const memory = new Memory(false)
  const start = clock.now()
  await clock.pass(rig.send('frame'), () => memory.sample())
  requireOnce(posts)
  return {
    seconds: (clock.now() - start) / 1000,
    throttled: account.throttled,
    queue: rig.queue,
    reads: store.reads,
    peakMiB: memory.peakMiB,
  }
}
