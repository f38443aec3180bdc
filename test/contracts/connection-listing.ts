import { describe, expect, it } from 'vitest'
import type { ChannelStore, ConnectionRecord } from '../../shared/stores/channel-store.ts'
import type { ConnectionListing } from '../../shared/stores/connection-listing.ts'
import { ManualClock } from '../../shared/testing/manual-clock.ts'
import type { StoreSetup } from './channel-store.ts'

/** Makes a store; several may share what is stored. */
export type MakeListingStore = (setup: StoreSetup) => ChannelStore & ConnectionListing

const SLOW = 60_000

/** What every store that can list its connections must do. */
export function connectionListingContract(name: string, makeStore: MakeListingStore): void {
  describe(`${name}: the list of connections`, () => {
    it(
      'has every record once, with its scope, state and groups, and no membership',
      async () => {
        const { store, recordOf, listed } = setUp(makeStore)
        const records = Array.from({ length: 30 }, (_, index) => ({
          ...recordOf(`listed${index}=`),
          groups: ['listed_a', `listed_${index}`],
          state: { count: index },
        }))
        await Promise.all(records.map((record) => store.create(record)))

        const found = await listed()

        expect(found).toHaveLength(records.length)
        expect(byId(found)).toMatchObject(byId(records))
      },
      SLOW,
    )

    it(
      'leaves out what has ended or expired',
      async () => {
        const { store, clock, recordOf, listed } = setUp(makeStore)
        for (const id of ['listed-stays=', 'listed-ends=']) await store.create(recordOf(id))
        await store.create({
          ...recordOf('listed-expires='),
          expiresAt: Math.floor(clock.now() / 1_000) + 60,
        })

        await store.remove('listed-ends=')
        await clock.advance(61_000)

        expect((await listed()).map(({ connectionId }) => connectionId)).toEqual(['listed-stays='])
      },
      SLOW,
    )
  })
}

interface Setup {
  readonly store: ChannelStore & ConnectionListing
  readonly clock: ManualClock
  readonly recordOf: (connectionId: string) => ConnectionRecord
  /** Those of this test alone: others may share what is stored. */
  readonly listed: () => Promise<readonly ConnectionRecord[]>
}

function setUp(makeStore: MakeListingStore): Setup {
  const clock = new ManualClock(Date.UTC(2026, 5, 1))
  const store = makeStore({ clock })
  const mine = new Set<string>()
  return {
    store,
    clock,
    recordOf: (connectionId) => {
      mine.add(connectionId)
      return {
        connectionId,
        scope: { path: '/ws/chat/lobby/' },
        state: {},
        version: 0,
        groups: [],
        connectedAt: clock.now(),
        expiresAt: Math.floor(clock.now() / 1_000) + 7_800,
      }
    },
    listed: async () => {
      const records: ConnectionRecord[] = []
      for await (const record of store.connections()) if (mine.has(record.connectionId)) records.push(record)
      return records
    },
  }
}

function byId(records: readonly ConnectionRecord[]): Readonly<Record<string, object>> {
  return Object.fromEntries(
    records.map(({ connectionId, groups, ...rest }) => [
      connectionId,
      { ...rest, groups: groups.toSorted() },
    ]),
  )
}
