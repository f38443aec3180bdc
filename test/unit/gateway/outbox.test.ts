import { expect, test } from 'vitest'
import { Outbox } from '../../../shared/gateway/outbox.ts'
import { ScriptedPoster } from '../../support/scripted-poster.ts'

interface Told {
  deferred: number
  gone: number
  readonly failed: unknown[]
  late: number
}

function makeOutbox(isOpening = false): { outbox: Outbox; poster: ScriptedPoster; told: Told } {
  const poster = new ScriptedPoster()
  const told: Told = { deferred: 0, gone: 0, failed: [], late: 0 }
  const outbox = new Outbox({
    poster,
    connectionId: 'a=',
    signal: undefined,
    isOpening: () => isOpening,
    onDeferred: () => void (told.deferred += 1),
    onGone: async () => void (told.gone += 1),
    onLate: () => void (told.late += 1),
    onFailed: (error) => void told.failed.push(error),
  })
  return { outbox, poster, told }
}

test('one frame is on its way at a time', async () => {
  const { outbox, poster } = makeOutbox()

  const sent = ['1', '2', '3'].map((text) => outbox.send(text))
  await Promise.resolve()
  expect(poster.calls).toHaveLength(1)

  expect(await Promise.all(sent)).toEqual(['delivered', 'delivered', 'delivered'])
  expect(poster.frames('a=')).toEqual(['1', '2', '3'])
})

test('once a frame is deferred all are, and it is told once', async () => {
  const { outbox, poster, told } = makeOutbox()
  poster.answerNext('a=', 'throttled')

  expect([await outbox.send('1'), await outbox.send('2'), await outbox.close()]).toEqual([
    'deferred',
    'deferred',
    'deferred',
  ])
  expect(outbox.takeDeferred()).toEqual({ frames: ['1', '2'], close: true })
  expect(told).toEqual({ deferred: 1, gone: 0, failed: [], late: 0 })
  expect(poster.calls).toHaveLength(1)
})

test('a 410 while the connection may be opening defers', async () => {
  const { outbox, poster, told } = makeOutbox(true)
  poster.answer('a=', 'gone')

  expect(await outbox.send('1')).toBe('deferred')
  expect(told.gone).toBe(0)
})

test('a 410 of an old connection ends the outbox: nothing more is posted', async () => {
  const { outbox, poster, told } = makeOutbox()
  poster.answer('a=', 'gone')

  expect([await outbox.send('1'), await outbox.send('2'), await outbox.close()]).toEqual([
    'gone',
    'gone',
    'gone',
  ])
  expect(told).toEqual({ deferred: 0, gone: 1, failed: [], late: 0 })
  expect(poster.calls).toHaveLength(1)
})

test('a frame that fails for good is told, and the next is posted', async () => {
  const { outbox, poster, told } = makeOutbox()
  poster.answerNext('a=', 'forbidden')

  expect([await outbox.send('1'), await outbox.send('2')]).toEqual(['failed', 'delivered'])
  expect(told.failed).toHaveLength(1)
})

test('a close while the connection may be opening waits, and one of a connection that is gone is done', async () => {
  const opening = makeOutbox(true)
  opening.poster.answer('a=', 'gone')
  expect(await opening.outbox.close()).toBe('deferred')
  expect(opening.outbox.takeDeferred()).toEqual({ frames: [], close: true })

  const old = makeOutbox()
  old.poster.answer('a=', 'gone')
  expect(await old.outbox.close()).toBe('gone')
  expect(old.told).toMatchObject({ gone: 1, failed: [] })
})

test('nothing is sent after a close, and it is told', async () => {
  const { outbox, poster, told } = makeOutbox()

  expect([await outbox.close(), await outbox.send('late'), await outbox.close()]).toEqual([
    'delivered',
    'gone',
    'gone',
  ])
  expect(poster.calls).toHaveLength(1)
  expect(told.late).toBe(1)
})

test('what was handed out is not handed out again, and what comes behind it is told', async () => {
  const { outbox, poster, told } = makeOutbox()
  poster.answerNext('a=', 'throttled')
  await outbox.send('1')
  expect(outbox.takeDeferred()).toEqual({ frames: ['1'], close: false })

  expect(await outbox.send('2')).toBe('deferred')
  expect(await outbox.close()).toBe('deferred')

  expect(told.deferred).toBe(2)
  expect(outbox.takeDeferred()).toEqual({ frames: ['2'], close: true })
  expect(await outbox.send('late')).toBe('gone')
  expect(told).toMatchObject({ deferred: 2, late: 1 })
  expect(outbox.takeDeferred()).toEqual({ frames: [], close: false })
})

test('an outbox is idle unless something is under way, waits, or was closed', async () => {
  const { outbox, poster } = makeOutbox()
  expect(outbox.isIdle).toBe(true)

  const sent = [outbox.send('1'), outbox.send('2')]
  expect(outbox.isIdle).toBe(false)
  await sent[0]
  expect(outbox.isIdle).toBe(false)
  await sent[1]
  expect(outbox.isIdle).toBe(true)

  poster.answerNext('a=', 'throttled')
  await outbox.send('3')
  expect(outbox.isIdle).toBe(false)
})

test('an outbox that has closed its connection is not idle; one that found it dead is', async () => {
  const [closing, dying] = [makeOutbox(), makeOutbox()]
  dying.poster.answer('a=', 'gone')

  await closing.outbox.close()
  await dying.outbox.send('1')

  expect([closing.outbox.isIdle, dying.outbox.isIdle]).toEqual([false, true])
})
