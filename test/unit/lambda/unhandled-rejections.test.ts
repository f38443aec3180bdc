import { EventEmitter } from 'node:events'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { surviveRejections } from '../../../shared/lambda/unhandled-rejections.ts'
import { containerPool } from '../../../local/container-pool.ts'
import { FakeLogger } from '../../support/fake-connection.ts'

test('a rejection that nobody awaits is logged and counted, and Lambda’s own listener does not end the process', () => {
  const target = new EventEmitter()
  let exits = 0
  target.on('unhandledRejection', () => (exits += 1))
  const logger = new FakeLogger()
  const counts: unknown[] = []
  const error = new Error('boom')

  surviveRejections({ logger, metrics: { count: (...count) => void counts.push(count) } }, target)
  target.emit('unhandledRejection', error)

  expect(exits).toBe(0)
  expect(counts).toEqual([['unhandledRejection', 1]])
  expect(logger.lines).toMatchObject([{ level: 'error', details: { error } }])
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
