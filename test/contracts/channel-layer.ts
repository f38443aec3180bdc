import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import {
  ChannelFullError,
  InvalidMessageError,
  InvalidNameError,
  MessageTooLargeError,
  NotSupportedError,
  ProtocolError,
} from '../../shared/errors.ts'
import { BaseChannelLayer } from '../../shared/layers/base-channel-layer.ts'
import { type MessageLimits, MessageRules } from '../../shared/layers/message-rules.ts'
import type { Message } from '../../shared/message.ts'
import type { ChannelStore } from '../../shared/stores/channel-store.ts'
import { ManualClock } from '../../shared/testing/manual-clock.ts'
import { FakeLogger } from '../support/fake-connection.ts'
import { RecordingDelivery } from '../support/recording-delivery.ts'

/** Makes a store; several may share what is stored, so every test uses channels and groups of its own. */
export type MakeLayerStore = (setup: { readonly clock: ManualClock }) => ChannelStore

interface Stage {
  readonly clock: ManualClock
  readonly store: ChannelStore
  readonly layer: BaseChannelLayer
  readonly delivery: RecordingDelivery
  readonly logger: FakeLogger
  readonly counts: Map<string, number>
}

type SetUp = (limits?: MessageLimits) => Stage

const LARGEST = 131_072

/** What every channel layer must do: the sentences of `docs/reference/channel-layer-spec.md`. */
export function channelLayerContract(name: string, makeStore: MakeLayerStore): void {
  const setUp = stageOver(makeStore)
  describe(`${name}: names`, () => nameContract(setUp))
  describe(`${name}: messages`, () => messageContract(setUp))
  describe(`${name}: groups`, () => groupContract(setUp))
  describe(`${name}: flush and extensions`, () => flushContract(setUp))
}

/** What a layer must do whose store keeps messages, so that code which is no consumer can receive. */
export function channelMessagesContract(name: string, makeStore: MakeLayerStore): void {
  const setUp = stageOver(makeStore)
  describe(`${name}: new channels`, () => newChannelContract(setUp))
  describe(`${name}: received messages`, () => receivedMessageContract(setUp))
  describe(`${name}: send and receive`, () => receiveContract(setUp))
  describe(`${name}: capacity`, () => capacityContract(setUp))
  describe(`${name}: expiry`, () => expiryContract(setUp))
  describe(`${name}: groups with channels`, () => channelMemberContract(setUp))
}

/** What a layer must do whose store keeps no messages. */
export function noMessagesContract(name: string, makeStore: MakeLayerStore): void {
  const setUp = stageOver(makeStore)
  describe(`${name}: no messages`, () => {
    it('A layer whose store keeps no messages MUST refuse newChannel, receive and a send to such a channel with a NotSupportedError', async () => {
      const { layer } = setUp()

      for (const call of [
        () => layer.newChannel(),
        () => layer.receive('specific.a!b'),
        () => layer.send('specific.a!b', { type: 'a' }),
      ]) {
        await expect(call()).rejects.toThrow(NotSupportedError)
        await expect(call()).rejects.toThrow('use the Redis layer')
      }
    })
  })
}

function stageOver(makeStore: MakeLayerStore): SetUp {
  return (limits) => {
    const clock = new ManualClock(Date.UTC(2026, 5, 1))
    const store = makeStore({ clock })
    const delivery = new RecordingDelivery()
    const logger = new FakeLogger()
    const counts = new Map<string, number>()
    const count = (name: string, value: number): unknown => counts.set(name, (counts.get(name) ?? 0) + value)
    const surroundings = { clock, logger, metrics: { count }, messageRules: new MessageRules(limits) }
    const layer = new BaseChannelLayer({ store, delivery, surroundings })
    return { clock, store, layer, delivery, logger, counts }
  }
}

async function connect({ store, clock }: Stage, ...groups: readonly string[]): Promise<string> {
  const connectionId = `${randomUUID().slice(0, 15)}=`
  await store.create({
    connectionId,
    scope: {},
    state: {},
    version: 0,
    groups,
    connectedAt: clock.now(),
    expiresAt: Math.floor(clock.now() / 1000) + 7_800,
  })
  return connectionId
}

function newGroup(): string {
  return `room_${randomUUID()}`
}

function numbered(n: number): Message {
  return { type: 'numbered', n }
}

/** What waits in a channel, without waiting for more. */
async function drain(layer: BaseChannelLayer, channelName: string): Promise<Message[]> {
  await layer.send(channelName, { type: 'last' })
  const messages: Message[] = []
  for (;;) {
    const message = await layer.receive(channelName)
    if (message.type === 'last') return messages
    messages.push(message)
  }
}

function nameContract(setUp: SetUp): void {
  it('A group name MUST be 1 to 99 ASCII letters, digits, "-", "_" and "."', async () => {
    const { layer } = setUp()
    const event = { type: 'a' }

    for (const good of ['a', 'room_42', 'A-Z.a-z_0-9', 'x'.repeat(99)])
      await expect(layer.groupSend(good, event)).resolves.toBeDefined()
    for (const bad of ['', 'x'.repeat(100), 'room 42', 'é', '٣', 'a!b', 'a=', 'a/b', 'a\n', 42, null])
      await expect(layer.groupSend(bad as string, event)).rejects.toThrow(InvalidNameError)
  })

  it('A channel name MUST be a group name that may have one "!" behind its first character, or end in "="', async () => {
    const { layer } = setUp()
    const group = newGroup()

    for (const good of ['a', 'L0SM9cOFvHcCIhw=', 'specific.a!b', 'specific.a!', 'x'.repeat(99)])
      await expect(layer.groupAdd(group, good)).resolves.toBeUndefined()
    for (const bad of ['', '!', '!a', 'a!b!c', 'a=!b', 'a b', 'é', 'a\n', 'x'.repeat(100), undefined])
      await expect(layer.groupAdd(group, bad as string)).rejects.toThrow(InvalidNameError)
  })

  it('The error about a name MUST show the name, its first bad character, and the rule', async () => {
    const { layer } = setUp()

    await expect(layer.groupSend('room 4/2', { type: 'a' })).rejects.toThrow(
      'group name "room 4/2" has " " at 4: use 1 to 99 letters, digits',
    )
  })
}

function newChannelContract(setUp: SetUp): void {
  it('newChannel MUST return a new name at each call: the prefix, and random characters that nobody can guess with one "!" among them', async () => {
    const { layer } = setUp()
    const names = await Promise.all(Array.from({ length: 20 }, () => layer.newChannel('reply.')))

    expect(new Set(names).size).toBe(20)
    for (const name of names) expect(name).toMatch(/^reply\.[\w-]{22}![\w-]{22}$/)
    expect(new Set(names.map((name) => name.split('!')[0])).size).toBe(20)
  })

  it('The prefix of newChannel MUST be "specific." if none is given', async () => {
    const { layer } = setUp()

    expect(await layer.newChannel()).toMatch(/^specific\../)
  })

  it('newChannel MUST refuse a prefix that makes no channel name with an InvalidNameError', async () => {
    const { layer } = setUp()

    for (const bad of ['a!', 'a b', 'é', 'x'.repeat(55)])
      await expect(layer.newChannel(bad)).rejects.toThrow(InvalidNameError)
  })
}

function messageContract(setUp: SetUp): void {
  it('A message MUST be a plain object with a type that is a non-empty string', async () => {
    const { layer } = setUp()

    for (const bad of [
      null,
      undefined,
      'text',
      42,
      [],
      new Date(0),
      new Map(),
      {},
      { type: '' },
      { type: 1 },
    ]) {
      await expect(layer.send('a=', bad as unknown as Message)).rejects.toThrow(InvalidMessageError)
      await expect(layer.groupSend('room', bad as unknown as Message)).rejects.toThrow(InvalidMessageError)
    }
  })

  it('A message of a type that belongs to the server MUST be refused with an InvalidMessageError', async () => {
    const { layer } = setUp()

    for (const type of ['websocket.send', 'websocket.disconnect', 'http.request', 'lifespan.startup'])
      await expect(layer.send('a=', { type })).rejects.toThrow(InvalidMessageError)
  })

  it('A value that JSON would change or lose MUST be refused with an InvalidMessageError that names its path', async () => {
    const { layer } = setUp()
    const values = [
      new Date(0),
      1n,
      Number.NaN,
      new Map(),
      new Uint8Array(1),
      () => 1,
      Symbol('a'),
      [undefined],
    ]

    for (const value of values) {
      const message = { type: 'a', deep: [{ value }] } as unknown as Message
      await expect(layer.send('a=', message)).rejects.toThrow(InvalidMessageError)
      await expect(layer.groupSend('room', message)).rejects.toThrow('message.deep[0].value')
    }
  })

  it('A message of 131 072 bytes as JSON MUST be carried, and one with a byte more refused with a MessageTooLargeError', async () => {
    const { layer } = setUp()
    const [fits, tooLarge] = [messageOf(LARGEST), messageOf(LARGEST + 1)]

    await expect(layer.groupSend(newGroup(), fits)).resolves.toBeDefined()
    await expect(layer.groupSend(newGroup(), tooLarge)).rejects.toThrow(MessageTooLargeError)
    await expect(layer.send('a=', tooLarge)).rejects.toThrow(MessageTooLargeError)
  })

  it('A message that is refused MUST reach nobody', async () => {
    const stage = setUp()
    const group = newGroup()
    const member = await connect(stage, group)

    for (const [bad, code] of [
      [{ type: '' }, 'INVALID_MESSAGE'],
      [{ type: 'a', at: new Date(0) } as unknown as Message, 'INVALID_MESSAGE'],
      [messageOf(LARGEST + 1), 'MESSAGE_TOO_LARGE'],
    ] as const) {
      await expect(stage.layer.groupSend(group, bad)).rejects.toMatchObject({ code })
      await expect(stage.layer.send(member, bad)).rejects.toMatchObject({ code })
    }

    expect(stage.delivery.received).toEqual([])
  })
}

/** A message of so many bytes as JSON, half of them in characters of two. */
function messageOf(bytes: number): Message {
  const room = bytes - JSON.stringify({ type: 'large', text: '' }).length
  return { type: 'large', text: 'é'.repeat(Math.floor(room / 2)) + 'x'.repeat(room % 2) }
}

function receivedMessageContract(setUp: SetUp): void {
  it('A message MUST be received as JSON gives it back, without keys that are undefined', async () => {
    const { layer } = setUp()
    const channel = await layer.newChannel()
    const sent = { type: 'all', text: 'é ☃ 😀 \u0000\n', n: -1.5e300, no: null, list: [[], {}, true, ''] }

    await layer.send(channel, { ...sent, left: undefined })
    await layer.send(channel, messageOf(LARGEST))

    expect(await layer.receive(channel)).toStrictEqual(sent)
    expect(await layer.receive(channel)).toStrictEqual(messageOf(LARGEST))
  })

  it('What the sender changes in a message after sending it MUST NOT change what is received', async () => {
    const { layer } = setUp()
    const channel = await layer.newChannel()
    const message = { type: 'a', list: [1] }
    await layer.send(channel, message)
    message.list.push(2)

    expect(await layer.receive(channel)).toEqual({ type: 'a', list: [1] })
  })

  it('Members of a group MUST get copies of their own of a message', async () => {
    const { layer } = setUp()
    const group = newGroup()
    const [one, other] = [await layer.newChannel(), await layer.newChannel()]
    for (const channel of [one, other]) await layer.groupAdd(group, channel)
    await layer.groupSend(group, { type: 'a', list: [1] })

    const changed = (await layer.receive(one)) as unknown as { list: number[] }
    changed.list.push(2)

    expect(await layer.receive(other)).toEqual({ type: 'a', list: [1] })
  })
}

function receiveContract(setUp: SetUp): void {
  it('A message MUST be received once from the channel that it was sent to, and from no other', async () => {
    const { layer } = setUp()
    const [one, other] = [await layer.newChannel(), await layer.newChannel()]

    await layer.send(one, numbered(1))
    await layer.send(other, numbered(2))

    expect(await drain(layer, one)).toEqual([numbered(1)])
    expect(await drain(layer, other)).toEqual([numbered(2)])
    expect(await drain(layer, one)).toEqual([])
  })

  it('Messages that one sender sends one after the other MUST be received in that order', async () => {
    const { layer } = setUp()
    const channel = await layer.newChannel()
    const messages = Array.from({ length: 50 }, (_, index) => numbered(index))

    for (const message of messages) await layer.send(channel, message)

    expect(await drain(layer, channel)).toEqual(messages)
  })

  it('receive MUST wait for a message if there is none', async () => {
    const { layer } = setUp()
    const channel = await layer.newChannel()
    const receiving = layer.receive(channel)

    await layer.send(channel, numbered(1))

    expect(await receiving).toEqual(numbered(1))
  })

  it('Of several receivers each MUST get a message of its own, in the order in which they began to wait', async () => {
    const { layer } = setUp()
    const channel = await layer.newChannel()
    const receiving = Array.from({ length: 5 }, () => layer.receive(channel))

    for (let n = 0; n < 5; n += 1) await layer.send(channel, numbered(n))

    expect(await Promise.all(receiving)).toEqual([0, 1, 2, 3, 4].map((n) => numbered(n)))
    expect(await drain(layer, channel)).toEqual([])
  })

  it('A receive that is aborted MUST reject with the reason of its signal, and no message is lost by it', async () => {
    const { layer } = setUp()
    const channel = await layer.newChannel()
    const reason = new Error('enough')
    const controller = new AbortController()
    const outcomes = Array.from({ length: 3 }, () =>
      layer.receive(channel, { signal: controller.signal }).catch((error: unknown) => error),
    )
    const patient = layer.receive(channel)

    controller.abort(reason)
    await layer.send(channel, numbered(1))

    expect(await Promise.all(outcomes)).toEqual([reason, reason, reason])
    expect(await patient).toEqual(numbered(1))
    await expect(layer.receive(channel, { signal: controller.signal })).rejects.toBe(reason)
    expect(await drain(layer, channel)).toEqual([])
  })

  it('A message MUST NOT be lost because its channel, or another, is received from while it is sent', async () => {
    const { layer } = setUp()
    const [one, other] = [await layer.newChannel(), await layer.newChannel()]
    const receiving = layer.receive(one)

    // All at once: the first message is handed out while the others are put where they wait.
    await Promise.all([
      layer.send(one, numbered(1)),
      layer.send(other, numbered(2)),
      layer.send(one, numbered(3)),
    ])

    const got = [await receiving, ...(await drain(layer, one))]
    expect(got.toSorted((a, b) => Number(a['n']) - Number(b['n']))).toEqual([numbered(1), numbered(3)])
    expect(await drain(layer, other)).toEqual([numbered(2)])
  })

  it('A channel MUST take messages whether or not anybody receives from it, or newChannel made it', async () => {
    const { layer } = setUp()
    const channel = `known.${randomUUID()}!agreed`

    await layer.send(channel, numbered(1))

    expect(await layer.receive(channel)).toEqual(numbered(1))
  })

  it('receive MUST refuse a channel whose name has no "!" with a NotSupportedError', async () => {
    const { layer } = setUp()

    await expect(layer.receive('L0SM9cOFvHcCIhw=')).rejects.toThrow(NotSupportedError)
    await expect(layer.receive('L0SM9cOFvHcCIhw=')).rejects.toThrow(
      'messages of a connection run its consumer',
    )
    await expect(layer.receive('a b')).rejects.toThrow(InvalidNameError)
  })
}

function capacityContract(setUp: SetUp): void {
  it('A channel MUST take 100 messages by default, and refuse the next with a ChannelFullError that has its name and capacity', async () => {
    const { layer } = setUp()
    const channel = await layer.newChannel()
    for (let n = 0; n < 100; n += 1) await layer.send(channel, numbered(n))

    const refused = await layer.send(channel, numbered(100)).catch((error: unknown) => error)

    expect(refused).toBeInstanceOf(ChannelFullError)
    expect(refused).toMatchObject({ channelName: channel, capacity: 100 })
    const received = await Promise.all(Array.from({ length: 100 }, () => layer.receive(channel)))
    expect(received).toEqual(Array.from({ length: 100 }, (_, n) => numbered(n)))
    expect(await drain(layer, channel)).toEqual([])
  })

  it('A channel that is full MUST take a message again once one was received, and other channels meanwhile', async () => {
    const { layer } = setUp({ capacity: 1 })
    const [full, other] = [await layer.newChannel(), await layer.newChannel()]
    await layer.send(full, numbered(1))
    await expect(layer.send(full, numbered(2))).rejects.toThrow(ChannelFullError)

    await layer.send(other, numbered(3))
    await layer.receive(full)

    await expect(layer.send(full, numbered(4))).resolves.toBeUndefined()
  })

  it('Senders at the same time MUST NOT put more messages into a channel than it takes', async () => {
    const { layer } = setUp({ capacity: 5 })
    const channel = await layer.newChannel()

    const sends = await Promise.allSettled(
      Array.from({ length: 20 }, (_, n) => layer.send(channel, numbered(n))),
    )

    expect(sends.filter(({ status }) => status === 'fulfilled')).toHaveLength(5)
  })

  it('The first capacity pattern that fits the name MUST decide, be it a glob for the whole name or a RegExp', async () => {
    const { layer } = setUp({
      capacity: 2,
      channelCapacity: [
        ['reply.*', 1],
        [/^reply/, 3],
        [/bulk/g, 4],
        ['bulk.*', 5],
      ],
    })

    const taken = await Promise.all(
      ['reply.', 'reply-', 'my.bulk.', 'bulk.', 'other.'].map(async (prefix) => {
        const channel = await layer.newChannel(prefix)
        const sends = Array.from({ length: 6 }, (_, n) => layer.send(channel, numbered(n)))
        return (await Promise.allSettled(sends)).filter(({ status }) => status === 'fulfilled').length
      }),
    )

    expect(taken).toEqual([1, 3, 4, 4, 2])
  })
}

function expiryContract(setUp: SetUp): void {
  it('A message MUST be received until it expires, by default 60 seconds after it was sent, and not from then on', async () => {
    const { clock, layer } = setUp()
    const channel = await layer.newChannel()
    await layer.send(channel, numbered(1))
    await clock.advance(1)
    await layer.send(channel, numbered(2))

    await clock.advance(59_999)

    expect(await drain(layer, channel)).toEqual([numbered(2)])
  })

  it('Messages, and memberships of channels of newChannel, MUST expire when the options of the layer say', async () => {
    const { clock, layer } = setUp({ expirySeconds: 5, groupExpirySeconds: 7 })
    const [group, channel] = [newGroup(), await layer.newChannel()]
    await layer.groupAdd(group, channel)
    await layer.send(channel, numbered(1))

    await clock.advance(5_000)
    expect(await drain(layer, channel)).toEqual([])
    expect(await layer.groupSend(group, numbered(2))).toMatchObject({ delivered: 1 })
    await clock.advance(2_000)
    expect(await layer.groupSend(group, numbered(3))).toMatchObject({ delivered: 0 })
  })

  it('Messages that have expired MUST NOT count as messages that a channel takes', async () => {
    const { clock, layer } = setUp({ capacity: 2 })
    const channel = await layer.newChannel()
    for (const n of [1, 2]) await layer.send(channel, numbered(n))
    await expect(layer.send(channel, numbered(3))).rejects.toThrow(ChannelFullError)

    await clock.advance(60_000)

    for (const n of [4, 5]) await layer.send(channel, numbered(n))
    await expect(layer.send(channel, numbered(6))).rejects.toThrow(ChannelFullError)
    expect([await layer.receive(channel), await layer.receive(channel)]).toEqual([numbered(4), numbered(5)])
  })

  it('A channel of newChannel MUST stay a member of its groups for 86 400 seconds by default, and no longer', async () => {
    const { clock, layer } = setUp()
    const [group, channel] = [newGroup(), await layer.newChannel()]
    await layer.groupAdd(group, channel)

    await clock.advance(86_399_000)
    expect(await layer.groupSend(group, numbered(1))).toMatchObject({ delivered: 1 })
    await clock.advance(1_000)
    expect(await layer.groupSend(group, numbered(2))).toMatchObject({ delivered: 0 })
  })
}

function groupContract(setUp: SetUp): void {
  it('Once groupAdd resolves, a groupSend MUST reach the channel', async () => {
    const stage = setUp()
    const [group, member] = [newGroup(), await connect(stage)]
    await stage.layer.groupAdd(group, member)

    const result = await stage.layer.groupSend(group, numbered(1))

    expect(stage.delivery.received).toEqual([{ connectionId: member, payload: { event: numbered(1) } }])
    expect(result).toEqual({ delivered: 1, deferred: 0, gone: 0, failed: 0 })
  })

  it('A channel that is added to a group twice MUST be reached once', async () => {
    const stage = setUp()
    const [group, member] = [newGroup(), await connect(stage)]
    for (let times = 0; times < 2; times += 1) await stage.layer.groupAdd(group, member)

    await stage.layer.groupSend(group, numbered(1))

    expect(stage.delivery.reached).toEqual([member])
  })

  it('groupDiscard MUST end the membership, at the first call, and MUST do nothing where there is none', async () => {
    const stage = setUp()
    const group = newGroup()
    const [leaving, staying] = [await connect(stage, group), await connect(stage, group)]

    for (let times = 0; times < 2; times += 1) await stage.layer.groupDiscard(group, leaving)
    await stage.layer.groupDiscard(newGroup(), staying)
    await stage.layer.groupSend(group, numbered(1))

    expect(stage.delivery.reached).toEqual([staying])
  })

  it('A groupSend to a group without members MUST succeed', async () => {
    const { layer } = setUp()

    const nobody = { delivered: 0, deferred: 0, gone: 0, failed: 0 }
    expect(await layer.groupSend(newGroup(), numbered(1))).toEqual(nobody)
    expect(await layer.groupSendFrame(newGroup(), 'hello')).toEqual(nobody)
  })

  it('A groupSend MUST reach every member once, whoever sends, and nobody else', async () => {
    const stage = setUp()
    const [group, other] = [newGroup(), newGroup()]
    const members = await Promise.all(Array.from({ length: 30 }, () => connect(stage, group, newGroup())))
    await connect(stage, other)

    await stage.layer.groupSend(group, numbered(1))

    expect(stage.delivery.reached).toEqual(members.toSorted())
  })

  it('A groupSend MUST NOT reach the channels in exclude, members or not', async () => {
    const stage = setUp()
    const group = newGroup()
    const [left = '', right = '', third = ''] = await Promise.all([1, 2, 3].map(() => connect(stage, group)))

    await stage.layer.groupSend(group, numbered(1), { exclude: [left ?? '', third ?? '', 'nobody'] })

    expect(stage.delivery.reached).toEqual([right])
  })

  it('A groupSend MUST refuse an exclude of more than 1 000 names with a MessageTooLargeError, and reach nobody', async () => {
    const stage = setUp()
    const group = newGroup()
    const member = await connect(stage, group)
    const names = Array.from({ length: 1_000 }, (_, index) => `n${index}=`)
    const options = { exclude: [...names, 'one.more'] }

    for (const sent of [
      stage.layer.groupSend(group, numbered(1), options),
      stage.layer.groupSendFrame(group, 'hello', options),
      stage.layer.groupClose(group, 1000, options),
    ])
      await expect(sent).rejects.toThrow(MessageTooLargeError)
    expect(stage.delivery.reached).toEqual([])

    await stage.layer.groupSend(group, numbered(1), { exclude: [...names, ...names] })
    expect(stage.delivery.reached).toEqual([member])
  })

  it('groupAdd of a channel that does not exist, or has ended, MUST add nothing, and MUST succeed', async () => {
    const stage = setUp()
    const [group, ended] = [newGroup(), await connect(stage)]
    await stage.store.remove(ended)

    for (const absent of [ended, 'never=', `never.${randomUUID()}!made`])
      await stage.layer.groupAdd(group, absent)

    expect(await stage.layer.groupSend(group, numbered(1))).toMatchObject({ delivered: 0, failed: 0 })
  })

  it('A groupSend MUST NOT fail because of a member, and MUST count the members that failed', async () => {
    const stage = setUp()
    const group = newGroup()
    const [bad, good] = [await connect(stage, group), await connect(stage, group)]
    stage.delivery.failing.add(bad)

    const result = await stage.layer.groupSend(group, numbered(1))

    expect(stage.delivery.reached).toEqual([good])
    expect(result).toEqual({ delivered: 1, deferred: 0, gone: 0, failed: 1 })
  })

  it('groupClose MUST end each member once with its code, and nobody in exclude', async () => {
    const stage = setUp()
    const group = newGroup()
    const [left = '', right = '', third = ''] = await Promise.all([1, 2, 3].map(() => connect(stage, group)))

    const result = await stage.layer.groupClose(group, 4403, { exclude: [third] })

    expect(stage.delivery.reached).toEqual([left, right].toSorted())
    expect(stage.delivery.received.map(({ payload }) => payload)).toEqual([{ close: 4403 }, { close: 4403 }])
    expect(result).toEqual({ delivered: 2, deferred: 0, gone: 0, failed: 0 })
  })

  it('groupClose MUST refuse a code other than 1000 and 3000 to 4999 with a ProtocolError', async () => {
    const { layer } = setUp()
    for (const code of [0, 999, 1001, 1006, 1011, 2999, 5000, 4000.5, NaN])
      await expect(layer.groupClose(newGroup(), code)).rejects.toThrow(ProtocolError)
    for (const code of [1000, 3000, 4999]) await layer.groupClose(newGroup(), code)
  })
}

function channelMemberContract(setUp: SetUp): void {
  it('Connections and channels of newChannel MUST be members of the same groups', async () => {
    const stage = setUp()
    const [group, channel] = [newGroup(), await stage.layer.newChannel()]
    const connection = await connect(stage, group)
    await stage.layer.groupAdd(group, channel)

    const result = await stage.layer.groupSend(group, numbered(1))

    expect(result).toEqual({ delivered: 2, deferred: 0, gone: 0, failed: 0 })
    expect(stage.delivery.reached).toEqual([connection])
    expect(await drain(stage.layer, channel)).toEqual([numbered(1)])
    expect(stage.counts.get('delivered')).toBe(1)
  })

  it('A channel of newChannel MUST join, leave and be excluded as a connection does', async () => {
    const { layer } = setUp()
    const [group, one, other] = [newGroup(), await layer.newChannel(), await layer.newChannel()]
    for (const channel of [one, other, one]) await layer.groupAdd(group, channel)

    await layer.groupSend(group, numbered(1), { exclude: [one] })
    await layer.groupDiscard(group, other)
    await layer.groupSend(group, numbered(2))

    expect(await drain(layer, one)).toEqual([numbered(2)])
    expect(await drain(layer, other)).toEqual([numbered(1)])
  })

  it('A groupSend MUST NOT fail because a channel is full: it counts it as failed, and logs at info how many were', async () => {
    const { layer, logger, counts } = setUp({ capacity: 1 })
    const group = newGroup()
    const channels = [await layer.newChannel(), await layer.newChannel(), await layer.newChannel()]
    for (const channel of channels) await layer.groupAdd(group, channel)
    for (const full of channels.slice(0, 2)) await layer.send(full, numbered(0))

    const result = await layer.groupSend(group, numbered(1))

    expect(result).toEqual({ delivered: 1, deferred: 0, gone: 0, failed: 2 })
    expect(logger.lines).toMatchObject([
      { level: 'info', message: `2 of 3 channels over capacity in group ${group}` },
    ])
    expect(counts.get('failed')).toBe(2)
  })

  it('A frame for a group MUST reach its sockets alone: a channel of newChannel counts as failed, and that is logged', async () => {
    const stage = setUp()
    const [group, channel] = [newGroup(), await stage.layer.newChannel()]
    const connection = await connect(stage, group)
    await stage.layer.groupAdd(group, channel)

    const result = await stage.layer.groupSendFrame(group, 'hello')

    expect(result).toEqual({ delivered: 1, deferred: 0, gone: 0, failed: 1 })
    expect(stage.delivery.received).toEqual([{ connectionId: connection, payload: { frame: 'hello' } }])
    expect(await drain(stage.layer, channel)).toEqual([])
    expect(stage.logger.lines).toMatchObject([
      { level: 'warn', message: expect.stringContaining('use groupSend()') },
    ])
  })

  it('flush MUST forget all messages that wait, and every channel that newChannel made', async () => {
    const { layer } = setUp({ capacity: 1 })
    const [group, channel] = [newGroup(), await layer.newChannel()]
    await layer.groupAdd(group, channel)
    await layer.send(channel, numbered(1))

    await layer.flush()

    expect(await layer.groupSend(group, numbered(2))).toMatchObject({ delivered: 0, failed: 0 })
    await layer.groupAdd(group, channel)
    expect(await layer.groupSend(group, numbered(3))).toMatchObject({ delivered: 0, failed: 0 })
    await layer.send(channel, numbered(4))
    expect(await layer.receive(channel)).toEqual(numbered(4))
  })
}

function flushContract(setUp: SetUp): void {
  it('flush MUST forget every connection and every membership, and the layer MUST work afterwards as before', async () => {
    const stage = setUp()
    const group = newGroup()
    const members = await Promise.all(Array.from({ length: 40 }, () => connect(stage, group, newGroup())))

    await stage.layer.flush()

    expect((await stage.store.loadMany(members)).size).toBe(0)
    expect(await stage.layer.groupSend(group, numbered(1))).toMatchObject({ delivered: 0 })
    const fresh = await connect(stage, group)
    await stage.layer.groupSend(group, numbered(2))
    expect(stage.delivery.reached).toEqual([fresh])
    await expect(stage.layer.flush()).resolves.toBeUndefined()
  }, 60_000)

  it('A layer MUST name groups and flush among its extensions', () => {
    const { layer } = setUp()

    expect(layer.extensions).toEqual(['groups', 'flush'])
  })
}
