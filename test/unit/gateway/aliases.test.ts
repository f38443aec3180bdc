import { setImmediate as nextTurn } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { MemoryChannelStore } from '../../../shared/backends/memory/memory-channel-store.ts'
import type { GroupSendResult } from '../../../shared/channel-layer.ts'
import { WebsocketConsumer } from '../../../shared/consumers/websocket-consumer.ts'
import { ConfigurationError, StoreError } from '../../../shared/errors.ts'
import type { RuntimeOptions } from '../../../shared/gateway/runtime.ts'
import { JoinWatch } from '../../../shared/gateway/store-views.ts'
import { createChannelLayer } from '../../../shared/layers/create-channel-layer.ts'
import type { ChannelStore, ConnectionRecord } from '../../../shared/stores/channel-store.ts'
import { ManualClock } from '../../../shared/testing/manual-clock.ts'
import { GatewayWorld } from '../../support/gateway-world.ts'
import { observeStore, type ObservedStore } from '../../support/observed-store.ts'

interface World {
  readonly world: GatewayWorld
  /** The store of the layer "jobs"; that of the world is the default one. */
  readonly jobs: ObservedStore
  /** Who is in `group` of the layer "jobs". */
  members(group?: string): Promise<readonly string[]>
}

interface WorldOptions extends Pick<RuntimeOptions, 'fanOut'> {
  readonly pageSize?: number
}

function worldOf(consumer: typeof JobConsumer, { pageSize = 1_000, fanOut = {} }: WorldOptions = {}): World {
  JobConsumer.results = []
  JobConsumer.left = []
  const clock = { now: () => world.clock.now(), sleep: (ms: number) => world.clock.sleep(ms) }
  const jobs = observeStore(new MemoryChannelStore({ clock, pageSize }))
  const world: GatewayWorld = new GatewayWorld({
    application: consumer.asApplication(),
    runtime: {
      fanOut,
      layers: { jobs: { store: jobs }, idle: { store: new MemoryChannelStore({ clock }) } },
    },
  })
  const members = async (group = 'room'): Promise<readonly string[]> =>
    (await jobs.members(group)).members.map(({ connectionId }) => connectionId).toSorted()
  return { world, jobs, members }
}

/** Lives on the layer "jobs": joins `room` there, and sends to it what its client says. */
class JobConsumer extends WebsocketConsumer {
  static results: GroupSendResult[] = []
  static left: string[] = []
  static override readonly channelLayerAlias: string = 'jobs'
  override readonly groups: readonly string[] = ['room']
  override state = { count: 0 }

  override async receive(text: string): Promise<void> {
    JobConsumer.results.push(
      text.startsWith('frame')
        ? await this.channelLayer.groupSendFrame('room', text)
        : await this.channelLayer.groupSend('room', { type: 'room.say', text }),
    )
  }

  async roomSay({ text }: { text: string }): Promise<void> {
    this.state.count += 1
    await this.send(`${text} ${this.scope.path} ${this.state.count}`)
  }

  override async disconnect(code: number): Promise<void> {
    JobConsumer.left.push(`${this.channelName} ${code}`)
  }
}

function ownSay(world: GatewayWorld): Promise<unknown> {
  return world.receive('a=', 'hello')
}

test('a consumer joins and sends in the layer that it names, and handlers see scope and state as ever', async () => {
  const { world, members } = worldOf(JobConsumer)
  await world.open('a=', 'b=')
  world.coldStart()

  await ownSay(world)
  await ownSay(world)

  expect(await members()).toEqual(['a=', 'b='])
  expect(world.frames('b=')).toEqual(['hello / 1', 'hello / 2'])
  expect(JobConsumer.results[0]).toEqual({ delivered: 2, deferred: 0, gone: 0, failed: 0 })
})

test('groups of the same name in two layers are two groups', async () => {
  class TestConsumer extends JobConsumer {
    override async receive(): Promise<void> {
      const other = this.connection.channelLayer('default')
      await other.groupAdd('room', this.channelName)
      JobConsumer.results.push(await other.groupSendFrame('room', 'hello'))
    }
  }
  const { world, members } = worldOf(TestConsumer)
  await world.open('a=', 'b=')

  await ownSay(world)

  expect(await members()).toEqual(['a=', 'b='])
  expect(await world.members('room')).toEqual(['a='])
  expect(JobConsumer.results).toEqual([{ delivered: 1, deferred: 0, gone: 0, failed: 0 }])
  expect(world.frames('b=')).toEqual([])
})

test('a connection that joins nothing has a record in every layer, so that it can join later', async () => {
  class TestConsumer extends JobConsumer {
    override readonly groups: readonly string[] = []
    override async receive(): Promise<void> {
      await this.channelLayer.groupAdd('room', this.channelName)
    }
  }
  const { world, jobs, members } = worldOf(TestConsumer)
  await world.open('a=')

  const { scope, state, groups, version } = (await jobs.load('a=')) ?? {}
  expect({ scope, state, groups, version }).toEqual({ scope: {}, state: {}, groups: [], version: 0 })
  expect((await jobs.load('a='))?.expiresAt).toBe((await world.store.load('a='))?.expiresAt)
  await ownSay(world)
  expect(await members()).toEqual(['a='])
})

test('a connection that is gone is not added in another layer either, and that is counted', async () => {
  class TestConsumer extends JobConsumer {
    override async receive(): Promise<void> {
      await this.channelLayer.groupAdd('room', 'gone=')
    }
  }
  const { world, members } = worldOf(TestConsumer)
  await world.open('a=', 'gone=')
  await world.disconnect('gone=')

  await ownSay(world)

  expect(await members()).toEqual(['a='])
  expect(world.count('groupAddToGone')).toBe(1)
})

test.each([
  ['close()', (consumer: JobConsumer) => consumer.close(), 403],
  ['an exception', () => Promise.reject(new Error('no')), 500],
] as const)(
  'a handshake that is refused by %s leaves nothing in any layer',
  async (_, refuse, statusCode) => {
    class TestConsumer extends JobConsumer {
      override async connect(): Promise<void> {
        await this.channelLayer.groupAdd('hall', this.channelName)
        await refuse(this)
      }
    }
    const { world, jobs, members } = worldOf(TestConsumer)

    expect((await world.connect('a=')).statusCode).toBe(statusCode)

    expect(await jobs.load('a=')).toBeUndefined()
    expect(await world.store.load('a=')).toBeUndefined()
    expect(await members('hall')).toEqual([])
    expect(await members()).toEqual([])
  },
)

test('a refused handshake that joined nothing costs no write in any layer', async () => {
  class TestConsumer extends JobConsumer {
    override readonly groups: readonly string[] = []
    override async connect(): Promise<void> {
      await this.close()
    }
  }
  const { world, jobs } = worldOf(TestConsumer)

  await world.connect('a=')

  expect([...jobs.takeCalls(), ...world.store.takeCalls()]).toEqual([])
})

test('what is sent in another layer to a member that is still opening arrives once it is open', async () => {
  class TestConsumer extends JobConsumer {
    override async connect(): Promise<void> {
      await this.accept()
      // Another invocation: the member is found in the layer, and its record in the default store.
      if (this.channelName === 'new=') await world.receive('a=', 'hello')
    }
  }
  const { world } = worldOf(TestConsumer)
  await world.open('a=')

  await world.connect('new=')
  await world.deliverAll()

  expect(JobConsumer.results).toEqual([{ delivered: 1, deferred: 1, gone: 0, failed: 0 }])
  expect(world.frames('new=')).toEqual(['hello / 1'])
})

test('$disconnect ends the memberships in every layer, and a second one does nothing', async () => {
  const { world, jobs, members } = worldOf(JobConsumer)
  await world.open('a=', 'b=')

  await world.disconnect('b=')
  await world.disconnect('b=')

  expect(await members()).toEqual(['a='])
  expect(await jobs.load('b=')).toBeUndefined()
  expect(JobConsumer.left).toEqual(['b= 1001'])
})

test.each(['frame', 'event'])(
  'a member of another layer that answers 410 is removed from all of them, and disconnect() runs once: %s',
  async (way) => {
    const { world, jobs, members } = worldOf(JobConsumer)
    await world.open('a=', 'dead=')
    world.vanish('dead=')

    await world.receive('a=', way)
    await world.disconnect('dead=')

    expect(JobConsumer.results).toEqual([{ delivered: 1, deferred: 0, gone: 1, failed: 0 }])
    expect(await members()).toEqual(['a='])
    expect(await jobs.load('dead=')).toBeUndefined()
    expect(await world.store.load('dead=')).toBeUndefined()
    expect(JobConsumer.left).toEqual(['dead= 1006'])
  },
)

test('a membership that is left in another layer without a record goes with the next send there', async () => {
  const { world, jobs, members } = worldOf(JobConsumer)
  await world.open('a=', 'b=')
  jobs.fail('remove', new StoreError('throttled', { retryable: true }))
  await world.disconnect('b=')
  expect(await members()).toEqual(['a=', 'b='])

  await ownSay(world)

  expect(await members()).toEqual(['a='])
  expect(JobConsumer.results).toEqual([{ delivered: 1, deferred: 0, gone: 1, failed: 0 }])
})

test('a layer whose store fails at the end of a connection keeps disconnect() from nothing, and is reported', async () => {
  const { world, jobs } = worldOf(JobConsumer)
  await world.open('a=')
  jobs.fail('remove', new StoreError('throttled', { retryable: true }))

  await world.disconnect('a=')

  expect(JobConsumer.left).toEqual(['a= 1001'])
  expect(await world.store.load('a=')).toBeUndefined()
  expect(world.count('cleanUpFailed')).toBe(1)
  expect(world.logged('error')[0]?.details).toMatchObject({ channelName: 'a=' })
})

test('what a failed $disconnect has left in another layer, the next one removes', async () => {
  const { world, jobs, members } = worldOf(JobConsumer)
  await world.open('a=')
  jobs.fail('remove', new StoreError('throttled', { retryable: true }), { times: 2 })

  await world.disconnect('a=')
  await world.disconnect('a=')
  expect(world.count('eventFailed')).toBe(1)
  await world.disconnect('a=')

  expect(await members()).toEqual([])
  expect(await jobs.load('a=')).toBeUndefined()
  expect(JobConsumer.left).toEqual(['a= 1001'])
})

test('a layer whose store fails at the handshake refuses it, and nothing is left in the others', async () => {
  const { world, jobs } = worldOf(JobConsumer)
  jobs.fail('create', new StoreError('throttled', { retryable: true }), { after: true })

  expect((await world.connect('a=')).statusCode).toBe(500)

  expect(await world.store.load('a=')).toBeUndefined()
  expect(await jobs.load('a=')).toBeUndefined()
})

test('a handshake that fails in one store is cleaned up behind the writes that are under way in others', async () => {
  class SlowStore extends MemoryChannelStore {
    readonly written = Promise.withResolvers<void>()
    override async create(record: ConnectionRecord): Promise<void> {
      await nextTurn()
      await super.create(record)
      this.written.resolve()
    }
  }
  const clock = new ManualClock()
  const slow = new SlowStore({ clock })
  const layers = { jobs: { store: slow } }
  const world = new GatewayWorld({ application: JobConsumer.asApplication(), runtime: { layers } })
  world.store.fail('create', new StoreError('throttled', { retryable: true }))

  expect((await world.connect('a=')).statusCode).toBe(500)
  await slow.written.promise

  expect(await slow.load('a=')).toBeUndefined()
})

test('disconnect() joins nothing in another layer', async () => {
  class TestConsumer extends JobConsumer {
    override async disconnect(): Promise<void> {
      await this.channelLayer.groupAdd('room', this.channelName)
    }
  }
  const { world, jobs, members } = worldOf(TestConsumer)
  await world.open('a=')
  // Its record is left there, so the store itself would take it.
  jobs.fail('remove', new StoreError('throttled', { retryable: true }))
  await jobs.groupDiscard('room', 'a=')

  await world.disconnect('a=')

  expect(await members()).toEqual([])
})

test('the rest of a send whose time is up goes on in the same layer', async () => {
  const { world } = worldOf(JobConsumer, { pageSize: 2 })
  const ids = ['a=', 'b=', 'c=', 'd=', 'e=']
  await world.open(...ids)

  await world.receive('a=', 'frame', { context: { getRemainingTimeInMillis: () => 0 } })
  expect(world.queue.size).toBe(1)
  await world.deliverAll()

  expect(ids.map((id) => world.frames(id))).toEqual(ids.map(() => ['frame']))
})

test('a large group of another layer is divided among workers that read that layer', async () => {
  const ids = Array.from({ length: 40 }, (_, index) => `m${index}=`)
  const fanOut = { inlineMembers: 10, rangeMembers: 10, maxRanges: 4 }
  const { world } = worldOf(JobConsumer, { pageSize: 10, fanOut })
  await world.open(...ids)

  await world.receive('m0=', 'frame')
  await world.deliverAll()

  expect(JobConsumer.results[0]?.ranges).toBeGreaterThan(1)
  expect(ids.map((id) => world.frames(id))).toEqual(ids.map(() => ['frame']))
})

test('a channel that newChannel() made has a record in its own layer alone', async () => {
  const names: string[] = []
  class TestConsumer extends JobConsumer {
    override async receive(): Promise<void> {
      names.push(await this.channelLayer.newChannel())
      names.push(await this.connection.channelLayer('default').newChannel())
    }
  }
  const { world, jobs } = worldOf(TestConsumer)
  await world.open('a=')

  await ownSay(world)

  const stores = [jobs, world.store]
  const found = await Promise.all(names.map((name) => Promise.all(stores.map((store) => store.load(name)))))
  expect(found.map((records) => records.map((record) => record !== undefined))).toEqual([
    [true, false],
    [false, true],
  ])
})

test('a layer that the runtime lacks is a ConfigurationError that names those it has', async () => {
  class TestConsumer extends JobConsumer {
    static override readonly channelLayerAlias: string = 'job'
  }
  const { world } = worldOf(TestConsumer)

  expect((await world.connect('a=')).statusCode).toBe(500)

  expect(world.failures[0]?.error).toBeInstanceOf(ConfigurationError)
  expect(String(world.failures[0]?.error)).toContain(
    'there is no channel layer "job": this runtime has "default", "jobs", "idle"',
  )
})

test('a queued send to a layer that is gone since fails, so that the queue keeps it', async () => {
  const { world } = worldOf(JobConsumer)
  const task = { kind: 'group', layer: 'old', group: 'room', exclude: [], frame: 'hello' }

  const { batchItemFailures } = await world.deliverBodies(
    JSON.stringify({ task, endpoint: 'https://example.com', attempt: 1 }),
  )

  expect(batchItemFailures).toEqual([{ itemIdentifier: 'm0' }])
  expect(world.logged('error')[0]?.details).toMatchObject({
    error: { message: expect.stringContaining('there is no channel layer "old"') },
  })
})

test('no other layer can be called "default"', () => {
  const layers = { default: { store: new MemoryChannelStore() } }

  expect(() => new GatewayWorld({ application: JobConsumer.asApplication(), runtime: { layers } })).toThrow(
    'layers has "default": that is the layer of the option store',
  )
})

/** A store of which all that is known is where it keeps things. */
function storeAt(identity: string): ChannelStore {
  return Object.assign(new MemoryChannelStore(), { identity })
}

const one = new MemoryChannelStore()

test.each<[string, ChannelStore, Record<string, ChannelStore>, string]>([
  [
    'the default one and another, one object',
    one,
    { jobs: one },
    '"default" and "jobs" keep connections in one place',
  ],
  [
    'two others, one object',
    storeAt('a'),
    { jobs: one, feed: one },
    '"jobs" and "feed" keep connections in one place',
  ],
  [
    'two objects over one table',
    storeAt('table "channels"'),
    { jobs: storeAt('table "channels"') },
    '(table "channels"), so each would destroy what the other keeps: give every layer a table, or a prefix, of its own',
  ],
  [
    'two objects, one of them seen through another',
    storeAt('table "channels"'),
    { jobs: new JoinWatch(storeAt('table "channels"'), { logger: console, metrics: { count() {} } }) },
    '(table "channels")',
  ],
])('two layers cannot share a place: %s', (_, store, others, message) => {
  const layers = Object.fromEntries(Object.entries(others).map(([alias, other]) => [alias, { store: other }]))
  const make = (): unknown =>
    new GatewayWorld({ application: JobConsumer.asApplication(), runtime: { store, layers } })

  expect(make).toThrow(ConfigurationError)
  expect(make).toThrow(message)
})

test('layers whose stores keep things in different places, or do not say where, get along', () => {
  const layers = {
    a: { store: storeAt('a') },
    b: { store: storeAt('b') },
    c: { store: new MemoryChannelStore() },
  }

  expect(
    () => new GatewayWorld({ application: JobConsumer.asApplication(), runtime: { store: one, layers } }),
  ).not.toThrow()
})

test('flush() forgets what its own layer keeps: a group of another one lasts until a send finds its members gone', async () => {
  class TestConsumer extends JobConsumer {
    override async receive(text: string): Promise<void> {
      if (text === 'flush') await this.connection.channelLayer('default').flush()
      else await super.receive(text)
    }
  }
  const { world, jobs, members } = worldOf(TestConsumer)
  await world.open('a=', 'b=')
  const other = createChannelLayer({
    store: jobs,
    queue: world.queue,
    endpoint: 'https://example.com',
    alias: 'jobs',
  })

  await world.receive('a=', 'flush')

  expect(await world.store.load('a=')).toBeUndefined()
  expect(await members()).toEqual(['a=', 'b='])
  world.coldStart()
  await other.groupSend('room', { type: 'room.say', text: 'hello' })
  await world.deliverAll()
  expect(await members()).toEqual([])
})
