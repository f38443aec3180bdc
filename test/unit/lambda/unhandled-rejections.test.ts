import { EventEmitter } from 'node:events'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { surviveRejections } from '../../../shared/lambda/unhandled-rejections.ts'
import { containerPool } from '../../../local/container-pool.ts'
import { FakeLogger } from '../../support/fake-connection.ts'

interface Observed {
  readonly logger: FakeLogger
  readonly counts: unknown[]
}

/** A runtime that survives, as far as this goes. */
function surviving(target: EventEmitter): Observed {
  const logger = new FakeLogger()
  const counts: unknown[] = []
  surviveRejections({ logger, metrics: { count: (...count) => void counts.push(count) } }, target)
  return { logger, counts }
}

/** As Lambda's runtime listens up to Node 22, before it loads the function. Returns how often the process ended. */
function listenAsLambda(target: EventEmitter): () => number {
  let exits = 0
  const errorCallbacks = { unhandledRejection: (): number => (exits += 1) }
  target.on('unhandledRejection', () => {
    errorCallbacks.unhandledRejection()
  })
  return () => exits
}

test('a rejection that nobody awaits is logged and counted, and Lambda’s own listener does not end the process', () => {
  const target = new EventEmitter()
  const exits = listenAsLambda(target)
  const error = new Error('boom')

  const { logger, counts } = surviving(target)
  target.emit('unhandledRejection', error)

  expect(exits()).toBe(0)
  expect(counts).toEqual([['unhandledRejection', 1]])
  expect(logger.lines).toMatchObject([{ level: 'error', details: { error } }])
})

test('all other listeners are called as before, wherever they stand', () => {
  const target = new EventEmitter()
  const called: string[] = []
  target.on('unhandledRejection', () => called.push('preloaded'))
  const exits = listenAsLambda(target)
  target.on('unhandledRejection', () => called.push('before'))
  target.once('unhandledRejection', () => called.push('once'))

  surviving(target)
  target.on('unhandledRejection', () => called.push('after'))
  target.emit('unhandledRejection', new Error('boom'))

  expect(called).toEqual(['preloaded', 'before', 'once', 'after'])
  expect(exits()).toBe(0)
})

test('a second runtime takes nothing from the first: both log and count', () => {
  const target = new EventEmitter()
  listenAsLambda(target)

  const runtimes = [surviving(target), surviving(target)]
  target.emit('unhandledRejection', new Error('boom'))

  expect(runtimes.map(({ counts, logger }) => [counts.length, logger.lines.length])).toEqual([
    [1, 1],
    [1, 1],
  ])
})

test('a container survives an application that forgets a promise', async () => {
  const entry = fileURLToPath(new URL('fixtures/forgets-a-promise.ts', import.meta.url))
  const pool = containerPool({ entry, maxContainers: 1 })

  const results = [await pool.invoke({}), await pool.invoke({})]
  await pool.close()

  // Counted in the same container, so it was alive for both.
  expect(results).toEqual([
    { kind: 'ok', value: 1 },
    { kind: 'ok', value: 2 },
  ])
})
