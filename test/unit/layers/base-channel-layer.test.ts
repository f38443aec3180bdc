import { beforeEach, expect, test } from 'vitest'
import { MemoryChannelStore } from '../../../shared/backends/memory/memory-channel-store.ts'
import { InvalidMessageError, InvalidNameError, MessageTooLargeError } from '../../../shared/errors.ts'
import { BaseChannelLayer } from '../../../shared/layers/base-channel-layer.ts'
import {
  type Delivery,
  FAN_OUT_LIMITS,
  type FanOutLimits,
  type Remainder,
} from '../../../shared/layers/delivery.ts'
import type { Message } from '../../../shared/message.ts'
import { observeStore, type ObservedStore } from '../../support/observed-store.ts'

/** Reaches everybody, and writes down how. */
class FakeDelivery implements Delivery {
  readonly limits: FanOutLimits = FAN_OUT_LIMITS
  readonly events: unknown[] = []
  readonly payloads: unknown[] = []
  readonly remainders: Remainder[] = []

  async event(connectionId: string, event: object): Promise<'delivered'> {
    this.events.push([connectionId, event])
    return 'delivered'
  }
  async toMember(
    _group: string,
    { connectionId }: { connectionId: string },
    payload: object,
  ): Promise<'delivered'> {
    this.payloads.push([connectionId, payload])
    return 'delivered'
  }
  async prepare(): Promise<void> {}
  inTime<T>(read: Promise<T>): Promise<T> {
    return read
  }
  isOutOfTime(): boolean {
    return false
  }
  async giveAway(parts: readonly Remainder[]): Promise<readonly Remainder[]> {
    this.remainders.push(...parts)
    return []
  }
  async defer(remainders: readonly Remainder[]): Promise<void> {
    this.remainders.push(...remainders)
  }
}

let store: ObservedStore
let delivery: FakeDelivery
let layer: BaseChannelLayer
let tracked: Promise<unknown>[]

beforeEach(() => {
  store = observeStore(new MemoryChannelStore())
  delivery = new FakeDelivery()
  tracked = []
  const track = <T>(work: () => Promise<T>): Promise<T> => {
    const promise = work()
    tracked.push(promise)
    return promise
  }
  layer = new BaseChannelLayer({ store, delivery, track })
})

test.each<[string, () => Promise<unknown>]>([
  ['groupAdd to a bad group', () => layer.groupAdd('room 42', 'a=')],
  ['groupAdd of a bad channel', () => layer.groupAdd('room', 'a b')],
  ['groupDiscard of a bad group', () => layer.groupDiscard('', 'a=')],
  ['groupDiscard of a bad channel', () => layer.groupDiscard('room', '')],
  ['groupSend to a bad group', () => layer.groupSend('a=', { type: 'a' })],
  ['groupSend with a bad exclusion', () => layer.groupSend('room', { type: 'a' }, { exclude: ['a b'] })],
  ['groupSendFrame to a bad group', () => layer.groupSendFrame('a/b', 'x')],
  ['send to a bad channel', () => layer.send('a b', { type: 'a' })],
])('%s is an InvalidNameError before the store is asked', async (_, call) => {
  await expect(call()).rejects.toThrow(InvalidNameError)
  expect(store.calls).toEqual([])
})

test.each<[string, () => Promise<unknown>]>([
  ['groupSend', () => layer.groupSend('room', { type: 'a', at: new Date(0) } as never)],
  ['send', () => layer.send('a=', { type: 'websocket.send' })],
])('%s of what cannot travel is an InvalidMessageError before the store is asked', async (_, call) => {
  await expect(call()).rejects.toThrow(InvalidMessageError)
  expect(store.calls).toEqual([])
  expect(delivery.events).toEqual([])
})

test('a frame that is too large reaches nobody', async () => {
  await expect(layer.groupSendFrame('room', 'x'.repeat(131_073))).rejects.toThrow(MessageTooLargeError)
  expect(store.calls).toEqual([])
})

test.each<[string, (event: Message) => Promise<unknown>]>([
  ['groupSend', (event) => layer.groupSend('room', event)],
  ['send', (event) => layer.send('a=', event)],
])('an event over 128 KB reaches nobody: %s', async (_, call) => {
  const text = 'x'.repeat(131_072 - Buffer.byteLength(JSON.stringify({ type: 'say', text: '' })))
  await expect(call({ type: 'say', text })).resolves.not.toThrow()
  store.takeCalls()
  delivery.events.length = 0

  await expect(call({ type: 'say', text: `${text}x` })).rejects.toThrow(MessageTooLargeError)
  expect(store.calls).toEqual([])
  expect(delivery.events).toEqual([])
})

test('the event that is delivered is a copy', async () => {
  const event = { type: 'say', list: [1] }
  await layer.send('a=', event)
  event.list.push(2)

  expect(delivery.events).toEqual([['a=', { type: 'say', list: [1] }]])
})

test('each call returns the very promise that is tracked, so that leaving it alone is seen', async () => {
  const calls = [
    layer.groupAdd('room', 'a='),
    layer.groupDiscard('room', 'a='),
    layer.send('a=', { type: 'a' }),
    layer.groupSend('room', { type: 'a' }),
    layer.groupSendFrame('room', 'x'),
  ]

  expect(tracked.map((promise, index) => promise === calls[index])).toEqual([true, true, true, true, true])
  await Promise.all(calls)
})
