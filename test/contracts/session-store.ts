import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { JsonObject } from '../../shared/message.ts'
import type { SessionRecord, SessionStore } from '../../shared/stores/session-store.ts'
import { ManualClock } from '../../shared/testing/manual-clock.ts'

/** Makes a store; several may share what is stored, so every test uses keys of its own. */
export type MakeSessionStore = (setup: { readonly clock: ManualClock }) => SessionStore

const LIFE_SECONDS = 1_209_600

interface Stage {
  readonly clock: ManualClock
  readonly store: SessionStore
  readonly key: string
}

/** What every store must do: each sentence of `shared/stores/session-store.ts`. */
export function sessionStoreContract(name: string, makeStore: MakeSessionStore): void {
  const setUp = (): Stage => {
    const clock = new ManualClock(Date.UTC(2026, 5, 1))
    return { clock, store: makeStore({ clock }), key: randomBytes(32).toString('base64url') }
  }
  describe(`${name}: sessions`, () => {
    recordContract(setUp)
  })
  describe(`${name}: changes of a session`, () => {
    changeContract(setUp)
  })
  describe(`${name}: the end of a session`, () => {
    endContract(setUp)
  })
}

function recordAt(clock: ManualClock, data: JsonObject = {}): SessionRecord {
  return { data, expiresAt: inSeconds(clock, LIFE_SECONDS) }
}

function inSeconds(clock: ManualClock, seconds: number): number {
  return Math.floor(clock.now() / 1000) + seconds
}

function recordContract(setUp: () => Stage): void {
  it('gives a session back as it was created', async () => {
    const { clock, store, key } = setUp()
    const record = recordAt(clock, {
      text: 'é ☃ 😀 \ud800',
      nested: { list: [1, null, true, { deep: '' }], empty: {} },
      '': 0,
      '~hash': 1,
      '\udfff': 2,
      [`long ${'x'.repeat(300)}`]: 3,
    })

    expect(await store.create(key, record)).toBe(true)

    expect(await store.load(key)).toEqual(record)
  })

  it('keeps a key that is called __proto__ like any other', async () => {
    const { clock, store, key } = setUp()
    const data = JSON.parse('{"__proto__":{"isAdmin":true}}') as JsonObject

    await store.create(key, recordAt(clock, data))

    const loaded = await store.load(key)
    expect(Object.entries(loaded?.data ?? {})).toEqual([['__proto__', { isAdmin: true }]])
    expect(({} as Record<string, unknown>)['isAdmin']).toBeUndefined()
  })

  it('has no session under a key that was never created', async () => {
    const { store, key } = setUp()

    expect(await store.load(key)).toBeUndefined()
  })

  it('creates no session over another', async () => {
    const { clock, store, key } = setUp()
    const first = recordAt(clock, { owner: 'ann' })
    await store.create(key, first)

    expect(await store.create(key, recordAt(clock, { owner: 'bob' }))).toBe(false)

    expect(await store.load(key)).toEqual(first)
  })

  it('gives each reader an object of its own', async () => {
    const { clock, store, key } = setUp()
    await store.create(key, recordAt(clock, { cart: ['tea'] }))

    const first = await store.load(key)
    const cart = first?.data['cart'] as string[] | undefined
    cart?.push('milk')

    expect((await store.load(key))?.data).toEqual({ cart: ['tea'] })
  })

  it('keeps sessions apart', async () => {
    const { clock, store, key } = setUp()
    const other = `${key.slice(1)}x`
    await store.create(key, recordAt(clock, { user: 'ann' }))
    await store.create(other, recordAt(clock, { user: 'bob' }))

    await store.save(other, { set: { user: 'eve' }, remove: [], expiresAt: inSeconds(clock, 60) })
    await store.delete(other)

    expect((await store.load(key))?.data).toEqual({ user: 'ann' })
  })
}

function changeContract(setUp: () => Stage): void {
  it('changes only the keys that are named, and the expiry', async () => {
    const { clock, store, key } = setUp()
    await store.create(key, recordAt(clock, { a: 1, b: 2, c: 3, '': 4 }))
    const expiresAt = inSeconds(clock, 60)

    expect(await store.save(key, { set: { b: 20, d: 4 }, remove: ['c', '', 'never'], expiresAt })).toBe(true)

    expect(await store.load(key)).toEqual({ data: { a: 1, b: 20, d: 4 }, expiresAt })
  })

  it('can change the expiry alone', async () => {
    const { clock, store, key } = setUp()
    await store.create(key, recordAt(clock, { a: 1 }))
    const expiresAt = inSeconds(clock, 2 * LIFE_SECONDS)

    await store.save(key, { set: {}, remove: [], expiresAt })

    expect(await store.load(key)).toEqual({ data: { a: 1 }, expiresAt })
  })

  it('keeps both of two writes that change different keys at the same time', async () => {
    const { clock, store, key } = setUp()
    await store.create(key, recordAt(clock))
    const expiresAt = inSeconds(clock, LIFE_SECONDS)

    await Promise.all(
      ['a', 'b', 'c', 'd', 'e'].map((name) =>
        store.save(key, { set: { [name]: name }, remove: [], expiresAt }),
      ),
    )

    expect((await store.load(key))?.data).toEqual({ a: 'a', b: 'b', c: 'c', d: 'd', e: 'e' })
  })

  it('does not bring a deleted session back', async () => {
    const { clock, store, key } = setUp()
    await store.create(key, recordAt(clock, { user: 'ann' }))
    await store.delete(key)

    const isSaved = await store.save(key, {
      set: { a: 1 },
      remove: [],
      expiresAt: inSeconds(clock, LIFE_SECONDS),
    })

    expect(isSaved).toBe(false)
    expect(await store.load(key)).toBeUndefined()
  })

  it('writes nothing under a key that was never created', async () => {
    const { clock, store, key } = setUp()

    expect(await store.save(key, { set: { a: 1 }, remove: [], expiresAt: inSeconds(clock, 60) })).toBe(false)

    expect(await store.load(key)).toBeUndefined()
  })
}

function endContract(setUp: () => Stage): void {
  it('deletes a session, and gives one of two callers what it was', async () => {
    const { clock, store, key } = setUp()
    const record = recordAt(clock, { a: 1, nested: { '': [null] } })
    await store.create(key, record)

    const told = await Promise.all([store.delete(key), store.delete(key)])

    expect(told.filter((known) => known !== undefined)).toEqual([record])
    expect(await store.load(key)).toBeUndefined()
  })

  it('deletes a session that is not there without a complaint', async () => {
    const { store, key } = setUp()

    expect(await store.delete(key)).toBeUndefined()
    expect(await store.deleteIfEmpty(key)).toBe(false)
  })

  it('says nothing of a session that has expired when it is deleted', async () => {
    const { clock, store, key } = setUp()
    await store.create(key, { data: {}, expiresAt: inSeconds(clock, 60) })
    await clock.advance(61_000)

    expect(await store.deleteIfEmpty(key)).toBe(false)
    expect(await store.delete(key)).toBeUndefined()
  })

  it('deletes a session if it is empty, and only then', async () => {
    const { clock, store, key } = setUp()
    await store.create(key, recordAt(clock, { a: 1 }))

    expect(await store.deleteIfEmpty(key)).toBe(false)
    expect((await store.load(key))?.data).toEqual({ a: 1 })
    await store.save(key, { set: {}, remove: ['a'], expiresAt: inSeconds(clock, 60) })

    expect(await store.deleteIfEmpty(key)).toBe(true)
    expect(await store.load(key)).toBeUndefined()
  })

  it('returns no session that has expired, and brings none back', async () => {
    const { clock, store, key } = setUp()
    await store.create(key, { data: { user: 'ann' }, expiresAt: inSeconds(clock, 60) })

    await clock.advance(59_000)
    expect((await store.load(key))?.data).toEqual({ user: 'ann' })
    await clock.advance(1_000)

    expect(await store.load(key)).toBeUndefined()
    const expiresAt = inSeconds(clock, LIFE_SECONDS)
    expect(await store.save(key, { set: { a: 1 }, remove: [], expiresAt })).toBe(false)
    expect(await store.load(key)).toBeUndefined()
  })

  it('creates a session where another has expired, with nothing of that', async () => {
    const { clock, store, key } = setUp()
    await store.create(key, { data: { user: 'ann' }, expiresAt: inSeconds(clock, 60) })
    await clock.advance(61_000)

    expect(await store.create(key, recordAt(clock, { theme: 'dark' }))).toBe(true)

    expect((await store.load(key))?.data).toEqual({ theme: 'dark' })
  })
}
