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
  /** Of how many members one does not read: it is answered with 429 until all others have the frame. */
  readonly oneSlowOf?: number
}

interface Outcome {
  /** Until 99.9 % of the members who read had it: the others may wait in the queue behind those who do not. */
  readonly seconds: number
  /** Until the last of them had it. */
  readonly lastSeconds: number
  /** What the limit itself takes for the posts till then: the tries to members who do not read are some of them. */
  readonly limit: number
  readonly throttled: number
  readonly slowTries: number
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
  console.log(
    `Virtual time. The account takes ${ACCOUNT_RATE} posts/s (${ACCOUNT_BURST} at once), a post ${POST_MS} ms; a worker has ${SOCKETS} sockets and gets batches of 10. All workers are in this process, and so is their memory.`,
  )
  console.log(`The limit itself takes ${limitFor(members)} s for ${members} members who read.\n`)
  const outcomes: (Plan & Outcome)[] = []
  for (const plan of plansFor(members, isQuick)) outcomes.push({ ...plan, ...(await simulate(plan)) })
  table(
    [
      'workers',
      'slow',
      'virtual s',
      'last',
      '× limit',
      '429',
      'tries to slow',
      'deferred alone',
      'ranges',
      'deepest cut',
      'store reads',
      'RSS + MiB',
    ],
    outcomes.map((outcome) => [
      outcome.workers,
      slowShare(outcome.oneSlowOf),
      outcome.seconds,
      outcome.lastSeconds,
      outcome.seconds / outcome.limit,
      outcome.throttled,
      outcome.slowTries,
      outcome.queue.tasks('frames'),
      outcome.queue.tasks('group'),
      outcome.queue.deepest,
      outcome.reads,
      outcome.peakMiB,
    ]),
  )
  console.log()
  for (const { workers, oneSlowOf, seconds, limit } of outcomes)
    target({
      what: `${members} members, ${slowShare(oneSlowOf)} slow, ${workers} workers`,
      value: seconds / limit,
      unit: '× the limit',
      atMost: 1.05,
    })
}

function plansFor(members: number, isQuick: boolean): readonly Plan[] {
  if (isQuick)
    return [
      { members, workers: 10 },
      { members, workers: 10, oneSlowOf: 10 },
    ]
  return [
    { members, workers: 2 },
    { members, workers: 10 },
    { members, workers: 40 },
    { members, workers: 10, oneSlowOf: 100 },
    { members, workers: 10, oneSlowOf: 10 },
  ]
}

function slowShare(oneSlowOf: number | undefined): string {
  return oneSlowOf === undefined ? '0 %' : `${100 / oneSlowOf} %`
}

function limitFor(posts: number): number {
  return (posts - ACCOUNT_BURST) / ACCOUNT_RATE
}

async function simulate({ members, workers, oneSlowOf }: Plan): Promise<Outcome> {
  const clock = new VirtualClock()
  const start = clock.now()
  const store = new LargeGroupStore(members, { clock, latencyMs: STORE_MS })
  const posts = new Uint8Array(members)
  let waiting = oneSlowOf === undefined ? members : members - Math.ceil(members / oneSlowOf)
  const nearlyAll = Math.floor(waiting / 1000)
  const passed = (): number => (clock.now() - start) / 1000
  let then = { seconds: 0, limit: 0, throttled: 0, slowTries: 0 }
  let lastSeconds = 0
  const account = new SimulatedAccount({
    clock,
    perSecond: ACCOUNT_RATE,
    burst: ACCOUNT_BURST,
    latencyMs: POST_MS,
    onPost: (id) => {
      const index = indexOf(id)
      posts[index] = (posts[index] ?? 0) + 1
      waiting -= 1
      if (waiting === 0) lastSeconds = passed()
      if (waiting !== nearlyAll) return
      const { throttled, slow } = account
      then = { seconds: passed(), limit: limitFor(count(posts) + slow), throttled, slowTries: slow }
    },
    isSlow: (id) => oneSlowOf !== undefined && indexOf(id) % oneSlowOf === 0 && waiting > 0,
  })
  const createPoster = (): SimulatedPoster => new SimulatedPoster(account, clock, SOCKETS)
  const rig = new FanOutRig({ clock, store, workers, createPoster })
  const memory = new Memory(false)
  await clock.pass(rig.send('frame'), () => memory.sample())
  requireOnce(posts)
  return { ...then, lastSeconds, queue: rig.queue, reads: store.reads, peakMiB: memory.peakMiB }
}

function count(posts: Uint8Array): number {
  return posts.reduce((sum, each) => sum + each, 0)
}
