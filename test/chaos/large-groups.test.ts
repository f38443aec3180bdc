/**
 * A group that is cut into key ranges, while workers are killed, messages come twice and in another order, and the store
 * throttles. What `random-runs.test.ts` defines holds here too; a third of its seeds has ranges as well.
 */
import { describe, expect, test } from 'vitest'
import { ChaosRun } from './support/chaos-run.ts'
import { ChaosWorld } from './support/chaos-world.ts'
import { EVERYONE, WAYS } from './support/member-consumer.ts'
import { Random } from './support/random.ts'
import { report } from './support/report.ts'
import { sayToAll } from './support/reckoning.ts'
import { dynamodb, type MakeChaosStore, memory } from './support/stores.ts'

const MEMBERS = 60
const SENDS = 12

async function sendThroughTrouble(run: ChaosRun, world: ChaosWorld, random: Random): Promise<void> {
  const { faults } = world.gateway
  faults.shuffleMessages = true
  for (let sent = 0; sent < SENDS; sent += 1) {
    faults.killNextDeliveries(1, { afterPosts: 1 + random.below(4) })
    faults.duplicateNextMessages(2)
    const [by] = run.open
    if (by === undefined) throw new Error('everybody is gone')
    run.say(by, WAYS[sent % WAYS.length] ?? 'frame', EVERYONE)
    await expect.poll(() => run.ledger.isAnswered).toBe(true)
    // From here on workers walk their ranges.
    world.store.throttleNextCalls(random.below(6))
    await new Promise((resolve) => setTimeout(resolve, random.below(30)))
    world.store.clearFaults()
  }
}

describe.each<[string, MakeChaosStore]>([
  ['memory', memory],
  ['DynamoDB', dynamodb],
])('a large group on %s', (name, makeStore) => {
  test('every member gets every message, whatever happens to the ranges', { timeout: 120_000 }, async () => {
    const limits = { inlineMembers: 10, rangeMembers: 8, maxRanges: 3 }
    // A worker is killed for each send, and it may always be the same message that it had.
    const maxReceiveCount = SENDS + 1
    await using world = await ChaosWorld.start({ makeStore, pageSize: 10, fanOut: limits, maxReceiveCount })
    const random = new Random(60)
    const run = new ChaosRun(world, random)
    await run.gather(MEMBERS)
    await world.calm()

    await sendThroughTrouble(run, world, random)
    await world.calm()
    const verdict = run.ledger.judge(run.clients, world.queueLog)
    process.stdout.write(report(`a large group on ${name}`, run, world, verdict))

    expect(verdict.problems).toEqual([])
    expect(verdict.acknowledged).toBe(SENDS)
    expect(verdict.deliveries).toBe(SENDS * MEMBERS)
    expect(verdict.unexplained).toBe(0)
    expect(world.count('fanOutRanges')).toBeGreaterThan(SENDS)
    expect(world.queueLog.again).toBeGreaterThan(0)
    expect(world.gateway.deadLetters).toEqual([])
    expect(await sayToAll(run, world, await run.witness(), [EVERYONE])).toEqual([])
  })
})
