import { describe, expect, it, vi } from 'vitest'
import { failureOfStatus } from '../../../shared/gateway/post-failure.ts'
import { PostPace } from '../../../shared/gateway/post-pace.ts'
import { retryPost } from '../../../shared/gateway/post-retry.ts'
import { ManualClock } from '../../../shared/testing/manual-clock.ts'
import { HastyClock } from '../../support/hasty-clock.ts'

const MOST = 64

describe('PostPace', () => {
  it('lets everybody in while nothing is throttled, more than the poster has under way', () => {
    const { pace } = makePace()
    const turns = Array.from({ length: 10 * MOST }, () => pace.enter(undefined))
    expect(turns.every((turn) => turn === undefined)).toBe(true)
  })

  it('asks for no more than was accepted, once more than a tenth is throttled', () => {
    const { pace, window } = makePace()
    window({ answers: 100, throttled: 50 })
    expect(room(pace)).toBe(Math.floor(MOST * 0.5 * 0.95))
  })

  it('bears a tenth', () => {
    const { pace, window } = makePace()
    window({ answers: 100, throttled: 10 })
    expect(pace.isThrottled).toBe(false)
    expect(room(pace)).toBe(Infinity)
  })

  it('slows down to a tenth in one window at most, and to one try at a time in the end', () => {
    const { pace, window } = makePace()
    window({ answers: 100, throttled: 100 })
    expect(room(pace)).toBe(Math.floor(MOST * 0.1 * 0.95))
    window({ answers: 100, throttled: 100 })
    window({ answers: 100, throttled: 100 })
    expect(room(pace)).toBe(1)
  })

  it('is not slowed down by one client that does not read, however often it is posted to', () => {
    const { pace, clock } = makePace()
    for (let post = 0; post < 1_000; post++) {
      void pace.enter(undefined)
      pace.leave(pace.round, post % 2 === 0 ? 'slow=' : undefined)
      clock.time += 1
    }
    expect(pace.isThrottled).toBe(false)
    expect(room(pace)).toBe(Infinity)
  })

  it('is not slowed down by further tries of calls, which go to clients that do not read', () => {
    const { pace, clock } = makePace()
    for (let post = 0; post < 1_000; post++) {
      void pace.enter(undefined)
      pace.leave(undefined, `slow${post}=`)
      clock.time += 1
    }
    expect(room(pace)).toBe(Infinity)
  })

  it('does not judge before as many tries have ended as are under way', () => {
    const { pace, window } = makePace()
    window({ answers: MOST - 1, throttled: MOST - 1 })
    expect(room(pace)).toBe(Infinity)
    window({ answers: 1, throttled: 1 })
    expect(room(pace)).toBeLessThan(MOST)
  })

  it('judges what was begun at its present pace only', () => {
    const { pace, window, clock } = makePace()
    const before = pace.round
    for (let post = 0; post < 500; post++) void pace.enter(undefined)
    window({ answers: 100, throttled: 50 })
    clock.time += 1_000
    for (let post = 0; post < 500; post++) pace.leave(before, `late${post}=`)
    expect(room(pace)).toBe(Math.floor(MOST * 0.5 * 0.95))
  })

  it('adds a little with each window without a 429, more each time, until nothing holds it back', () => {
    const { pace, window } = makePace()
    window({ answers: 100, throttled: 75 })
    const rooms = [room(pace)]
    for (let turn = 0; turn < 20 && rooms.at(-1) !== Infinity; turn++) {
      window({ answers: 100, throttled: 0 })
      rooms.push(room(pace))
    }
    expect(rooms).toEqual([15, 15, 16, 17, 19, 21, 25, 31, 39, 52, Infinity])
  })

  it('gets faster as well while a tenth is throttled: as many clients may not read', () => {
    const { pace, window } = makePace()
    slowToOne(window)
    for (let turn = 0; turn < 20; turn++) window({ answers: 100, throttled: 10 })
    expect(room(pace)).toBe(Infinity)
  })

  it('leaves out a later 429 for each that was given back, and that one can be given back as well', () => {
    const { pace, window } = makePace()
    const counted = window({ answers: 100, throttled: 50 })
    expect(counted).toBe(50)
    const slowed = room(pace)
    for (let turn = 0; turn < 3; turn++) {
      for (let post = 0; post < counted; post++) pace.giveBack()
      expect(window({ answers: 100, throttled: 50 })).toBe(50)
    }
    expect(room(pace)).toBeGreaterThan(slowed)
    window({ answers: 100, throttled: 50 })
    expect(room(pace)).toBeLessThan(slowed)
  })

  it('counts a connection once in a window, so that no more than that can be given back', () => {
    const { pace, clock } = makePace()
    const counted = Array.from({ length: 10 }, () => {
      void pace.enter(undefined)
      return pace.leave(pace.round, 'slow=')
    })
    expect(counted.filter(Boolean)).toHaveLength(1)
    clock.time += 1
    void pace.enter(undefined)
    expect(pace.leave(undefined, 'other=')).toBe(false)
  })

  it('is let go after five seconds without slowing down, however few answers there were', () => {
    const { pace, window, clock } = makePace()
    slowToOne(window)
    clock.time += 4_999
    expect(room(pace)).toBe(1)
    clock.time += 1
    expect(room(pace)).toBe(Infinity)
    expect(pace.isThrottled).toBe(false)
  })

  it('lets those in who wait, in their order, as tries end and as it gets faster', async () => {
    const { pace, window } = makePace()
    slowToOne(window)
    const order: number[] = []
    const first = pace.enter(undefined)
    for (let post = 0; post < 3; post++) void pace.enter(undefined)?.then(() => order.push(post))
    expect(first).toBeUndefined()
    await settled()
    expect(order).toEqual([])
    pace.leave(undefined)
    await settled()
    expect(order).toEqual([0])
    pace.leave(undefined)
    await settled()
    expect(order).toEqual([0, 1])
  })

  it('lets go of a try whose time is over while it waits', async () => {
    const { pace, window } = makePace()
    slowToOne(window)
    void pace.enter(undefined)
    const controller = new AbortController()
    const waiting = pace.enter(controller.signal)
    const next = pace.enter(undefined)
    controller.abort(new Error('out of time'))
    await expect(waiting).rejects.toThrow('out of time')
    pace.leave(undefined)
    await next
    await expect(pace.enter(AbortSignal.abort(new Error('too late')))).rejects.toThrow('too late')
  })
})

describe('retryPost at a pace', () => {
  it('keeps no place while it waits for its next try', async () => {
    const clock = new ManualClock()
    const { pace, window } = makePace()
    slowToOne(window)
    let isThrottled = true
    const first = retryPost({ maxTries: 4, clock, pace, random: () => 1 }, call('a='), () =>
      isThrottled ? throttled() : ok(),
    )
    await settled()
    expect(clock.sleeping).toBe(1)
    isThrottled = false
    await retryPost({ maxTries: 4, clock, pace }, call('b='), ok)
    await clock.advance(100)
    await first
  })

  it('does not hold the 429s of a throttled account against a connection, and yet gives up in the end', async () => {
    const clock = new HastyClock()
    const { pace, window } = makePace()
    window({ answers: 100, throttled: 50 })
    let tries = 0
    const failure = retryPost({ maxTries: 4, clock, pace, random: () => 1 }, call('a='), () => {
      tries += 1
      return throttled()
    })
    await expect(failure).rejects.toThrow('gave up after 8 tries')
    expect(tries).toBe(8)
    expect(clock.sleeps).toEqual([100, 100, 100, 100, 100, 200, 400])
  })

  it.each([
    [299, 0],
    [300, 1],
  ])('blames the client once, if it is throttled again 300 ms later: %i ms, %i times', async (ms, times) => {
    const { pace, clock } = makePace()
    const giveBack = vi.spyOn(pace, 'giveBack')
    let tries = 0
    await retryPost({ maxTries: 4, clock, pace }, call('a='), async () => {
      tries += 1
      if (tries === 2) clock.time += ms
      if (tries < 4) await throttled()
    })
    expect(giveBack).toHaveBeenCalledTimes(times)
  })

  it('uses up its tries with every other failure', async () => {
    const { pace, window } = makePace()
    window({ answers: 100, throttled: 50 })
    const failure = retryPost({ maxTries: 4, clock: new HastyClock(), pace }, call('a='), unavailable)
    await expect(failure).rejects.toThrow('gave up after 4 tries')
  })

  it('gives back its place whatever comes of a try', async () => {
    const { pace, window } = makePace()
    slowToOne(window)
    const policy = { maxTries: 2, clock: new HastyClock(), pace }
    await Promise.allSettled(
      [throttled, unavailable, () => Promise.reject(new TypeError('a defect')), ok].map((attempt, index) =>
        retryPost(policy, call(`${index}=`), attempt),
      ),
    )
    expect(pace.enter(undefined)).toBeUndefined()
  })
})

interface Window {
  readonly answers: number
  readonly throttled: number
}

/** A pace, and a way to end so many tries of as many connections in 50 ms, which returns how many 429s were counted. */
function makePace(): { pace: PostPace; clock: HastyClock; window: (window: Window) => number } {
  const clock = new HastyClock()
  const pace = new PostPace({ clock, mostAtOnce: MOST })
  const window = ({ answers, throttled }: Window): number => {
    const { round } = pace
    let counted = 0
    for (let post = 0; post < answers; post++) {
      void pace.enter(undefined)
      if (post === answers - 1) clock.time += 50
      if (pace.leave(round, post < throttled ? `c${post}=` : undefined)) counted += 1
    }
    return counted
  }
  return { pace, clock, window }
}

function slowToOne(window: (window: Window) => void): void {
  for (let turn = 0; turn < 3; turn++) window({ answers: 100, throttled: 100 })
}

/** How many tries may be under way. */
function room(pace: PostPace): number {
  let entered = 0
  const controller = new AbortController()
  while (entered < 2 * MOST) {
    const turn = pace.enter(controller.signal)
    if (turn !== undefined) {
      turn.catch(() => {})
      break
    }
    entered += 1
  }
  controller.abort()
  for (let left = 0; left < entered; left++) pace.leave(undefined)
  return entered === 2 * MOST ? Infinity : entered
}

function call(connectionId: string): { readonly method: 'POST'; readonly connectionId: string } {
  return { method: 'POST', connectionId }
}

function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

async function ok(): Promise<void> {}

async function throttled(): Promise<never> {
  throw failureOfStatus(call('a='), 429, '')
}

async function unavailable(): Promise<never> {
  throw failureOfStatus(call('a='), 503, '')
}
