import { describe, expect, it } from 'vitest'
import { ConcurrencyLimit } from '../../../shared/gateway/concurrency-limit.ts'
import { failureOfStatus } from '../../../shared/gateway/post-failure.ts'
import { PostPace } from '../../../shared/gateway/post-pace.ts'
import { retryPost } from '../../../shared/gateway/post-retry.ts'
import { ManualClock } from '../../../shared/testing/manual-clock.ts'

const MOST = 64
const POST_MS = 15

describe('a poster, some of whose clients do not read', () => {
  it('gets over a throttled account, with one of 20 clients that does not read', async () => {
    const poster = new PacedPoster()
    await poster.throttleAccount()
    const group = { members: 20, slow: 1 }
    const times: number[] = []
    for (let turn = 0; turn < 8; turn++) times.push(await poster.broadcast(group))
    expect(times[0]).toBeGreaterThanOrEqual(19 * POST_MS)
    expect(times.at(-1)).toBeLessThanOrEqual(4 * POST_MS)
  })

  it.each([8, 15, 50, 90])(
    'reaches the others at nearly its full pace: %i of 100 do not read',
    async (percent) => {
      const poster = new PacedPoster()
      const group = { members: 500, slow: 5 * percent }
      for (let turn = 0; turn < 4; turn++) expect(await poster.broadcast(group)).toBeLessThan(1_200)
      // 8 turns of 64 tries, and room for what is tried again.
      for (let turn = 0; turn < 10; turn++) expect(await poster.broadcast(group)).toBeLessThan(16 * POST_MS)
    },
  )

  it('reaches another group as fast as before', async () => {
    const poster = new PacedPoster()
    await poster.broadcast({ members: 300, slow: 150 })
    for (let turn = 0; turn < 5; turn++) {
      expect(await poster.broadcast({ members: 300, slow: 0, name: 'other' })).toBeLessThan(15 * POST_MS)
      await poster.broadcast({ members: 300, slow: 150 })
    }
  })

  it('gives up on these after a bounded number of tries', async () => {
    const poster = new PacedPoster()
    await poster.throttleAccount()
    await poster.broadcast({ members: 60, slow: 40 })
    expect(poster.gaveUp).toBe(40)
    expect(Math.max(...poster.tries.values())).toBeLessThanOrEqual(8)
  })

  it('still slows down when it is the account that is full', async () => {
    const poster = new PacedPoster()
    await poster.broadcast({ members: 500, slow: 250 })
    // Three tries at a time.
    poster.accountPerMs = 0.2
    const other = { members: 150, slow: 0, name: 'other' }
    for (let turn = 0; turn < 5; turn++) await poster.broadcast(other)
    poster.tries.clear()
    for (let turn = 0; turn < 5; turn++) await poster.broadcast(other)
    const tries = [...poster.tries.values()].reduce((sum, each) => sum + each, 0)
    expect(tries / (5 * 150)).toBeLessThan(1.5)
  })
})

interface Group {
  readonly members: number
  /** How many of them do not read, spread over the group. */
  readonly slow: number
  readonly name?: string
}

/** Posts at a pace, in virtual time, to clients of which some never read. */
class PacedPoster {
  accountPerMs = Infinity
  gaveUp = 0
  readonly tries = new Map<string, number>()
  readonly #clock = new ManualClock()
  readonly #pace = new PostPace({ clock: this.#clock, mostAtOnce: MOST })
  readonly #sockets = new ConcurrencyLimit(MOST)
  readonly #random = makeRandom()
  #taken = 0
  #takenSince = 0

  /** Leaves the pace at one try at a time. */
  async throttleAccount(): Promise<void> {
    for (let window = 0; window < 3; window++) {
      const { round } = this.#pace
      for (let post = 0; post < 100; post++) {
        void this.#pace.enter(undefined)
        if (post === 99) await this.#clock.advance(50)
        this.#pace.leave(round, `throttled${post}=`)
      }
    }
  }

  /** Resolves to the milliseconds until the last who reads had it; 100 ms after all is done. */
  async broadcast({ members, slow, name = 'group' }: Group): Promise<number> {
    const start = this.#clock.now()
    let end = start
    const posts = Array.from({ length: members }, async (_, index) => {
      const isSlow = ((index + 1) * slow) % members < slow
      try {
        await this.#post(`${name}${index}=`, isSlow)
        end = this.#clock.now()
      } catch {
        this.gaveUp += 1
      }
    })
    await pass(this.#clock, Promise.all(posts))
    await this.#clock.advance(100)
    return end - start
  }

  #post(connectionId: string, isSlow: boolean): Promise<void> {
    const call = { method: 'POST', connectionId } as const
    const policy = { maxTries: 4, clock: this.#clock, pace: this.#pace, random: this.#random }
    const attempt = async (): Promise<void> => {
      this.tries.set(connectionId, (this.tries.get(connectionId) ?? 0) + 1)
      const isAccepted = this.#take()
      await this.#clock.sleep(POST_MS)
      if (isSlow || !isAccepted) throw failureOfStatus(call, 429, '')
    }
    return retryPost(policy, call, () => this.#sockets.run(undefined, attempt))
  }

  #take(): boolean {
    const now = this.#clock.now()
    this.#taken = Math.max(0, this.#taken - (now - this.#takenSince) * this.accountPerMs) || 0
    this.#takenSince = now
    if (this.#taken >= 1) return false
    this.#taken += this.accountPerMs === Infinity ? 0 : 1
    return true
  }
}

/** Lets time pass until `work` is done. */
async function pass(clock: ManualClock, work: Promise<unknown>): Promise<void> {
  const progress = { isDone: false }
  void work.then(() => (progress.isDone = true))
  for (let ms = 0; !progress.isDone; ms++) {
    if (ms === 600_000) throw new Error('not done after ten virtual minutes')
    await clock.advance(1)
  }
}

/** The same numbers from 0 up to 1 each time. */
function makeRandom(): () => number {
  let seed = 1
  return () => {
    seed = (seed * 48_271) % 2_147_483_647
    return seed / 2_147_483_647
  }
}
