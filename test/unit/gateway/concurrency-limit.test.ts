import { describe, expect, it } from 'vitest'
import { ConcurrencyLimit } from '../../../shared/gateway/concurrency-limit.ts'

describe('ConcurrencyLimit', () => {
  it('never runs more tasks at a time than it may, and runs all in order', async () => {
    const limit = new ConcurrencyLimit(3)
    const started: number[] = []
    let running = 0
    let most = 0
    await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        limit.run(undefined, async () => {
          started.push(index)
          running += 1
          most = Math.max(most, running)
          await new Promise(setImmediate)
          running -= 1
        }),
      ),
    )
    expect(most).toBe(3)
    expect(started).toEqual(Array.from({ length: 20 }, (_, index) => index))
  })

  it('gives the place of a task that failed to the next', async () => {
    const limit = new ConcurrencyLimit(1)
    const failed = limit.run(undefined, () => Promise.reject(new Error('no')))
    const next = limit.run(undefined, async () => 'next')
    await expect(failed).rejects.toThrow('no')
    expect(await next).toBe('next')
  })

  it('lets go of a task that is aborted while it waits', async () => {
    const limit = new ConcurrencyLimit(1)
    const first = Promise.withResolvers<void>()
    const running = limit.run(undefined, () => first.promise)
    const controller = new AbortController()
    const aborted = limit.run(controller.signal, async () => 'never')
    const after = limit.run(undefined, async () => 'after')
    controller.abort(new Error('too late'))
    await expect(aborted).rejects.toThrow('too late')
    first.resolve()
    await running
    expect(await after).toBe('after')
  })
})
