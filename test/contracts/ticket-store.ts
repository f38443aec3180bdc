import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { TicketStore } from '../../shared/stores/ticket-store.ts'
import { ManualClock } from '../../shared/testing/manual-clock.ts'

/** Makes a store; several may share what is stored, so every test uses keys of its own. */
export type MakeTicketStore = (setup: { readonly clock: ManualClock }) => TicketStore

const SLOW = 60_000

/** What every store must do: each sentence of `shared/stores/ticket-store.ts`. */
export function ticketStoreContract(name: string, makeStore: MakeTicketStore): void {
  describe(`${name}: tickets`, () => {
    const setUp = () => {
      const clock = new ManualClock(Date.UTC(2026, 5, 1))
      const key = randomBytes(32).toString('base64url')
      return { clock, store: makeStore({ clock }), key, expiresAt: clock.now() / 1000 + 60 }
    }

    it('gives a ticket back as it was put', { timeout: SLOW }, async () => {
      const { store, key, expiresAt } = setUp()
      const data = { user: { id: 'ann ☃', roles: ['a', null, 1], __proto__: null }, userExpiresAt: null }
      await store.put(key, { data, expiresAt })

      expect(await store.take(key)).toEqual({ data, expiresAt })
    })

    it('gives a ticket once', { timeout: SLOW }, async () => {
      const { store, key, expiresAt } = setUp()
      await store.put(key, { data: { a: 1 }, expiresAt })
      await store.take(key)

      expect(await store.take(key)).toBeUndefined()
    })

    it('gives a ticket to one of several that take it at a time', { timeout: SLOW }, async () => {
      const { store, key, expiresAt } = setUp()
      await store.put(key, { data: { a: 1 }, expiresAt })

      const taken = await Promise.all(Array.from({ length: 10 }, () => store.take(key)))

      expect(taken.filter((ticket) => ticket !== undefined)).toEqual([{ data: { a: 1 }, expiresAt }])
    })

    it('gives nothing for a key that was never put', { timeout: SLOW }, async () => {
      const { store, key } = setUp()

      expect(await store.take(key)).toBeUndefined()
    })

    it('gives no ticket that has expired', { timeout: SLOW }, async () => {
      const { clock, store, key, expiresAt } = setUp()
      const another = `${key}x`
      await store.put(key, { data: { a: 1 }, expiresAt })
      await store.put(another, { data: { a: 2 }, expiresAt })

      await clock.advance(59_999)
      expect((await store.take(another))?.data).toEqual({ a: 2 })
      await clock.advance(1)

      expect(await store.take(key)).toBeUndefined()
    })
  })
}
