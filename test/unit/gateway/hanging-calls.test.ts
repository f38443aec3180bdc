import { describe, expect, test } from 'vitest'
import type { GroupSendResult } from '../../../shared/channel-layer.ts'
import { Deadline, type LambdaContext } from '../../../shared/gateway/deadline.ts'
import { createChannelLayer } from '../../../shared/layers/create-channel-layer.ts'
import type { EventOf } from '../../../shared/message.ts'
import type { ChannelStore } from '../../../shared/stores/channel-store.ts'
import type { DeliveryTask } from '../../../shared/stores/delivery-queue.ts'
import { GatewayWorld } from '../../support/gateway-world.ts'
import { RoomConsumer, type RoomEvents } from '../../support/room-consumer.ts'

const MEMBERS = 40
const ids = Array.from({ length: MEMBERS }, (_, index) => `m${index}=`)

/** 300 ms of time, and the reserve. */
function runningOut(): LambdaContext {
  const end = performance.now() + 2_800
  return { getRemainingTimeInMillis: () => end - performance.now() }
}

function consumerOf(room: Room): typeof RoomConsumer {
  return class TestConsumer extends RoomConsumer {
    override async receive(text: string): Promise<void> {
      const { channelLayer } = this
      if (text === 'frame') room.results.push(await channelLayer.groupSendFrame('room', text))
      else if (text.endsWith('=')) await channelLayer.send(text, { type: 'room.say', text: 'to you' })
      else if (text === 'tracked') void this.updateState((state) => state)
      else room.results.push(await channelLayer.groupSend('room', { type: 'room.say', text }))
      await this.send('done')
    }
    override async roomSay(event: EventOf<RoomEvents, 'room.say'>): Promise<void> {
      if (room.hung.has(this.channelName)) await room.released
      await super.roomSay(event)
    }
  }
}

/** A room in which the handlers of `hung` wait for `release`. */
class Room {
  readonly world: GatewayWorld
  readonly results: unknown[] = []
  readonly hung = new Set<string>()
  readonly released: Promise<void>
  readonly release: () => void

  constructor() {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.released = promise
    this.release = resolve
    this.world = new GatewayWorld({ application: consumerOf(this).asApplication(), pageSize: 10 })
  }

  /** Everybody is in; resolves to who is served before most others. */
  async open(): Promise<string> {
    await this.world.open(...ids)
    const { members } = await this.world.store.members('room')
    const early = members.map(({ connectionId }) => connectionId).find((id) => id !== 'm0=')
    if (early === undefined) throw new Error('the room is empty')
    return early
  }

  /** Makes `method` of the store hang until `release`, for `connectionId`. */
  slowDown(method: keyof ChannelStore, connectionId: string): void {
    const store = new Proxy(this.world.store, {
      get: (target, name) => {
        const real = target[name as keyof ChannelStore] as (...args: unknown[]) => Promise<unknown>
        if (name !== method) return real
        return (...args: unknown[]) =>
          args[0] === connectionId ? this.released.then(() => real(...args)) : real(...args)
      },
    })
    Object.assign(this.world.runtime, { store })
  }

  /** How often each of the others has received `text`. */
  reached(text: string, except: string): readonly number[] {
    return ids
      .filter((id) => id !== except)
      .map((id) => this.world.frames(id).filter((frame) => frame === text).length)
  }

  async enqueue(task: DeliveryTask): Promise<void> {
    const endpoint = 'https://abc.execute-api.eu-west-1.amazonaws.com/prod'
    await this.world.queue.enqueue([{ task, endpoint, attempt: 0 }])
  }
}

const everyOther = Array.from({ length: MEMBERS - 1 }, () => 1)

// Each waits for a second or two while one call hangs.
describe.concurrent('a call that does not end', { timeout: 30_000 }, () => {
  test('of one handler: that member has failed, and all others get the event, once', async () => {
    const room = new Room()
    const hung = await room.open()
    room.hung.add(hung)

    await room.world.receive('m0=', 'hello', { context: runningOut() })

    expect(room.results).toEqual([
      { delivered: 9, deferred: 0, gone: 0, failed: 1 } satisfies GroupSendResult,
    ])
    expect(room.world.count('failed')).toBe(1)
    expect(room.world.logged('error')).toMatchObject([
      { details: { channelName: hung, handlers: [{ consumer: 'TestConsumer', type: 'room.say' }] } },
    ])
    await room.world.deliverAll()
    expect(room.reached('hello', hung)).toEqual(everyOther)
  })

  test('of the clean-up of a dead member: all others get the frame, once', async () => {
    const room = new Room()
    const dead = await room.open()
    room.world.vanish(dead)
    room.slowDown('remove', dead)

    await room.world.receive('m0=', 'frame', { context: runningOut() })

    expect(room.results).toMatchObject([{ delivered: 9, failed: 1 }])
    room.release()
    await room.world.deliverAll()
    expect(room.reached('frame', dead)).toEqual(everyOther)
  })

  test('of a channel of newChannel: it has failed, and all others get the event', async () => {
    const room = new Room()
    await room.open()
    const { store, clock } = room.world
    const layer = createChannelLayer({ store, clock })
    const channel = await layer.newChannel()
    await layer.groupAdd('room', channel)
    Object.assign(store.messages ?? {}, { put: () => new Promise(() => {}) })

    await room.world.receive('m0=', 'hello', { context: runningOut() })
    await room.world.deliverAll(runningOut)

    expect(room.reached('hello', '')).toEqual(ids.map(() => 1))
    expect(room.world.count('failed')).toBe(1)
    expect(room.world.logged('warn')).toMatchObject([{ details: { channelName: channel } }])
  })

  test('in a worker: the message is not handed out again, and the rest of its range waits', async () => {
    const room = new Room()
    const hung = await room.open()
    room.hung.add(hung)
    await room.enqueue({
      kind: 'group',
      group: 'room',
      exclude: [],
      event: { type: 'room.say', text: 'hello' },
    })

    expect(await room.world.deliver(runningOut())).toEqual({ batchItemFailures: [] })

    await room.world.deliverAll()
    expect(room.reached('hello', hung)).toEqual(everyOther)
  })

  test('of one event in a batch of the queue costs the other messages nothing', async () => {
    const room = new Room()
    const hung = await room.open()
    room.hung.add(hung)
    const event = { type: 'room.say', text: 'hello' }
    for (const connectionId of [hung, 'm0='])
      await room.enqueue({ kind: 'event', connectionId, connectedAt: 0, event })

    expect(await room.world.deliver(runningOut())).toEqual({ batchItemFailures: [] })

    expect(room.world.frames('m0=')).toEqual(['hello'])
    expect(room.world.logged('error')).toMatchObject([{ details: { channelName: hung } }])
    expect(room.world.count('unfinished')).toBe(1)
  })

  test.each(['frames', 'end'] as const)(
    'of the clean-up behind a task of kind %s fails that task alone',
    async (kind) => {
      const room = new Room()
      const dead = await room.open()
      room.world.vanish(dead)
      room.slowDown('remove', dead)
      const task = { connectionId: dead, connectedAt: 0 }
      await room.enqueue(
        kind === 'end' ? { ...task, kind, at: 0, code: 4000 } : { ...task, kind, frames: ['x'] },
      )
      await room.enqueue({ kind: 'frames', connectionId: 'm0=', connectedAt: 0, frames: ['hello'] })

      expect(await room.world.deliver(runningOut())).toEqual({ batchItemFailures: [{ itemIdentifier: '0' }] })

      expect(room.world.frames('m0=')).toEqual(['hello'])
    },
  )

  test('of the one who is sent to does not hold up the sender for longer', async () => {
    const room = new Room()
    const hung = await room.open()
    room.hung.add(hung)

    await room.world.receive('m0=', hung, { context: runningOut() })
    await room.world.deliverAll()

    expect(room.world.frames('m0=')).toEqual(['done'])
  })

  test('of the store that nobody waits for is left alone, and what waits is in the queue', async () => {
    const room = new Room()
    await room.open()
    room.slowDown('load', 'm0=')
    room.world.poster.answerNext('m0=', 'throttled')

    await room.world.receive('m0=', 'tracked', { context: runningOut() })

    expect(room.world.logged('error').map(({ message }) => message)).toEqual([
      expect.stringContaining('work that was begun'),
    ])
    await room.world.deliverAll()
    expect(room.world.frames('m0=')).toEqual(['done'])
  })

  test('of one record leaves its event in the queue, for no handler has run', async () => {
    const room = new Room()
    const unread = await room.open()
    room.world.coldStart()
    await room.world.receive('m0=', 'tracked')
    const { store } = room.world.runtime
    room.slowDown('load', unread)

    await room.world.receive('m0=', unread, { context: runningOut() })
    expect(room.world.logged('error')).toEqual([])

    Object.assign(room.world.runtime, { store })
    await room.world.deliverAll()
    expect(room.world.frames(unread)).toEqual(['to you'])
  })

  test('until after its invocation sends into the queue what it sends then', async ({ expect }) => {
    const room = new Room()
    const hung = await room.open()
    room.hung.add(hung)
    await room.world.receive('m0=', 'hello', { context: runningOut() })
    await room.world.deliverAll()

    room.release()
    await expect.poll(() => room.world.queue.size, { timeout: 10_000 }).toBe(1)

    await room.world.deliverAll()
    expect(room.world.frames(hung)).toEqual(['hello'])
  })

  test('until the time is over but ends soon after has not failed', async () => {
    const room = new Room()
    const late = await room.open()
    room.hung.add(late)
    const context = runningOut()
    // Past the end of the time, and long before the end of the grace.
    new Deadline(context).signal?.addEventListener('abort', () => setTimeout(room.release, 100))

    await room.world.receive('m0=', 'hello', { context })

    expect(room.results).toMatchObject([{ failed: 0 }])
    expect(room.world.logged('error')).toEqual([])
    await room.world.deliverAll()
    expect(room.reached('hello', '')).toEqual(ids.map(() => 1))
  })
})
