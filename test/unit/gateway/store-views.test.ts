import { expect, test } from 'vitest'
import { MemoryChannelStore } from '../../../shared/backends/memory/memory-channel-store.ts'
import { StoreError } from '../../../shared/errors.ts'
import { ClosedStore, OpeningStore } from '../../../shared/gateway/store-views.ts'
import type { JsonObject } from '../../../shared/message.ts'
import type { ConnectionRecord } from '../../../shared/stores/channel-store.ts'
import { observeStore, type ObservedStore } from '../../support/observed-store.ts'

const expiresAt = Math.floor(Date.now() / 1_000) + 3_600

function recordOf(connectionId: string, changes: Partial<ConnectionRecord> = {}): ConnectionRecord {
  return { connectionId, scope: {}, state: {}, version: 0, groups: [], connectedAt: 0, expiresAt, ...changes }
}

function openingStore(): { inner: ObservedStore; store: OpeningStore; scope: { value: JsonObject } } {
  const inner = observeStore(new MemoryChannelStore())
  const scope: { value: JsonObject } = { value: { path: '/' } }
  return { inner, scope, store: new OpeningStore(inner, recordOf('a='), () => scope.value) }
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

test('commit() writes what is left: nothing, changed keys, or the whole record', async () => {
  const untouched = openingStore()
  await untouched.store.commit()
  expect(untouched.inner.takeCalls()).toEqual(['create'])

  const joined = openingStore()
  await joined.store.groupAdd('room', 'a=')
  await joined.store.commit()
  expect(joined.inner.takeCalls()).toEqual(['create'])

  const changed = openingStore()
  await changed.store.groupAdd('room', 'a=')
  await changed.store.saveState('a=', { set: { count: 1 }, remove: [] })
  changed.scope.value = { path: '/', remembered: true }
  await changed.store.commit()
  expect(changed.inner.calls.at(-1)).toEqual({
    method: 'saveState',
    args: ['a=', { set: { count: 1 }, remove: [], scope: { path: '/', remembered: true } }],
  })
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
