import { expect, test } from 'vitest'
import { type FunctionGeneration, ReloadableFunction } from '../../../local/dev-reloadable-function.ts'

/** A function whose every generation answers with its number, once it is told to. */
function generations(options: { readonly failing?: number } = {}) {
  const made: { answer: () => void; isClosed: boolean }[] = []
  const create = (): FunctionGeneration => {
    const number = made.length + 1
    const answered = Promise.withResolvers<void>()
    const generation = { answer: () => answered.resolve(), isClosed: false }
    made.push(generation)
    return {
      ready: async () => {
        if (number === options.failing) throw new Error(`generation ${number} does not load`)
      },
      invoke: async () => {
        await answered.promise
        return { kind: 'ok', value: number }
      },
      close: async () => void (generation.isClosed = true),
    }
  }
  return { reloadable: new ReloadableFunction(create), made }
}

test('an invocation ends on the code it began with; the next one runs the new', async () => {
  const { reloadable, made } = generations()
  await reloadable.load()
  const before = reloadable.invoke({})

  await reloadable.load()
  const after = reloadable.invoke({})
  const closedWhileRunning = made[0]?.isClosed
  for (const generation of made) generation.answer()

  expect([await before, await after]).toEqual([
    { kind: 'ok', value: 1 },
    { kind: 'ok', value: 2 },
  ])
  expect([closedWhileRunning, made[0]?.isClosed, made[1]?.isClosed]).toEqual([false, true, false])
})

test('code that does not load is thrown away, and the code of before goes on', async () => {
  const { reloadable, made } = generations({ failing: 2 })
  await reloadable.load()

  await expect(reloadable.load()).rejects.toThrow('generation 2 does not load')
  made[0]?.answer()

  expect(await reloadable.invoke({})).toEqual({ kind: 'ok', value: 1 })
  expect(made.map(({ isClosed }) => isClosed)).toEqual([false, true])
})

test('old code that nothing runs on is closed before load() is done', async () => {
  const { reloadable, made } = generations()
  await reloadable.load()

  await reloadable.load()

  expect(made.map(({ isClosed }) => isClosed)).toEqual([true, false])
})

test('before anything is loaded, an invocation is an error', async () => {
  expect(await generations().reloadable.invoke({})).toMatchObject({
    kind: 'error',
    errorType: 'Runtime.NotLoaded',
  })
})

test('close() closes the code in use', async () => {
  const { reloadable, made } = generations()
  await reloadable.load()

  await reloadable.close()

  expect(made.map(({ isClosed }) => isClosed)).toEqual([true])
})
