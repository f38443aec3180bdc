import { expect, test } from 'vitest'
import { PendingWork } from '../../../shared/gateway/pending-work.ts'

test('done() waits for all that was tracked, and for what was begun meanwhile', async () => {
  const work = new PendingWork()
  const first = Promise.withResolvers<void>()
  const second = Promise.withResolvers<void>()
  let isDone = false
  void work.track(first.promise.then(() => void work.track(second.promise)))

  const done = work.done().then(() => (isDone = true))
  first.resolve()
  await new Promise((resolve) => setImmediate(resolve))
  expect(isDone).toBe(false)

  second.resolve()
  await done
  expect(work.isDone).toBe(true)
})

test('what fails is its caller’s to handle, and holds up nobody', async () => {
  const work = new PendingWork()

  await expect(work.track(Promise.reject(new Error('boom')))).rejects.toThrow('boom')
  await work.done()

  expect(work.isDone).toBe(true)
})
