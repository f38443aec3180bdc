import { expect, test } from 'vitest'
import { JsonWebsocketConsumer } from '../../../shared/consumers/json-websocket-consumer.ts'
import { ChannelFullError } from '../../../shared/errors.ts'
import { createChannelLayer } from '../../../shared/layers/create-channel-layer.ts'
import { GatewayWorld } from '../../support/gateway-world.ts'

class AskingConsumer extends JsonWebsocketConsumer {
  override readonly groups = ['room']

  override async receiveJson(content: unknown): Promise<void> {
    if (content === 'ask') await this.#ask()
    else if (content === 'join') await this.#join()
    else if (content === 'wait') void this.channelLayer.receive('nobody!sends')
    else await this.channelLayer.groupSend('room', { type: 'room.note', text: String(content) })
  }

  async roomNote({ text }: { readonly text: string }): Promise<void> {
    await this.sendJson(text)
  }

  /** Asks another member, and waits for the answer within this very event. */
  async #ask(): Promise<void> {
    const reply = await this.channelLayer.newChannel('reply.')
    await this.channelLayer.send('other=', { type: 'room.answer', reply })
    const { text } = await this.channelLayer.receive(reply)
    await this.sendJson(text ?? null)
  }

  async roomAnswer({ reply }: { readonly reply: string }): Promise<void> {
    await this.channelLayer.send(reply, { type: 'answer', text: 'from the other' })
  }

  async #join(): Promise<void> {
    const channel = await this.channelLayer.newChannel('listener.')
    await this.channelLayer.groupAdd('room', channel)
    await this.sendJson(channel)
  }
}

test('a consumer asks another one, and receives its answer', async () => {
  const world = new GatewayWorld({ application: AskingConsumer.asApplication() })
  await world.open('a=', 'other=')

  await world.receive('a=', '"ask"')

  expect(world.frames('a=')).toEqual(['"from the other"'])
})

test('an invocation does not wait for a message that nobody awaits', async () => {
  const world = new GatewayWorld({ application: AskingConsumer.asApplication() })
  await world.open('a=')

  expect(await world.receive('a=', '"wait"')).toMatchObject({ statusCode: 200 })
})

test('a channel of a consumer is a member of its groups, and no record is read for it', async () => {
  const world = new GatewayWorld({ application: AskingConsumer.asApplication() })
  await world.open('a=')
  await world.receive('a=', '"join"')
  const channel = JSON.parse(world.frames('a=')[0] ?? '') as string
  world.coldStart()
  world.store.takeCalls()

  await world.receive('a=', '"hello"')

  const outside = createChannelLayer({ store: world.store, clock: world.clock })
  expect(await outside.receive(channel)).toEqual({ type: 'room.note', text: 'hello' })
  expect(
    world.store.calls.flatMap(({ method, args }) => (method.startsWith('load') ? args.flat() : [])),
  ).toEqual(['a='])
  expect(world.count('failed')).toBe(0)
})

test('a full channel is no matter for the others of its group, and how much it takes is an option of the runtime', async () => {
  const world = new GatewayWorld({
    application: AskingConsumer.asApplication(),
    runtime: { messageLimits: { channelCapacity: [['listener.*', 1]] } },
  })
  await world.open('a=', 'other=')
  await world.receive('a=', '"join"')

  await world.receive('a=', '1')
  await world.receive('a=', '2')

  expect(world.frames('other=')).toEqual(['"1"', '"2"'])
  expect(world.count('failed')).toBe(1)
  expect(world.logged('info')).toContainEqual(
    expect.objectContaining({ message: '1 of 1 channels over capacity in group room' }),
  )
})

test('a channel that is full fails the handler that sends to it alone', async () => {
  const world = new GatewayWorld({
    application: AskingConsumer.asApplication(),
    runtime: { messageLimits: { capacity: 1 } },
  })
  await world.open('a=', 'other=')
  const layer = createChannelLayer({ store: world.store, clock: world.clock })
  const reply = await layer.newChannel()
  await layer.send(reply, { type: 'first' })
  const { store, queue } = world
  const asking = createChannelLayer({ store, queue, endpoint: 'https://abc.example/prod' })

  await asking.send('other=', { type: 'room.answer', reply })
  await world.deliverAll()

  expect(world.failures.map(({ error }) => error)).toEqual([expect.any(ChannelFullError)])
})
