/**
 * Random runs: a local gateway with real sockets, functions in this process, one of the three stores, and everything
 * going wrong that AWS lets go wrong. What is checked is what the library promises:
 *
 * - A send is **acknowledged** once `groupSend`, `groupSendFrame` or `send` has resolved; the sender's consumer says so.
 * - A client is a **member** from when its consumer has told it that `groupAdd` resolved (of its own groups, from when it
 *   is open) until it asks to leave, closes or vanishes.
 * - Whoever was a member before a client sent, and still is at the end, gets the message **at least once** if the send was
 *   acknowledged. Nobody gets what is excluded, or of a group that it never joined.
 * - **Duplicates** have a cause: a post whose answer was lost is made again, which may make one; a queue message that was
 *   handed out again may make as many for a member as there were hand-outs of messages that owe it that frame. A run
 *   without these has none.
 * - Frames of one invocation to one connection first arrive in order, all of them or none.
 * - **No live member is removed**, nor closed by the server; every dead one is gone after one more send to its groups.
 * - At the end **nothing is stored** any more, and there is no dead letter.
 *
 * Only delivery workers are killed: who invoked `$default` gets no second try from API Gateway, so what such an invocation
 * has not done when it dies is not acknowledged.
 *
 * `CHAOS_RUNS=20 npx vitest run test/chaos` for many runs, `CHAOS_SEED=…` for one again. Sockets and timers have a will of
 * their own: the same seed makes the same choices, and nearly the same run.
 */
import { describe, expect, test } from 'vitest'
import { hasRedis } from '../support/redis.ts'
import { ChaosRun, GROUPS } from './support/chaos-run.ts'
import { ChaosWorld } from './support/chaos-world.ts'
import { EVERYONE } from './support/member-consumer.ts'
import { Random } from './support/random.ts'
import { report } from './support/report.ts'
import { expectEmptyWorld, expectExactMembers, sayToAll } from './support/reckoning.ts'
import { dynamodb, type MakeChaosStore, memory, redis } from './support/stores.ts'

// Few clients read as many: groups on one page, on several, and cut into key ranges.
const SIZES = [
  {},
  { pageSize: 4 },
  { pageSize: 7, fanOut: { inlineMembers: 7, rangeMembers: 5, maxRanges: 4 } },
] as const

/**
 * A message that is killed each time it is handed out becomes a dead letter, rightly: a run kills more often than the five
 * times of a queue that nobody has set up. What a store fails costs no such time (single-faults.test.ts has the default).
 */
const MAX_RECEIVE_COUNT = 50

const RUNS = Number(process.env['CHAOS_RUNS'] ?? SIZES.length)
const SEED = process.env['CHAOS_SEED']
// One after the other, so that every size has its turn.
const first = Math.floor(Math.random() * 2 ** 31)
const seeds = SEED === undefined ? Array.from({ length: RUNS }, (_, run) => first + run) : [Number(SEED)]

function runs(name: string, makeStore: MakeChaosStore): void {
  test.each(seeds)(
    `nobody who stays misses anything, and nothing stays behind: ${name}, CHAOS_SEED=%i`,
    async (seed) => {
      const size = SIZES[seed % SIZES.length]
      await using world = await ChaosWorld.start({ makeStore, maxReceiveCount: MAX_RECEIVE_COUNT, ...size })
      const run = new ChaosRun(world, new Random(seed))

      await run.chaos()
      await world.calm()

      const witness = await run.witness()
      const lastWords = await sayToAll(run, world, witness, [...GROUPS, EVERYONE])
      const verdict = run.ledger.judge(run.clients, world.queueLog)
      process.stdout.write(report(`${name}, seed ${seed}`, run, world, verdict))
      expect(verdict.problems).toEqual([])
      expect(verdict.unexplained).toBeLessThanOrEqual(run.lostAnswers)
      expect(lastWords).toEqual([])
      await expectExactMembers(run, world, [...GROUPS, EVERYONE])
      expect(world.gateway.deadLetters).toEqual([])
      await expectEmptyWorld(run, world, { witness, groups: [...GROUPS, EVERYONE] })
    },
  )
}

describe('chaos', { timeout: 120_000 }, () => {
  runs('memory', memory)
  runs('DynamoDB', dynamodb)
  describe.skipIf(!hasRedis())('Redis', () => runs('Redis', redis))
})
