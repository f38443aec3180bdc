import { expect, test } from 'vitest'
import { MemoryChannelStore } from '../../../shared/backends/memory/memory-channel-store.ts'
import { StoreError } from '../../../shared/errors.ts'
import { ClosedStore, OpeningStore } from '../../../shared/gateway/store-views.ts'
import type { JsonObject } from '../../../shared/message.ts'
import type { ConnectionRecord } from '../../../shared/stores/channel-store.ts'
import { ManualClock } from '../../../shared/testing/manual-clock.ts'
import { observeStore, type ObservedStore } from '../../support/observed-store.ts'

const expiresAt = Math.floor(Date.now() / 1_000) + 3_600

function recordOf(connectionId: string, changes: Partial<ConnectionRecord> = {}): ConnectionRecord {
  return { connectionId, scope: {}, state: {}, version: 0, groups: [], connectedAt: 0, expiresAt, ...changes }
}

interface Opening {
  readonly inner: ObservedStore
  readonly store: OpeningStore
  readonly clock: ManualClock
  readonly scope: { value: JsonObject }
}

function openingStore(): Opening {
  const inner = observeStore(new MemoryChannelStore())
  const clock = new ManualClock()
  const scope: { value: JsonObject } = { value: { path: '/' } }
  const store = new OpeningStore({ store: inner, clock, record: recordOf('a='), scope: () => scope.value })
  return { inner, clock, scope, store }
}

test('while it opens, a connection costs no write until it joins a group', async () => {
  const { inner, store } = openingStore()

  await store.saveState('a=', { set: { count: 1 }, remove: [] })
  expect(await store.load('a=')).toMatchObject({ state: { count: 1 }, version: 1 })
  expect(inner.calls).toEqual([])

  await store.groupAdd('room', 'a=')
  expect(inner.takeCalls()).toEqual(['create'])
  expect(await inner.load('a=')).toMatchObject({ state: { count: 1 }, groups: ['room'] })
})

test('groups that are joined together are written together, and later ones alone', async () => {
  const { inner, store } = openingStore()

  await Promise.all(['one', 'two', 'one'].map((group) => store.groupAdd(group, 'a=')))
  await store.groupAdd('three', 'a=')

  expect(inner.takeCalls()).toEqual(['create', 'groupAdd'])
  expect((await inner.load('a='))?.groups).toEqual(['one', 'two', 'three'])
})

test('a group that is joined while the record is on its way is joined too', async () => {
  const { inner, store } = openingStore()

  const first = store.groupAdd('one', 'a=')
  await Promise.resolve()
  await Promise.resolve()
  await Promise.all([first, store.groupAdd('two', 'a=')])

  expect((await inner.load('a='))?.groups.toSorted()).toEqual(['one', 'two'])
  expect((await inner.members('two')).members).toHaveLength(1)
})

test('commit() writes what is left: nothing, the scope, or the whole record', async () => {
  const untouched = openingStore()
  expect(await untouched.store.commit()).toBe(true)
  expect(untouched.inner.takeCalls()).toEqual(['create'])

  const joined = openingStore()
  await joined.store.groupAdd('room', 'a=')
  expect(await joined.store.commit()).toBe(true)
  expect(joined.inner.takeCalls()).toEqual(['create'])

  const changed = openingStore()
  await changed.store.groupAdd('room', 'a=')
  changed.scope.value = { path: '/', remembered: true }
  expect(await changed.store.commit()).toBe(true)
  expect(changed.inner.calls.at(-1)).toEqual({
    method: 'saveState',
    args: ['a=', { set: {}, remove: [], scope: { path: '/', remembered: true } }],
  })
})

test('commit() is false for a connection that was ended meanwhile, and brings nothing back', async () => {
  const slow = openingStore()
  await slow.store.groupAdd('room', 'a=')
  await slow.inner.remove('a=')
  await slow.clock.advance(250)
  expect(await slow.store.commit()).toBe(false)

  const changed = openingStore()
  await changed.store.groupAdd('room', 'a=')
  await changed.inner.remove('a=')
  changed.scope.value = { path: '/', remembered: true }
  expect(await changed.store.commit()).toBe(false)

  const told = openingStore()
  await told.store.groupAdd('room', 'a=')
  await told.inner.remove('a=')
  expect(await told.store.saveState('a=', { set: { count: 1 }, remove: [] })).toBe(false)
  expect(await told.store.commit()).toBe(false)

  for (const { inner } of [slow, changed, told]) expect(await inner.load('a=')).toBeUndefined()
})

test('commit() asks for the record only if nothing has shown it for a while', async () => {
  const { inner, clock, store } = openingStore()
  await store.groupAdd('room', 'a=')
  await clock.advance(10_000)
  await store.saveState('a=', { set: { count: 1 }, remove: [] })
  inner.takeCalls()

  expect(await store.commit()).toBe(true)
  expect(inner.takeCalls()).toEqual([])

  await clock.advance(250)
  expect(await store.commit()).toBe(true)
  expect(inner.takeCalls()).toEqual(['load'])
})

test('once the record is written, its state is in the store, where others change it, too', async () => {
  const { inner, store } = openingStore()
  await store.saveState('a=', { set: { count: 1 }, remove: [] })
  const joined = store.groupAdd('room', 'a=')
  // While the record is on its way, too.
  const early = store.saveStateIf('a=', 1, { set: { count: 2 }, remove: [] })
  await joined
  expect(await early).toBe('saved')

  await inner.saveState('a=', { set: { count: 3 }, remove: [] })

  expect(await store.load('a=')).toMatchObject({ state: { count: 3 }, version: 3 })
  expect(await store.saveStateIf('a=', 2, { set: { count: 9 }, remove: [] })).toBe('conflict')
  await store.commit()
  expect((await inner.load('a='))?.state).toEqual({ count: 3 })
})

test('rollback() removes what was written, even half, and costs nothing where nothing was', async () => {
  const untouched = openingStore()
  await untouched.store.rollback()
  expect(untouched.inner.takeCalls()).toEqual([])

  const half = openingStore()
  half.inner.fail('create', new StoreError('lost the answer', { retryable: true }), { after: true })
  await expect(half.store.groupAdd('room', 'a=')).rejects.toThrow('lost the answer')
  await half.store.rollback()
  expect(await half.inner.load('a=')).toBeUndefined()
  expect((await half.inner.members('room')).members).toEqual([])
})

test('rollback() ends memberships that were written without the record that names them', async () => {
  const { inner, store } = openingStore()
  inner.fail('create', new StoreError('wrote only half', { retryable: true }))
  await expect(store.groupAdd('room', 'a=')).rejects.toThrow('wrote only half')
  inner.takeCalls()

  await store.rollback()

  expect(inner.calls).toEqual([
    { method: 'remove', args: ['a='] },
    { method: 'groupDiscard', args: ['room', 'a='] },
  ])
})

test('rollback() waits for a write that is on its way', async () => {
  const { inner, store } = openingStore()

  const joined = store.groupAdd('room', 'a=')
  await store.rollback()
  await joined

  expect(await inner.load('a=')).toBeUndefined()
})

test('saveStateIf() is conditional while opening, too', async () => {
  const { store } = openingStore()

  expect(await store.saveStateIf('a=', 0, { set: { count: 1 }, remove: [] })).toBe('saved')
  expect(await store.saveStateIf('a=', 0, { set: { count: 2 }, remove: [] })).toBe('conflict')
  expect((await store.load('a='))?.state).toEqual({ count: 1 })
})

test('other connections pass through both views', async () => {
  const { inner, store } = openingStore()
  await inner.create(recordOf('b=', { groups: ['room'] }))
  const closed = new ClosedStore(inner, recordOf('a='))

  for (const view of [store, closed]) {
    expect(await view.load('b=')).toMatchObject({ connectionId: 'b=' })
    expect((await view.loadMany(['b='])).size).toBe(1)
    expect(await view.groupAdd('lobby', 'b=')).toBe(true)
    expect(await view.saveState('b=', { set: { a: 1 }, remove: [] })).toBe(true)
    expect(await view.saveStateIf('b=', 99, { set: {}, remove: [] })).toBe('conflict')
    await view.groupDiscard('lobby', 'b=')
    expect((await view.members('lobby')).members).toEqual([])
    expect((await view.members('room')).members).toHaveLength(1)
  }
})

test('a connection that has ended keeps its state to read, joins nothing and writes nothing', async () => {
  const inner = observeStore(new MemoryChannelStore())
  const closed = new ClosedStore(inner, recordOf('a=', { state: { count: 7 } }))

  expect((await closed.load('a='))?.state).toEqual({ count: 7 })
  expect(await closed.saveState('a=', { set: { count: 8 }, remove: [] })).toBe(true)
  expect(await closed.saveStateIf('a=', 0, { set: { count: 8 }, remove: [] })).toBe('saved')
  expect(await closed.groupAdd('room', 'a=')).toBe(false)
  await closed.groupDiscard('room', 'a=')

  expect(inner.calls).toEqual([])
})
