/** One fault at a time, with everybody's messages counted. What `random-runs.test.ts` defines holds here too. */
import { expect, test } from 'vitest'
import type { Faults } from '../../local/index.ts'
import type { ChaosClient } from './support/chaos-client.ts'
import { ChaosRun } from './support/chaos-run.ts'
import { ChaosWorld } from './support/chaos-world.ts'
import { EVERYONE, type Way, WAYS } from './support/member-consumer.ts'
import { StoreError } from '../../shared/errors.ts'
import { observeStore, type ObservedStore } from '../support/observed-store.ts'
import { Random } from './support/random.ts'
import { membersOf } from './support/reckoning.ts'
import { type MakeChaosStore, memory } from './support/stores.ts'

const MEMBERS = 8

interface Room extends AsyncDisposable {
  readonly world: ChaosWorld
  readonly faults: Faults
  readonly run: ChaosRun
  readonly clients: readonly [ChaosClient, ChaosClient, ...ChaosClient[]]
  /** The first client sends to everyone in every way; resolves to the messages, once all is calm. */
  readonly sayAll: () => Promise<readonly string[]>
}

/** Clients that are old enough for a 410 to prove them dead. */
async function openRoom(makeStore: MakeChaosStore = memory): Promise<Room> {
  const world = await ChaosWorld.start({ makeStore })
  const run = new ChaosRun(world, new Random(1))
  await run.gather(MEMBERS)
  const [first, second, ...others] = run.open
  if (first === undefined || second === undefined) throw new Error('a room has members')
  await world.calm()
  return {
    world,
    run,
    faults: world.gateway.faults,
    clients: [first, second, ...others],
    sayAll: async () => {
      const ids = WAYS.map((way) => run.say(first, way, EVERYONE))
      await told(first, ...ids)
      await world.idle()
      return ids
    },
    [Symbol.asyncDispose]: () => world[Symbol.asyncDispose](),
  }
}

/** Waits until `client` has been told all of these. */
async function told(client: ChaosClient, ...ids: readonly string[]): Promise<void> {
  await expect.poll(() => ids.filter((id) => !client.received.has(id)), { timeout: 15_000 }).toEqual([])
}

function counts(clients: readonly ChaosClient[], ids: readonly string[]): readonly number[] {
  return clients.flatMap(({ received }) => ids.map((id) => received.get(id) ?? 0))
}

function expectOnce(clients: readonly ChaosClient[], ids: readonly string[]): void {
  expect(counts(clients, ids)).toEqual(clients.flatMap(() => ids.map(() => 1)))
}

test.each<[string, (faults: Faults) => void]>([
  ['nothing at all', () => {}],
  ['429 to the next posts', (faults) => faults.throttleNextPosts(12)],
  ['429 to most posts of a second', (faults) => void (faults.postsPerSecond = 10)],
  ['500', (faults) => faults.failNextPosts(12, 500)],
  ['503', (faults) => faults.failNextPosts(12, 503)],
  ['connections that are reset before the post arrives', (faults) => faults.resetNextPosts(12)],
  ['posts that hang', (faults) => faults.hangNextPosts(2)],
])('%s: every member gets every message exactly once', async (_, cause) => {
  await using room = await openRoom()

  cause(room.faults)
  const ids = await room.sayAll()

  expectOnce(room.clients, ids)
  expect(await membersOf(room.world, EVERYONE)).toHaveLength(MEMBERS)
  expect(room.world.gateway.deadLetters).toEqual([])
})

test('lost answers: every member gets every message, and as many are doubled as answers were lost', async () => {
  await using room = await openRoom()

  room.faults.loseNextAnswers(5)
  const ids = await room.sayAll()

  const all = counts(room.clients, ids)
  expect(Math.min(...all)).toBe(1)
  expect(all.reduce((sum, count) => sum + count)).toBe(all.length + 5)
})

test('a socket that opens late: what is sent meanwhile waits, and arrives once', async () => {
  await using room = await openRoom()
  const { run, world, faults } = room
  faults.openLateMs = 10_000
  const connecting = run.connect()
  await expect.poll(() => membersOf(world, EVERYONE)).toHaveLength(MEMBERS + 1)

  const ids = WAYS.map((way) => run.say(room.clients[0], way, EVERYONE))
  await told(room.clients[0], ...ids)
  const late = await connecting
  await told(late, ...ids)
  await world.idle()

  expectOnce([...room.clients, late], ids)
  expect(late.hellos).toBe(1)
})

test('a slow client: it waits, the others do not, and it misses nothing', async () => {
  await using room = await openRoom()
  const { run, world, faults, clients } = room
  const [sender, slow] = clients
  faults.slowClients.add(slow.channelName)

  const ids = WAYS.map((way) => run.say(sender, way, EVERYONE))
  for (const client of clients) if (client !== slow) await told(client, ...ids)
  expect(counts([slow], ids)).toEqual([0, 0, 0])
  faults.slowClients.clear()
  await told(slow, ...ids)
  await world.idle()

  expectOnce(clients, ids)
  expect(await membersOf(world, EVERYONE)).toContain(slow.channelName)
})

test('a lost $disconnect: the next send finds the client dead, and nothing of it stays', async () => {
  await using room = await openRoom()
  const { world, faults, clients } = room
  const [, dead, ...others] = clients
  faults.loseDisconnect = true
  dead.vanish()
  await expect.poll(() => world.gateway.connections.count).toBe(MEMBERS - 1)
  expect(await membersOf(world, EVERYONE)).toContain(dead.channelName)

  const ids = await room.sayAll()

  expectOnce(others, ids)
  expect(await world.store.contents({ ids: [dead.channelName], groups: [] })).toEqual([])
  expect(await membersOf(world, EVERYONE)).toHaveLength(MEMBERS - 1)
})

test.each(['late', 'doubled'])(
  'a %s $disconnect: it touches the connection that ended, and no other',
  async (how) => {
    await using room = await openRoom()
    const { run, world, faults, clients } = room
    const [, dead, ...others] = clients
    if (how === 'late') faults.delayDisconnectMs = 20_000
    else faults.duplicateDisconnect = true
    dead.vanish()
    const back = await run.connect()
    await world.idle()

    const ids = await room.sayAll()

    expectOnce([...others, back], ids)
    expect(await world.store.contents({ ids: [dead.channelName], groups: [] })).toEqual([])
    expect(await membersOf(world, EVERYONE)).toHaveLength(MEMBERS)
  },
)

/** A client for which a burst of six frames waits in the queue. */
async function burstInQueue(room: Room): Promise<{ readonly client: ChaosClient; readonly id: string }> {
  const [client] = room.clients
  const id = room.run.ledger.newId()
  // As many as the poster tries.
  room.faults.failNextPosts(4, 503)
  client.command({ do: 'burst', id, count: 6 })
  return { client, id }
}

test('a queue message that comes twice: its frames come twice at most, in order', async () => {
  await using room = await openRoom()
  room.faults.duplicateNextMessages(1)

  const { client, id } = await burstInQueue(room)
  await expect.poll(() => client.bursts.get(id)?.length, { timeout: 15_000 }).toBe(6)
  await room.world.idle()

  expect(client.bursts.get(id)).toEqual([0, 1, 2, 3, 4, 5])
  expect(client.burstFrames).toBe(12)
})

test('queue messages that come late and in another order: the frames of one event keep theirs', async () => {
  await using room = await openRoom()
  room.faults.shuffleMessages = true
  room.faults.delayMessagesMs = 2_000

  const bursts = [await burstInQueue(room), await burstInQueue(room), await burstInQueue(room)]
  for (const { client, id } of bursts)
    await expect.poll(() => client.bursts.get(id), { timeout: 15_000 }).toEqual([0, 1, 2, 3, 4, 5])
})

test('a worker that is killed half-way: the rest comes with the next one, and only what it did comes twice', async () => {
  await using room = await openRoom()
  room.faults.killNextDeliveries(1, { afterPosts: 3 })

  const { client, id } = await burstInQueue(room)
  await expect.poll(() => client.bursts.get(id)?.length, { timeout: 15_000 }).toBe(6)
  await room.world.idle()

  expect(client.bursts.get(id)).toEqual([0, 1, 2, 3, 4, 5])
  expect(client.burstFrames).toBe(9)
})

test('a throttled store: the sender is told, nobody is removed, and the next send reaches everybody', async () => {
  await using room = await openRoom()
  const { run, world, clients } = room
  const answers: boolean[] = []
  world.store.throttleNextCalls(1)
  const id = run.ledger.newId()
  clients[0].command({ do: 'frame', id, group: EVERYONE, excludesSelf: false }, (isDone) =>
    answers.push(isDone),
  )
  await expect.poll(() => answers).toEqual([false])

  const ids = await room.sayAll()

  expectOnce(clients, ids)
  expect(counts(clients, [id])).toEqual(clients.map(() => 0))
})

const throttled = new StoreError('throttled on purpose, nothing was done', { retryable: true })

/** A store with small pages, whose methods fail where the test says. */
function observed(): { readonly makeStore: MakeChaosStore; readonly fail: ObservedStore['fail'] } {
  const stores: ObservedStore[] = []
  const makeStore: MakeChaosStore = async (clock) => {
    const inner = await memory(clock, 3)
    const store = observeStore(inner.store)
    stores.push(store)
    return { ...inner, store }
  }
  return { makeStore, fail: (...fault) => stores[0]?.fail(...fault) }
}

test.each(WAYS)(
  'a store that fails in the middle of a group send by %s: the rest waits, and nobody is served twice',
  async (way) => {
    const { makeStore, fail } = observed()
    await using room = await openRoom(makeStore)

    fail('members', throttled, { skip: 1 })
    const id = room.run.say(room.clients[0], way, EVERYONE)
    for (const client of room.clients) await told(client, id)
    await room.world.idle()

    expectOnce(room.clients, [id])
    expect(room.world.queueLog.size).toBeGreaterThan(0)
  },
)

test('records that cannot be read: the event waits for those members, and the others have it', async () => {
  const { makeStore, fail } = observed()
  await using room = await openRoom(makeStore)

  room.world.coldStart()
  fail('loadMany', throttled)
  fail('load', throttled, { skip: 1, times: 2 })
  const id = room.run.say(room.clients[0], 'handler', EVERYONE)
  for (const client of room.clients) await told(client, id)
  await room.world.idle()

  expectOnce(room.clients, [id])
  expect(room.world.queueLog.size).toBeGreaterThan(0)
})

test('a handshake whose record is written and whose answer is lost: refused, and nothing of it stays', async () => {
  await using room = await openRoom()

  room.world.store.loseNextAnswers(1)
  const refused = await room.run.connect()
  await room.world.gateway.idle()

  expect(refused.isOpen).toBe(false)
  expect(await membersOf(room.world, EVERYONE)).toHaveLength(MEMBERS)
})

test('a join whose answer is lost: asking again makes a member of it, once', async () => {
  await using room = await openRoom()
  const { run, world, clients } = room
  const [sender, joiner] = clients
  const join = async (): Promise<boolean> => {
    const { promise, resolve } = Promise.withResolvers<boolean>()
    joiner.command({ do: 'join', id: run.ledger.newId(), group: 'red' }, resolve)
    return promise
  }
  world.store.loseNextAnswers(1)
  expect(await join()).toBe(false)
  expect(await join()).toBe(true)

  const ids = WAYS.map((way: Way) => run.say(sender, way, 'red'))
  await told(joiner, ...ids)
  await world.idle()

  expectOnce([joiner], ids)
})
