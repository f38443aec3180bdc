import { describe, expect, it } from 'vitest'
import type { RateStore } from '../../shared/stores/rate-store.ts'
import { ManualClock } from '../../shared/testing/manual-clock.ts'

/** Makes a store; several may share what is stored, so every test uses keys of its own. */
export type MakeRateStore = (setup: { readonly clock: ManualClock }) => RateStore

const SLOW = 60_000

let made = 0

function uniqueKey(): string {
  made += 1
  return `messages.${String(made).padStart(22, '0')}`
}

/** What every store must do: each sentence of `shared/stores/rate-store.ts`. */
export function rateStoreContract(name: string, makeStore: MakeRateStore): void {
  describe(`${name}: rates`, () => {
    const setUp = (): { readonly clock: ManualClock; readonly store: RateStore } => {
      const clock = new ManualClock(Date.UTC(2026, 5, 1))
      return { clock, store: makeStore({ clock }) }
    }

    it('counts the hits of a key in one window, the present one included', { timeout: SLOW }, async () => {
      const { clock, store } = setUp()
      const key = uniqueKey()

      const hits = [await store.hit(key, 10), await store.hit(key, 10)]
      await clock.advance(9_999)
      hits.push(await store.hit(key, 10))

      expect(hits).toEqual([1, 2, 3])
    })

    it('begins anew where the next window begins', { timeout: SLOW }, async () => {
      const { clock, store } = setUp()
      const key = uniqueKey()
      await clock.advance(9_000)
      await store.hit(key, 10)
      await store.hit(key, 10)

      await clock.advance(1_000)

      expect(await store.hit(key, 10)).toBe(1)
    })

    it('counts each key for itself', { timeout: SLOW }, async () => {
      const { store } = setUp()
      const [one, other] = [uniqueKey(), uniqueKey()]
      await store.hit(one, 10)

      expect(await store.hit(other, 10)).toBe(1)
    })

    it('counts each length of window for itself', { timeout: SLOW }, async () => {
      const { store } = setUp()
      const key = uniqueKey()
      await store.hit(key, 10)

      expect(await store.hit(key, 60)).toBe(1)
      expect(await store.hit(key, 10)).toBe(2)
    })

    it(
      'gives hits at the same time different numbers, from any number of stores',
      { timeout: SLOW },
      async () => {
        const { clock, store } = setUp()
        const key = uniqueKey()
        const stores = name === 'memory' ? [store, store] : [store, makeStore({ clock })]

        const hits = await Promise.all(
          Array.from({ length: 20 }, (_, at) => (stores[at % 2] ?? store).hit(key, 10)),
        )

        expect(hits.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, at) => at + 1))
      },
    )
  })
}
