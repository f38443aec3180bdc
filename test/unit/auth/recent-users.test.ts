import { expect, test } from 'vitest'
import { RecentUsers } from '../../../shared/auth/recent-users.ts'
import type { User } from '../../../shared/auth/user.ts'
import { ManualClock } from '../../../shared/testing/manual-clock.ts'

interface Tagged extends User {
  readonly id: string
  readonly tags: readonly string[]
}

test('events at a time share one load, and a user that none of them can change', async () => {
  const recent = new RecentUsers<Tagged>(new ManualClock(), 30)
  let loads = 0
  const load = async (): Promise<Tagged> => {
    loads += 1
    return { id: 'ann', tags: ['staff'] }
  }

  const [first, second] = await Promise.all([recent.get('k', load), recent.get('k', load)])

  expect(loads).toBe(1)
  expect(first).toBe(second)
  expect(Object.isFrozen(first)).toBe(true)
  expect(Object.isFrozen((first as Tagged).tags)).toBe(true)
})

test('a load that fails late does not drop the answer of one that came after it', async () => {
  const clock = new ManualClock()
  const recent = new RecentUsers<User>(clock, 30)
  const slow = Promise.withResolvers<User>()
  const first = recent.get('k', () => slow.promise)
  await clock.advance(31_000)
  await recent.get('k', async () => ({ id: 'second' }))

  slow.reject(new Error('late'))
  await expect(first).rejects.toThrow('late')

  expect(await recent.get('k', async () => ({ id: 'third' }))).toEqual({ id: 'second' })
})

test('no more are kept than fit', async () => {
  const recent = new RecentUsers<User>(new ManualClock(), 30)
  for (let index = 0; index <= 10_000; index += 1) await recent.get(`k${index}`, async () => ({ id: index }))

  expect(await recent.get('k10000', async () => ({ id: 'again' }))).toEqual({ id: 10_000 })
  expect(await recent.get('k0', async () => ({ id: 'again' }))).toEqual({ id: 'again' })
})
