import { expect, test } from 'vitest'
import { ManualClock } from '../../../shared/testing/manual-clock.ts'

test('it stands still until it is turned', async () => {
  const clock = new ManualClock(1_000)

  expect(clock.now()).toBe(1_000)
  await clock.advance(500)
  expect(clock.now()).toBe(1_500)
})

test('sleepers wake at their times, in order, those included that begin to sleep meanwhile', async () => {
  const clock = new ManualClock(0)
  const woken: [string, number][] = []
  const sleep = async (name: string, ms: number): Promise<void> => {
    await clock.sleep(ms)
    woken.push([name, clock.now()])
  }
  const all = [
    sleep('late', 300),
    sleep('early', 100).then(() => sleep('again', 100)),
    sleep('never', 10_000),
  ]

  await clock.advance(1_000)

  expect(woken).toEqual([
    ['early', 100],
    ['again', 200],
    ['late', 300],
  ])
  expect(clock.sleeping).toBe(1)
  await clock.advance(9_000)
  await Promise.all(all)
})

test('a sleep that is aborted rejects with the reason, and is forgotten', async () => {
  const clock = new ManualClock()
  const abort = new AbortController()
  const sleep = clock.sleep(100, abort.signal)

  abort.abort(new Error('enough'))

  await expect(sleep).rejects.toThrow('enough')
  expect(clock.sleeping).toBe(0)
  await expect(clock.sleep(100, abort.signal)).rejects.toThrow('enough')
})
