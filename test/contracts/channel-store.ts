import { describe, expect, it } from 'vitest'
import type { JsonObject } from '../../shared/message.ts'
import type {
  ChannelStore,
  ConnectionRecord,
  GroupMember,
  MemberRange,
} from '../../shared/stores/channel-store.ts'
import { connectionAt, memberPosition } from '../../shared/stores/member-position.ts'
import { ManualClock } from '../../shared/testing/manual-clock.ts'

/** What a contract test asks of the store that it gets. */
export interface StoreSetup {
  readonly clock: ManualClock
  readonly pageSize?: number
}

/** Makes a store; several may share what is stored, so every test uses connections and groups of its own. */
export type MakeStore = (setup: StoreSetup) => ChannelStore

const LIFE_SECONDS = 7_800
const SLOW = 60_000

let made = 0

function uniqueId(): string {
  made += 1
  return `c${String(made).padStart(14, '0')}=`
}

function uniqueGroup(): string {
  made += 1
  return `room_${made}`
}

function recordAt(clock: ManualClock, changes: Partial<ConnectionRecord> = {}): ConnectionRecord {
  return {
    connectionId: uniqueId(),
    scope: { path: '/ws/chat/lobby/', headers: { host: ['example.com'] } },
    state: {},
    version: 0,
    groups: [],
    connectedAt: clock.now(),
    expiresAt: Math.floor(clock.now() / 1000) + LIFE_SECONDS,
    ...changes,
  }
}

async function allMembers(
  store: ChannelStore,
  group: string,
  range: MemberRange = {},
): Promise<GroupMember[]> {
  const members: GroupMember[] = []
  let after = range.after
  for (;;) {
    const page = await store.members(group, { ...range, ...(after === undefined ? {} : { after }) })
    members.push(...page.members)
    if (page.next === undefined) return members
    after = page.next
  }
}

async function memberIds(store: ChannelStore, group: string): Promise<string[]> {
  return (await allMembers(store, group)).map(({ connectionId }) => connectionId).toSorted()
}

/** What every store must do: each sentence of `shared/stores/channel-store.ts`. */
export function channelStoreContract(name: string, makeStore: MakeStore): void {
  const setUp: SetUp = (pageSize) => {
    const clock = new ManualClock(Date.UTC(2026, 5, 1))
    return { clock, store: makeStore(pageSize === undefined ? { clock } : { clock, pageSize }) }
  }
  describe(`${name}: connection records`, () => {
    recordContract(setUp)
  })
  describe(`${name}: state`, () => {
    stateContract(setUp)
  })
  describe(`${name}: concurrent writes of the state`, () => {
    concurrencyContract(setUp)
  })
  describe(`${name}: groups`, () => {
    groupContract(setUp)
  })
  describe(`${name}: removal`, () => {
    removalContract(setUp)
  })
  describe(`${name}: expiry`, () => {
    expiryContract(setUp)
  })
  describe(`${name}: pages of members`, () => {
    pageContract(setUp)
  })
}

interface Stage {
  readonly clock: ManualClock
  readonly store: ChannelStore
}

type SetUp = (pageSize?: number) => Stage

function recordContract(setUp: SetUp): void {
  it('gives a record back as it was created', async () => {
    const { clock, store } = setUp()
    const record = recordAt(clock, {
      scope: { path: '/', text: 'é ☃ 😀 \ud800', nested: { list: [1, null, true, { deep: '' }] }, empty: {} },
      state: { count: 1, list: [], nothing: null },
      version: 3,
      groups: [uniqueGroup()],
    })

    await store.create(record)

    expect(await store.load(record.connectionId)).toEqual(record)
  })

  it('has no record of a connection that was never created', async () => {
    const { store } = setUp()

    expect(await store.load(uniqueId())).toBeUndefined()
  })

  it('shares no object with its caller', async () => {
    const { clock, store } = setUp()
    const scope = { user: { name: 'Ada' } }
    const state = { list: [1] }
    const record = recordAt(clock, { scope, state })
    await store.create(record)

    scope.user.name = 'changed'
    state.list.push(2)
    const loaded = await store.load(record.connectionId)
    const list = loaded?.state['list'] as number[]
    list.push(3)

    const again = await store.load(record.connectionId)
    expect(again?.scope).toEqual({ user: { name: 'Ada' } })
    expect(again?.state).toEqual({ list: [1] })
  })

  it('keeps the records of two connections of one user apart', async () => {
    const { clock, store } = setUp()
    const [first, second] = [recordAt(clock, { scope: { tab: 1 } }), recordAt(clock, { scope: { tab: 2 } })]

    await store.create(first)
    await store.create(second)

    expect((await store.load(first.connectionId))?.scope).toEqual({ tab: 1 })
    expect((await store.load(second.connectionId))?.scope).toEqual({ tab: 2 })
  })

  it(
    'loads many records at once, and leaves out those that do not exist',
    async () => {
      const { clock, store } = setUp()
      const records = Array.from({ length: 230 }, (_, index) => recordAt(clock, { state: { index } }))
      await Promise.all(records.map((record) => store.create(record)))

      const ids = records.map(({ connectionId }) => connectionId)
      const loaded = await store.loadMany([...ids, uniqueId()])

      expect(loaded.size).toBe(230)
      for (const record of records) expect(loaded.get(record.connectionId)).toEqual(record)
    },
    SLOW,
  )

  it('loads a record that is asked for twice', async () => {
    const { clock, store } = setUp()
    const record = recordAt(clock)
    await store.create(record)

    const loaded = await store.loadMany([record.connectionId, record.connectionId])

    expect([...loaded.keys()]).toEqual([record.connectionId])
  })

  it('loads none of none', async () => {
    const { store } = setUp()

    expect((await store.loadMany([])).size).toBe(0)
  })
}

function stateContract(setUp: SetUp): void {
  it('changes the keys of a write and no others, and raises the version', async () => {
    const { clock, store } = setUp()
    const record = recordAt(clock, { state: { keep: 'k', change: 1, drop: true }, version: 4 })
    await store.create(record)

    const saved = await store.saveState(record.connectionId, {
      set: { change: [2], add: {} },
      remove: ['drop', 'never', 'drop'],
    })

    const loaded = await store.load(record.connectionId)
    expect(saved).toBe(true)
    expect(loaded).toEqual({ ...record, state: { keep: 'k', change: [2], add: {} }, version: 5 })
  })

  it('saves no state of a connection without a record', async () => {
    const { store } = setUp()
    const id = uniqueId()

    expect(await store.saveState(id, { set: { a: 1 }, remove: [] })).toBe(false)
    expect(await store.load(id)).toBeUndefined()
  })

  it.each([
    ['empty', ''],
    ['with dots', 'a.b.c'],
    ['with brackets and signs', '#state[0] :one = "x"'],
    ['a name of objects', '__proto__'],
    ['a method of objects', 'constructor'],
    ['a word of DynamoDB', 'size'],
    ['beginning like a hash', '~tilde'],
    ['numeric', '0'],
    ['not ASCII', 'é ☃ 😀'],
    ['half a character', '\ud83d'],
    ['very long', 'k'.repeat(70_000)],
    ['with control characters', 'a\u0000\n'],
  ])('takes a key that is %s', async (_, key) => {
    const { clock, store } = setUp()
    const created = recordAt(clock, { state: withKey(key, 'created') })
    const saved = recordAt(clock)
    await store.create(created)
    await store.create(saved)

    await store.saveState(saved.connectionId, { set: withKey(key, ['saved']), remove: [] })

    expect(Object.entries((await store.load(created.connectionId))?.state ?? {})).toEqual([[key, 'created']])
    expect(Object.entries((await store.load(saved.connectionId))?.state ?? {})).toEqual([[key, ['saved']]])
    await store.saveState(saved.connectionId, { set: {}, remove: [key] })
    expect(Object.entries((await store.load(saved.connectionId))?.state ?? {})).toEqual([])
  })

  it('keeps keys apart that look alike', async () => {
    const { clock, store } = setUp()
    const record = recordAt(clock)
    await store.create(record)
    const keys = ['a', 'a.a', 'A', '~a', '~~a', '\ud800', '\ud801', '\ufffd', '']
    const state = Object.fromEntries(keys.map((key, index) => [key, index]))

    for (const key of keys)
      await store.saveState(record.connectionId, { set: withKey(key, state[key] ?? -1), remove: [] })

    expect((await store.load(record.connectionId))?.state).toEqual(state)
  })

  it('takes 150 keys in one write', async () => {
    const { clock, store } = setUp()
    const record = recordAt(clock)
    await store.create(record)
    const state = Object.fromEntries(Array.from({ length: 150 }, (_, index) => [`key-${index}`, { index }]))

    await store.saveStateIf(record.connectionId, 0, { scope: {}, set: state, remove: [] })

    expect((await store.load(record.connectionId))?.state).toEqual(state)
    await store.saveState(record.connectionId, { set: {}, remove: Object.keys(state) })
    expect((await store.load(record.connectionId))?.state).toEqual({})
  })

  it('replaces the scope where a write has one, and leaves it alone where it has none', async () => {
    const { clock, store } = setUp()
    const record = recordAt(clock, { state: { a: 1 } })
    await store.create(record)

    await store.saveState(record.connectionId, { scope: { user: 'Ada' }, set: { b: 2 }, remove: ['a'] })
    await store.saveStateIf(record.connectionId, 1, { set: { c: 3 }, remove: [] })

    const expected = { ...record, scope: { user: 'Ada' }, state: { b: 2, c: 3 }, version: 2 }
    expect(await store.load(record.connectionId)).toEqual(expected)
    await store.saveStateIf(record.connectionId, 2, { scope: {}, set: {}, remove: [] })
    await store.saveState(record.connectionId, { set: {}, remove: [] })
    expect(await store.load(record.connectionId)).toEqual({ ...expected, scope: {}, version: 4 })
  })

  it('sets a key that a write also removes', async () => {
    const { clock, store } = setUp()
    const record = recordAt(clock, { state: { a: 1 } })
    await store.create(record)

    await store.saveState(record.connectionId, { set: { a: 2 }, remove: ['a', 'a'] })

    expect((await store.load(record.connectionId))?.state).toEqual({ a: 2 })
  })

  it('saves on condition only the version that was read', async () => {
    const { clock, store } = setUp()
    const record = recordAt(clock, { version: 7 })
    await store.create(record)
    const write = { set: { a: 1 }, remove: [] }

    expect(await store.saveStateIf(record.connectionId, 6, write)).toBe('conflict')
    expect((await store.load(record.connectionId))?.state).toEqual({})
    expect(await store.saveStateIf(record.connectionId, 7, write)).toBe('saved')
    expect(await store.saveStateIf(record.connectionId, 7, write)).toBe('conflict')
    expect(await store.load(record.connectionId)).toEqual({ ...record, state: { a: 1 }, version: 8 })
    expect(await store.saveStateIf(uniqueId(), 0, write)).toBe('gone')
  })
}

function concurrencyContract(setUp: SetUp): void {
  it('keeps both of two writes of different keys', async () => {
    const { clock, store } = setUp()
    const record = recordAt(clock)
    await store.create(record)
    const keys = Array.from({ length: 20 }, (_, index) => `key${index}`)

    await Promise.all(
      keys.map((key) => store.saveState(record.connectionId, { set: { [key]: key }, remove: [] })),
    )

    const loaded = await store.load(record.connectionId)
    expect(loaded?.state).toEqual(Object.fromEntries(keys.map((key) => [key, key])))
    expect(loaded?.version).toBe(20)
  })

  it(
    'loses no increment of 20 that run at once',
    async () => {
      const { clock, store } = setUp()
      const record = recordAt(clock, { state: { count: 0 } })
      await store.create(record)

      await Promise.all(Array.from({ length: 20 }, () => increment(store, record.connectionId)))

      expect((await store.load(record.connectionId))?.state).toEqual({ count: 20 })
    },
    SLOW,
  )
}

function groupContract(setUp: SetUp): void {
  it('has the members that a record was created with', async () => {
    const { clock, store } = setUp()
    const groups = [uniqueGroup(), uniqueGroup()]
    const record = recordAt(clock, { groups })

    await store.create(record)

    for (const group of groups) {
      expect(await allMembers(store, group)).toEqual([
        { connectionId: record.connectionId, connectedAt: record.connectedAt },
      ])
    }
  })

  it('has a member as soon as it was added, once however often it was added', async () => {
    const { clock, store } = setUp()
    const [group, record] = [uniqueGroup(), recordAt(clock)]
    await store.create(record)

    expect(await store.groupAdd(group, record.connectionId)).toBe(true)
    expect(await store.groupAdd(group, record.connectionId)).toBe(true)

    expect(await allMembers(store, group)).toEqual([
      { connectionId: record.connectionId, connectedAt: record.connectedAt },
    ])
    expect((await store.load(record.connectionId))?.groups).toEqual([group])
  })

  it('adds no connection that has no record', async () => {
    const { store } = setUp()
    const [group, id] = [uniqueGroup(), uniqueId()]

    expect(await store.groupAdd(group, id)).toBe(false)

    expect(await memberIds(store, group)).toEqual([])
    expect(await store.load(id)).toBeUndefined()
  })

  it('leaves the version alone when groups change', async () => {
    const { clock, store } = setUp()
    const [group, record] = [uniqueGroup(), recordAt(clock, { version: 2 })]
    await store.create(record)

    await store.groupAdd(group, record.connectionId)
    await store.groupDiscard(group, record.connectionId)

    expect((await store.load(record.connectionId))?.version).toBe(2)
  })

  it('ends a membership, and nothing else, however often it is ended', async () => {
    const { clock, store } = setUp()
    const [group, other] = [uniqueGroup(), uniqueGroup()]
    const [leaving, staying] = [
      recordAt(clock, { groups: [group, other] }),
      recordAt(clock, { groups: [group] }),
    ]
    await store.create(leaving)
    await store.create(staying)
    expect(await memberIds(store, group)).toHaveLength(2)

    await store.groupDiscard(group, leaving.connectionId)
    await store.groupDiscard(group, leaving.connectionId)

    expect(await memberIds(store, group)).toEqual([staying.connectionId])
    expect(await memberIds(store, other)).toEqual([leaving.connectionId])
    expect((await store.load(leaving.connectionId))?.groups).toEqual([other])
  })

  it('takes a member again that was discarded', async () => {
    const { clock, store } = setUp()
    const [group, record] = [uniqueGroup(), recordAt(clock)]
    await store.create(record)

    await store.groupAdd(group, record.connectionId)
    await store.groupDiscard(group, record.connectionId)
    await store.groupAdd(group, record.connectionId)

    expect(await memberIds(store, group)).toEqual([record.connectionId])
  })

  it('discards a connection without a record, and creates none', async () => {
    const { store } = setUp()
    const id = uniqueId()

    await store.groupDiscard(uniqueGroup(), id)

    expect(await store.load(id)).toBeUndefined()
  })

  it('tells names apart that differ in one character, at every length', async () => {
    const { clock, store } = setUp()
    const unique = uniqueGroup()
    const long = unique.padEnd(98, 'x')
    const groups = [
      unique,
      `${unique}.`,
      `${unique}_`,
      `${unique}-`,
      unique.toUpperCase(),
      `${long}1`,
      `${long}2`,
    ]
    const records = groups.map((group) => recordAt(clock, { groups: [group] }))

    for (const record of records) await store.create(record)

    for (const record of records)
      expect(await memberIds(store, record.groups[0] ?? '')).toEqual([record.connectionId])
  })

  it('takes every character that a connection id may have', async () => {
    const { clock, store } = setUp()
    made += 1
    const ids = [
      `-_a.Z0-${made}`,
      `_d2EewN-${made}=`,
      `${made}==`,
      `${made}`,
      `specific.${made}!ab-_.9`,
      `${made}`.padEnd(99, 'a'),
    ]
    const group = uniqueGroup()

    for (const connectionId of ids) await store.create(recordAt(clock, { connectionId }))
    for (const connectionId of ids) await store.groupAdd(group, connectionId)

    expect(await memberIds(store, group)).toEqual(ids.toSorted())
    for (const id of ids) expect((await store.load(id))?.connectionId).toBe(id)
  })
}

function removalContract(setUp: SetUp): void {
  it(
    'removes a record and every membership, and gives the record back',
    async () => {
      const { clock, store } = setUp()
      const groups = Array.from({ length: 30 }, () => uniqueGroup())
      const record = recordAt(clock, { groups: groups.slice(0, 28), state: { a: 1 } })
      const other = recordAt(clock, { groups })
      await store.create(record)
      await store.create(other)
      for (const group of groups.slice(28)) await store.groupAdd(group, record.connectionId)

      const removed = await store.remove(record.connectionId)

      expect({ ...removed, groups: removed?.groups.toSorted() }).toEqual({
        ...record,
        groups: groups.toSorted(),
      })
      expect(await store.load(record.connectionId)).toBeUndefined()
      for (const group of groups) expect(await memberIds(store, group)).toEqual([other.connectionId])
    },
    SLOW,
  )

  it('gives the record to one caller only', async () => {
    const { clock, store } = setUp()
    const record = recordAt(clock, { groups: [uniqueGroup()] })
    await store.create(record)

    const removed = await Promise.all(Array.from({ length: 5 }, () => store.remove(record.connectionId)))

    expect(removed.filter((one) => one !== undefined)).toEqual([record])
    expect(await store.remove(record.connectionId)).toBeUndefined()
  })

  it('removes nothing of a connection that was never created', async () => {
    const { store } = setUp()

    expect(await store.remove(uniqueId())).toBeUndefined()
  })

  it('writes nothing to a connection after its removal', async () => {
    const { clock, store } = setUp()
    const [group, record] = [uniqueGroup(), recordAt(clock)]
    await store.create(record)
    await store.remove(record.connectionId)

    expect(await store.groupAdd(group, record.connectionId)).toBe(false)
    expect(await store.saveState(record.connectionId, { set: { a: 1 }, remove: [] })).toBe(false)
    expect(await store.saveStateIf(record.connectionId, 0, { set: { a: 1 }, remove: [] })).toBe('gone')
    expect(await memberIds(store, group)).toEqual([])
    expect(await store.load(record.connectionId)).toBeUndefined()
  })

  it('lets an add that races with a removal leave at most a membership, which a discard ends', async () => {
    const { clock, store } = setUp()
    const group = uniqueGroup()
    const records = Array.from({ length: 10 }, () => recordAt(clock))
    for (const record of records) await store.create(record)

    await Promise.all(
      records.flatMap(({ connectionId }) => [
        store.groupAdd(group, connectionId),
        store.remove(connectionId),
      ]),
    )

    for (const { connectionId } of records) {
      expect(await store.load(connectionId)).toBeUndefined()
      await store.groupDiscard(group, connectionId)
      expect(await store.load(connectionId)).toBeUndefined()
    }
    expect(await memberIds(store, group)).toEqual([])
  })
}

function expiryContract(setUp: SetUp): void {
  it('returns, changes and adds nothing that has expired', async () => {
    const { clock, store } = setUp()
    const [group, later] = [uniqueGroup(), uniqueGroup()]
    const record = recordAt(clock, { groups: [group] })
    await store.create(record)

    await clock.advance(LIFE_SECONDS * 1000 - 1)
    expect(await store.load(record.connectionId)).toEqual(record)
    expect(await memberIds(store, group)).toEqual([record.connectionId])
    await clock.advance(1)

    expect(await store.load(record.connectionId)).toBeUndefined()
    expect((await store.loadMany([record.connectionId])).size).toBe(0)
    expect(await store.saveState(record.connectionId, { set: { a: 1 }, remove: [] })).toBe(false)
    expect(await store.saveStateIf(record.connectionId, 0, { set: { a: 1 }, remove: [] })).toBe('gone')
    expect(await store.groupAdd(later, record.connectionId)).toBe(false)
    expect(await memberIds(store, group)).toEqual([])
    expect(await memberIds(store, later)).toEqual([])
  })

  it('lets a membership expire with its connection, whenever it was added', async () => {
    const { clock, store } = setUp()
    const [group, record] = [uniqueGroup(), recordAt(clock)]
    await store.create(record)

    await clock.advance((LIFE_SECONDS - 1) * 1000)
    await store.groupAdd(group, record.connectionId)
    expect(await memberIds(store, group)).toEqual([record.connectionId])
    await clock.advance(1000)

    expect(await memberIds(store, group)).toEqual([])
  })

  it('removes an expired connection without giving it to anybody', async () => {
    const { clock, store } = setUp()
    const record = recordAt(clock, { groups: [uniqueGroup()] })
    await store.create(record)
    await clock.advance(LIFE_SECONDS * 1000)

    expect(await store.remove(record.connectionId)).toBeUndefined()
  })

  it('reads on behind a page of which every member has expired', async () => {
    const { clock, store } = setUp(5)
    const group = uniqueGroup()
    const records = Array.from({ length: 60 }, () => recordAt(clock, { groups: [group] }))
    await Promise.all(records.map((record) => store.create(record)))
    const order = (await allMembers(store, group)).map(({ connectionId }) => connectionId)
    const survivor = order[37] ?? ''
    const extended = { expiresAt: Math.floor(clock.now() / 1000) + 2 * LIFE_SECONDS }
    await store.remove(survivor)
    await store.create(recordAt(clock, { connectionId: survivor, groups: [group], ...extended }))

    await clock.advance(LIFE_SECONDS * 1000)

    expect(await memberIds(store, group)).toEqual([survivor])
  })
}

function pageContract(setUp: SetUp): void {
  it(
    'lists each of 3000 members once, in the order of their positions',
    async () => {
      const { clock, store } = setUp(37)
      const group = uniqueGroup()
      const ids = await fill({ clock, store }, group, 3_000)

      const listed = (await allMembers(store, group)).map(({ connectionId }) => connectionId)

      const positions = ids.map((id) => memberPosition(id)).toSorted()
      expect(listed).toEqual(positions.map((position) => connectionAt(position)))
    },
    SLOW,
  )

  it('has no next page behind a group that fits into one', async () => {
    const { clock, store } = setUp(10)
    const group = uniqueGroup()
    await fill({ clock, store }, group, 9)

    const page = await store.members(group)

    expect(page.members).toHaveLength(9)
    expect(page.next).toBeUndefined()
  })

  it('gives a page of the size it was made for', async () => {
    const { clock, store } = setUp(10)
    const group = uniqueGroup()
    await fill({ clock, store }, group, 25)

    const page = await store.members(group)

    expect(page.members).toHaveLength(10)
    expect(page.next).toEqual(expect.any(String))
  })

  it('has one empty page of a group that nobody is in', async () => {
    const { store } = setUp()

    expect(await store.members(uniqueGroup())).toEqual({ members: [] })
  })

  it(
    'cuts a group into ranges that have every member once',
    async () => {
      const { clock, store } = setUp(7)
      const group = uniqueGroup()
      const ids = await fill({ clock, store }, group, 120)
      const cuts = ['', ...Array.from({ length: 15 }, (_, index) => `${(index + 1).toString(16)}000`)]

      const ranges = await Promise.all(
        cuts.map((after, index) => {
          const upTo = cuts[index + 1]
          return allMembers(store, group, upTo === undefined ? { after } : { after, upTo })
        }),
      )

      const listed = ranges.flat().map(({ connectionId }) => connectionId)
      expect(listed).toHaveLength(120)
      expect(listed.toSorted()).toEqual(ids.toSorted())
      // Positions are spread evenly: no sixteenth has more than a third of the group.
      expect(Math.max(...ranges.map(({ length }) => length))).toBeLessThan(40)
    },
    SLOW,
  )

  it('leaves out the member at the lower end of a range and has the one at the upper', async () => {
    const { clock, store } = setUp(5)
    const group = uniqueGroup()
    await fill({ clock, store }, group, 20)
    const order = await allMembers(store, group)
    const first = (await store.members(group)).next ?? ''
    const second = (await store.members(group, { after: first })).next ?? ''

    const between = await allMembers(store, group, { after: first, upTo: second })

    expect(between).toEqual(order.slice(5, 10))
    expect(await store.members(group, { after: first, upTo: second })).not.toHaveProperty('next')
  })

  it('has nobody in a range that ends where it begins, or before', async () => {
    const { clock, store } = setUp()
    const group = uniqueGroup()
    await fill({ clock, store }, group, 5)

    expect(await store.members(group, { after: '8000', upTo: '8000' })).toEqual({ members: [] })
    expect(await store.members(group, { after: 'f', upTo: '0' })).toEqual({ members: [] })
    expect(await store.members(group, { upTo: '' })).toEqual({ members: [] })
  })

  it('goes on behind a member that has left since', async () => {
    const { clock, store } = setUp(5)
    const group = uniqueGroup()
    await fill({ clock, store }, group, 15)
    const order = await allMembers(store, group)
    const page = await store.members(group)
    for (const { connectionId } of page.members) await store.remove(connectionId)

    const rest = await allMembers(store, group, { after: page.next ?? '' })

    expect(rest).toEqual(order.slice(5))
  })
}

async function fill({ clock, store }: Stage, group: string, count: number): Promise<string[]> {
  const records = Array.from({ length: count }, () => recordAt(clock, { groups: [group], scope: {} }))
  for (let start = 0; start < count; start += 100) {
    await Promise.all(records.slice(start, start + 100).map((record) => store.create(record)))
  }
  return records.map(({ connectionId }) => connectionId)
}

async function increment(store: ChannelStore, connectionId: string): Promise<void> {
  for (;;) {
    const record = await store.load(connectionId)
    if (!record) throw new Error(`connection ${connectionId} has no record`)
    const write = { set: { count: Number(record.state['count']) + 1 }, remove: [] }
    if ((await store.saveStateIf(connectionId, record.version, write)) === 'saved') return
  }
}

function withKey(key: string, value: JsonObject[string]): JsonObject {
  return Object.fromEntries([[key, value]])
}
