import type { ChaosRun } from './chaos-run.ts'
import type { ChaosWorld } from './chaos-world.ts'
import type { Verdict } from './ledger.ts'

/** One line of figures. */
export function report(name: string, run: ChaosRun, world: ChaosWorld, verdict: Verdict): string {
  const { acknowledged, sends, deliveries, duplicates, unexplained } = verdict
  const { queueLog } = world
  return `${[
    `chaos on ${name}: ${run.clients.length} clients, ${run.open.length} stayed`,
    `${acknowledged} of ${sends} sends acknowledged, ${deliveries} deliveries due`,
    `${world.count('fanOutRanges')} ranges`,
    `${queueLog.size} queue deliveries, ${queueLog.again} of them again`,
    `${duplicates} duplicates, ${unexplained} of them by at most ${run.lostAnswers} lost answers`,
  ].join('; ')}\n`
}
