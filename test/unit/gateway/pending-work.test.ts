import { expect, test } from 'vitest'
import { PendingWork } from '../../../shared/gateway/pending-work.ts'

const boom = new Error('boom')

async function fail(): Promise<never> {
  throw boom
}

test('done() waits for all that was tracked, and for what was begun meanwhile', async () => {
  const work = new PendingWork<string>()
  const first = Promise.withResolvers<void>()
  const second = Promise.withResolvers<void>()
  let isDone = false
  void work.track(async () => {
    await first.promise
    void work.track(() => second.promise, 'inner')
  }, 'outer')

  const done = work.done().then(() => (isDone = true))
  first.resolve()
  await new Promise((resolve) => setImmediate(resolve))
  expect(isDone).toBe(false)

  second.resolve()
  await done
  expect(work.isDone).toBe(true)
})

test('a failure that its caller takes is the caller’s to handle, and holds up nobody', async () => {
  const work = new PendingWork<string>()

  await expect(work.track(fail, 'a')).rejects.toThrow('boom')
  await work.done()

  expect(work.isDone).toBe(true)
  expect(work.takeLost()).toEqual([])
})

test('a failure that nobody takes is no unhandled rejection, and is told once, with its owner', async () => {
  const work = new PendingWork<string>()

  // Vitest fails the run if this is an unhandled rejection.
  void work.track(fail, 'a')
  void work.track(async () => 'fine', 'b')
  await work.done()

  expect(work.takeLost()).toEqual([expect.objectContaining({ owner: 'a', error: boom })])
  expect(work.takeLost()).toEqual([])
})

test.each<[string, (work: Promise<unknown>) => Promise<unknown>]>([
  ['await', async (work) => await work],
  ['Promise.all', (work) => Promise.all([work, Promise.resolve()])],
  ['Promise.allSettled', (work) => Promise.allSettled([work])],
  ['catch()', (work) => work.catch(() => {})],
  ['finally()', (work) => work.finally(() => {})],
  ['being returned', async (work) => work],
])('%s takes a failure', async (_, take) => {
  const work = new PendingWork<string>()

  await take(work.track(fail, 'a')).catch(() => {})
  await work.done()

  expect(work.takeLost()).toEqual([])
})

test('a failure that is taken only after it has happened is taken', async () => {
  const work = new PendingWork<string>()
  const promise = work.track(fail, 'a')
  await work.done()

  await expect(promise).rejects.toBe(boom)

  expect(work.takeLost()).toEqual([])
})
