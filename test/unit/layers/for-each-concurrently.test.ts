import { expect, test } from 'vitest'
import { forEachConcurrently } from '../../../shared/layers/for-each-concurrently.ts'

test('no more than the limit run at a time, in order, and all are visited', async () => {
  let running = 0
  let most = 0
  const visited: number[] = []

  await forEachConcurrently([1, 2, 3, 4, 5, 6, 7], 3, async (item) => {
    visited.push(item)
    running += 1
    most = Math.max(most, running)
    await new Promise((resolve) => setImmediate(resolve))
    running -= 1
  })

  expect(most).toBe(3)
  expect(visited).toEqual([1, 2, 3, 4, 5, 6, 7])
})

test('nothing to visit is no error', async () => {
  await expect(forEachConcurrently([], 3, () => Promise.reject(new Error('never')))).resolves.toBeUndefined()
})

test('after a failure nothing more is begun, what is under way ends, and the failure is told', async () => {
  const ended: number[] = []

  const visiting = forEachConcurrently([1, 2, 3, 4, 5], 2, async (item) => {
    await new Promise((resolve) => setImmediate(resolve))
    if (item === 1) throw new Error('boom')
    await new Promise((resolve) => setImmediate(resolve))
    ended.push(item)
  })

  await expect(visiting).rejects.toThrow('boom')
  expect(ended).toEqual([2])
})
