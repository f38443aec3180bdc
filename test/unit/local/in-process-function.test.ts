import { expect, test } from 'vitest'
import { inProcessFunction } from '../../../local/in-process-function.ts'
import { ManualClock } from '../../../shared/testing/manual-clock.ts'

test('event and result go through JSON', async () => {
  const event = { when: new Date(0), nothing: undefined }
  const target = inProcessFunction((received: unknown) => Promise.resolve({ received, extra: undefined }))

  const result = await target.invoke(event)

  expect(result).toEqual({ kind: 'ok', value: { received: { when: '1970-01-01T00:00:00.000Z' } } })
})

test('a handler that returns nothing returned null', async () => {
  expect(await inProcessFunction(() => undefined).invoke({})).toEqual({ kind: 'ok', value: null })
})

test('a result that is no JSON is an error of the function', async () => {
  const cyclic: Record<string, unknown> = {}
  cyclic['self'] = cyclic

  expect(await inProcessFunction(() => cyclic).invoke({})).toMatchObject({
    kind: 'error',
    errorType: 'TypeError',
  })
})

test.each([
  ['an error', new RangeError('out'), { errorType: 'RangeError', message: 'out' }],
  ['text', 'Unauthorized', { errorType: 'string', message: 'Unauthorized' }],
  ['an object', { code: 1 }, { errorType: 'object', message: '{"code":1}' }],
])('a handler that throws %s is a result of kind error', async (_, thrown, expected) => {
  const target = inProcessFunction(() => Promise.reject(thrown as Error))

  expect(await target.invoke({})).toMatchObject({ kind: 'error', ...expected })
})

test('an invocation that overruns is timed out, and sees its time run down before', async () => {
  const clock = new ManualClock()
  let remaining = (): number => -1
  const target = inProcessFunction(
    (_event, context) => {
      remaining = () => context.getRemainingTimeInMillis()
      return new Promise(() => undefined)
    },
    { clock, timeoutMs: 3000 },
  )
  const invocation = target.invoke({})
  await clock.advance(1000)
  expect(remaining()).toBe(2000)

  await clock.advance(2000)

  expect(await invocation).toEqual({ kind: 'timeout', timeoutMs: 3000 })
  expect(remaining()).toBe(0)
})

test('each invocation has a request id of its own and leaves no timer behind', async () => {
  const clock = new ManualClock()
  const target = inProcessFunction((_event, context) => context.awsRequestId, { clock })

  const [first, second] = [await target.invoke({}), await target.invoke({})]

  expect(first).not.toEqual(second)
  expect(clock.sleeping).toBe(0)
})
