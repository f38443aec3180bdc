import { getEventListeners } from 'node:events'
import { expect, test } from 'vitest'
import { Receivers } from '../../../shared/stores/receivers.ts'

const message = { type: 'hello' }

test('who waits first is taken first, and put back first', async () => {
  const receivers = new Receivers()
  const [one, other] = [receivers.wait(undefined), receivers.wait(undefined)]
  const first = receivers.takeFirst()
  if (first) receivers.putBack(first)

  receivers.takeFirst()?.resolve({ type: 'first' })
  receivers.takeFirst()?.resolve({ type: 'second' })

  expect([await one, await other]).toEqual([{ type: 'first' }, { type: 'second' }])
  expect(receivers.isEmpty).toBe(true)
})

test('an abort takes a receiver out of the line, and no other', async () => {
  const receivers = new Receivers()
  const controller = new AbortController()
  const aborted = receivers.wait(controller.signal)
  const patient = receivers.wait(undefined)

  controller.abort(new Error('enough'))
  receivers.takeFirst()?.resolve(message)

  await expect(aborted).rejects.toThrow('enough')
  expect(await patient).toEqual(message)
})

test('who is aborted while somebody looks for a message gets it, or else the reason when put back', async () => {
  const controller = new AbortController()
  const receivers = new Receivers()
  const [lucky, unlucky] = [receivers.wait(controller.signal), receivers.wait(controller.signal)]
  const [first, second] = [receivers.takeFirst(), receivers.takeFirst()]

  controller.abort(new Error('enough'))
  first?.resolve(message)
  if (second) receivers.putBack(second)

  expect(await lucky).toEqual(message)
  await expect(unlucky).rejects.toThrow('enough')
  expect(receivers.isEmpty).toBe(true)
})

test('all who wait are told why nobody will come', async () => {
  const receivers = new Receivers()
  const waiting = [receivers.wait(undefined), receivers.wait(undefined)]

  receivers.rejectAll(new Error('closed'))

  const outcomes = await Promise.allSettled(waiting)
  expect(outcomes.map((outcome) => outcome.status)).toEqual(['rejected', 'rejected'])
})

test('a signal is left as it was, however the wait ends', async () => {
  const { signal } = new AbortController()
  const receivers = new Receivers()
  const waiting = [receivers.wait(signal), receivers.wait(signal)]
  receivers.takeFirst()?.resolve(message)
  receivers.takeFirst()?.reject(new Error('closed'))

  await Promise.allSettled(waiting)

  expect(getEventListeners(signal, 'abort')).toEqual([])
})
