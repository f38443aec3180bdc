// Run as a program: one group send in a fresh process.
import { systemClock } from '../shared/clock.ts'
import { FastPoster } from '../shared/gateway/fast-poster.ts'
import { FanOutRig, type Way } from './fanout-rig.ts'
import { LargeGroupStore } from './large-group.ts'
import { Memory } from './memory.ts'

/** What a call of the store takes, in milliseconds. */
const STORE_MS = 5
/** A function has its process for itself, and so its memory. */
const WORKERS = 1

/** What is to be sent to how many, and where their `@connections` are. */
export interface FanOutOrder {
  readonly way: Way
  readonly members: number
  readonly endpoint: string
  /** Whether memory is measured, without garbage: nothing else counts then. */
  readonly isMemory: boolean
}

/** What one group send took. */
export interface FanOutReport {
  readonly reads: number
  /** Tasks in the queue that are ranges of the group, and others. */
  readonly ranges: number
  readonly otherTasks: number
  readonly deadLetters: number
  readonly ms: number
  readonly cpuMs: number
  /** The most that was in use, above what was before the send. */
  readonly peakMiB: number
}

const credentials = {
  accessKeyId: 'AKIDEXAMPLE',
  secretAccessKey: 'bench',
  sessionToken: 't'.repeat(705),
}

async function send({ way, members, endpoint, isMemory }: FanOutOrder): Promise<FanOutReport> {
  const store = new LargeGroupStore(members, { clock: systemClock, latencyMs: STORE_MS })
  const rig = new FanOutRig({
    clock: systemClock,
    store,
    workers: WORKERS,
    createPoster: () => new FastPoster({ endpoint, credentials: async () => credentials }),
  })
  const memory = new Memory(isMemory)
  const timer = setInterval(() => memory.sample(), 20)
  const cpu = process.cpuUsage()
  const start = performance.now()
  await rig.send(way)
  const ms = performance.now() - start
  const { user, system } = process.cpuUsage(cpu)
  clearInterval(timer)
  return {
    reads: store.reads,
    ranges: rig.queue.tasks('group'),
    otherTasks: rig.queue.tasks('frames') + rig.queue.tasks('event'),
    deadLetters: rig.queue.deadLetters,
    ms,
    cpuMs: (user + system) / 1000,
    peakMiB: memory.peakMiB,
  }
}

process.on('message', (order: FanOutOrder) => void send(order).then((report) => process.send?.(report)))
process.on('disconnect', () => process.exit())
