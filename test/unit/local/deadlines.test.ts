import { expect, test } from 'vitest'
import { Deadlines } from '../../../local/deadlines.ts'
import { ManualClock } from '../../../shared/testing/manual-clock.ts'

test('each deadline expires at its own time, and a cleared one never', async () => {
  const clock = new ManualClock()
  const deadlines = new Deadlines(clock, 100)
  const expired: string[] = []
  deadlines.set(() => expired.push('first'))
  await clock.advance(40)
  const cleared = deadlines.set(() => expired.push('cleared'))
  deadlines.set(() => expired.push('second'))
  deadlines.clear(cleared)

  await clock.advance(59)
  expect(expired).toEqual([])
  await clock.advance(1)
  expect(expired).toEqual(['first'])
  await clock.advance(39)
  expect(expired).toEqual(['first'])
  await clock.advance(1)
  expect(expired).toEqual(['first', 'second'])
})

test('a deadline that is set while the clock sleeps for a cleared one is not forgotten', async () => {
  const clock = new ManualClock()
  const deadlines = new Deadlines(clock, 100)
  let hasExpired = false
  deadlines.clear(deadlines.set(() => undefined))
  await clock.advance(50)
  deadlines.set(() => {
    hasExpired = true
  })

  await clock.advance(99)
  expect(hasExpired).toBe(false)
  await clock.advance(1)
  expect(hasExpired).toBe(true)
})

test('after close nothing expires and the clock is left alone', async () => {
  const clock = new ManualClock()
  const deadlines = new Deadlines(clock, 100)
  let hasExpired = false
  deadlines.set(() => {
    hasExpired = true
  })

  deadlines.close()
  await clock.advance(200)

  expect(hasExpired).toBe(false)
  expect(clock.sleeping).toBe(0)
})
