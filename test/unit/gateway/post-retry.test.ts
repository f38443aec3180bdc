import { describe, expect, it } from 'vitest'
import { ConnectionGoneError, DeliveryError } from '../../../shared/errors.ts'
import { systemClock } from '../../../shared/clock.ts'
import { HttpFailure } from '../../../shared/http/http-failure.ts'
import { failureOfStatus, failureOfTransport } from '../../../shared/gateway/post-failure.ts'
import { PostPace } from '../../../shared/gateway/post-pace.ts'
import { type RetryPolicy, retryPost } from '../../../shared/gateway/post-retry.ts'
import { HastyClock } from '../../support/hasty-clock.ts'

const CALL = { method: 'POST', connectionId: 'abc=' } as const

describe('retryPost', () => {
  it('waits a random part of 100 ms, 200 ms, 400 ms, … up to 2 s', async () => {
    const clock = new HastyClock()
    await expect(
      retryPost(policy({ maxTries: 8, clock, random: () => 0.5 }), CALL, throttled),
    ).rejects.toThrow('8 tries')
    expect(clock.sleeps).toEqual([50, 100, 200, 400, 800, 1000, 1000])
  })

  it('does not wait after a stale socket', async () => {
    const clock = new HastyClock()
    const outcomes = [new HttpFailure('stale', 'closed'), undefined]
    await retryPost(policy({ maxTries: 2, clock }), CALL, async () => {
      const failure = outcomes.shift()
      if (failure) throw failureOfTransport(CALL, failure)
    })
    expect(clock.sleeps).toEqual([])
  })

  it('says how often it tried, and keeps the last failure as the cause', async () => {
    const failure = retryPost(policy({ maxTries: 2 }), CALL, throttled)
    await expect(failure).rejects.toThrow(
      /gave up after 2 tries: POST of connection "abc=" was answered with 429/,
    )
    await expect(failure).rejects.toMatchObject({ status: 429, retryable: true, cause: { status: 429 } })
  })

  it.each([
    new ConnectionGoneError('gone'),
    new DeliveryError('forbidden', { retryable: false }),
    new TypeError('a defect'),
  ])('passes on at once what another try cannot help: %s', async (error) => {
    let tries = 0
    const failure = retryPost(policy({ maxTries: 4 }), CALL, async () => {
      tries += 1
      throw error
    })
    await expect(failure).rejects.toBe(error)
    expect(tries).toBe(1)
  })

  it("rejects with the signal's reason while it waits", async () => {
    const controller = new AbortController()
    const reason = new Error('out of time')
    const failure = retryPost(
      policy({ maxTries: 2, clock: systemClock, random: () => 1 }),
      { ...CALL, signal: controller.signal },
      async () => {
        setImmediate(() => controller.abort(reason))
        return throttled()
      },
    )
    await expect(failure).rejects.toBe(reason)
  })
})

describe('failureOfStatus', () => {
  it('quotes only the start of a long body', () => {
    const { message } = failureOfStatus(CALL, 500, 'x'.repeat(10_000))
    expect(message).toContain('xxx…')
    expect(message.length).toBeLessThan(500)
  })

  it.each([
    [408, true],
    [429, true],
    [500, true],
    [503, true],
    [301, false],
    [400, false],
    [403, false],
    [404, false],
  ])('says whether another try can help: %i %s', (status, retryable) => {
    expect(failureOfStatus(CALL, status, '')).toMatchObject({ retryable, status })
  })
})

function policy(options: Omit<Partial<RetryPolicy>, 'pace'>): RetryPolicy {
  const { clock = new HastyClock() } = options
  return { maxTries: 4, clock, pace: new PostPace({ clock, mostAtOnce: 256 }), ...options }
}

async function throttled(): Promise<never> {
  throw failureOfStatus(CALL, 429, '')
}
