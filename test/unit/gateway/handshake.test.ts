import { expect, test } from 'vitest'
import { WebsocketConsumer } from '../../../shared/consumers/websocket-consumer.ts'
import { ProtocolError, StoreError } from '../../../shared/errors.ts'
import { path } from '../../../shared/routing/path.ts'
import { UrlRouter } from '../../../shared/routing/url-router.ts'
import { AcceptConnection, DenyConnection, StopConsumer } from '../../../shared/signals.ts'
import { GatewayWorld } from '../../support/gateway-world.ts'

type Connect = (consumer: WebsocketConsumer) => Promise<void> | void

/** A world whose one consumer connects so. */
function worldOf(connect: Connect, options: { readonly groups?: readonly string[] } = {}): GatewayWorld {
  class TestConsumer extends WebsocketConsumer {
    override readonly groups = options.groups ?? []
    override async connect(): Promise<void> {
      await connect(this)
    }
  }
  return new GatewayWorld({ application: TestConsumer.asApplication() })
}

async function expectNothingLeft(world: GatewayWorld): Promise<void> {
  expect(await world.store.load('a=')).toBeUndefined()
  expect(await world.members('room')).toEqual([])
  expect(world.queue.size).toBe(0)
}

test('accept() answers 200 and leaves a record', async () => {
  const world = worldOf((consumer) => consumer.accept())

  expect(await world.connect('a=')).toEqual({ statusCode: 200 })
  expect(await world.store.load('a=')).toMatchObject({ connectionId: 'a=', version: 0, groups: [] })
})

test('accept(subprotocol) answers with the header, and with no other', async () => {
  const world = worldOf((consumer) => consumer.accept('chat.v2'))

  const result = await world.connect('a=', { headers: { 'Sec-WebSocket-Protocol': 'chat.v1, chat.v2' } })

  expect(result).toEqual({ statusCode: 200, headers: { 'Sec-WebSocket-Protocol': 'chat.v2' } })
})

test.each<[string, Connect, number]>([
  ['close()', (consumer) => consumer.close(), 403],
  ['close(4001), whose code cannot be told,', (consumer) => consumer.close(4001, 'no'), 403],
  ['neither accept() nor close()', () => {}, 403],
  ['a DenyConnection', () => Promise.reject(new DenyConnection()), 403],
  ['a DenyConnection with 401', () => Promise.reject(new DenyConnection(401)), 401],
  ['a StopConsumer', () => Promise.reject(new StopConsumer()), 403],
])('%s refuses the handshake, without a line in the error log', async (_, connect, status) => {
  const world = worldOf(connect)

  expect(await world.connect('a=')).toEqual({ statusCode: status })
  await expectNothingLeft(world)
  expect(world.logged('error')).toEqual([])
})

test('an AcceptConnection accepts', async () => {
  const world = worldOf(() => Promise.reject(new AcceptConnection()))

  expect(await world.connect('a=')).toEqual({ statusCode: 200 })
})

test('a consumer without connect() accepts', async () => {
  class Plain extends WebsocketConsumer {}
  const world = new GatewayWorld({ application: Plain.asApplication() })

  expect(await world.connect('a=')).toEqual({ statusCode: 200 })
})

test.each<[string, Connect]>([
  ['a subprotocol that was not offered', (consumer) => consumer.accept('soap')],
  ['response headers', (consumer) => consumer.accept(undefined, { headers: { 'set-cookie': 'a=1' } })],
  [
    'a second accept()',
    async (consumer) => {
      await consumer.accept()
      await consumer.accept()
    },
  ],
  ['send() before accept()', (consumer) => consumer.send('hello')],
  [
    'accept() after close()',
    async (consumer) => {
      await consumer.close()
      await consumer.accept()
    },
  ],
])('%s is a ProtocolError, and the handshake fails with 500', async (_, connect) => {
  const world = worldOf(connect)

  expect(await world.connect('a=')).toEqual({ statusCode: 500 })
  await expectNothingLeft(world)
  expect(world.failures).toHaveLength(1)
  expect(world.failures[0]?.error).toBeInstanceOf(ProtocolError)
  expect(world.failures[0]?.context).toEqual({
    channelName: 'a=',
    consumer: 'TestConsumer',
    type: 'websocket.connect',
  })
})

test('the error for headers says which, and why', async () => {
  const world = worldOf((consumer) => consumer.accept(undefined, { headers: { 'set-cookie': 'a=1' } }))

  await world.connect('a=')

  expect(String(world.failures[0]?.error)).toContain('set-cookie')
  expect(String(world.failures[0]?.error)).toContain('only the subprotocol')
})

test.each([200, 101, 500, 403.5, Number.NaN])(
  'a DenyConnection(%s) from a middleware never lets the connection in',
  async (status) => {
    const world = new GatewayWorld({ application: () => Promise.reject(new DenyConnection(status)) })

    expect(await world.connect('a=')).toEqual({ statusCode: 500 })
    await expectNothingLeft(world)
  },
)

test.each<[string, (consumer: WebsocketConsumer) => Promise<void>, number]>([
  ['is refused', (consumer) => consumer.close(), 403],
  ['throws', () => Promise.reject(new Error('boom')), 500],
  ['decides nothing', async () => {}, 403],
])('a connection that has joined groups and then %s leaves no membership', async (_, end, status) => {
  const world = worldOf(
    async (consumer) => {
      await consumer.channelLayer.groupAdd('room', consumer.channelName)
      await end(consumer)
    },
    { groups: ['lobby'] },
  )

  expect(await world.connect('a=')).toEqual({ statusCode: status })
  await expectNothingLeft(world)
  expect(await world.members('lobby')).toEqual([])
})

test('a groupAdd that nobody awaits does not outlive a refused connection', async () => {
  const world = worldOf(async (consumer) => {
    void consumer.channelLayer.groupAdd('room', consumer.channelName)
    await consumer.close()
  })

  expect(await world.connect('a=')).toEqual({ statusCode: 403 })
  await expectNothingLeft(world)
})

test.each([true, false])(
  'a record that could not be written is cleaned up (written half: %s)',
  async (after) => {
    const world = worldOf(async (consumer) => {
      await consumer.channelLayer.groupAdd('room', consumer.channelName)
      await consumer.accept()
    })
    world.store.fail('create', new StoreError('the table is gone', { retryable: false }), { after })

    expect(await world.connect('a=')).toEqual({ statusCode: 500 })
    await expectNothingLeft(world)
    expect(world.failures[0]?.error).toBeInstanceOf(StoreError)
  },
)

test('a clean-up that fails as well is logged, and the client still gets its answer', async () => {
  const world = worldOf(async (consumer) => {
    await consumer.channelLayer.groupAdd('room', consumer.channelName)
    throw new Error('boom')
  })
  world.store.fail('remove', new StoreError('throttled', { retryable: true }), { times: 5 })

  expect(await world.connect('a=')).toEqual({ statusCode: 500 })
  expect(world.logged('error').map(({ message }) => message)).toContain(
    'clean-up of a refused connection failed',
  )
})

test('an unknown path is a quiet 404, one line at info', async () => {
  class Chat extends WebsocketConsumer {}
  const world = new GatewayWorld({ application: UrlRouter([path('ws/chat/', Chat.asApplication())]) })

  expect(await world.connect('a=', { query: { path: '/ws/nowhere/' } })).toEqual({ statusCode: 404 })
  expect(world.logged('info')).toMatchObject([{ details: { path: '/ws/nowhere/' } }])
  expect([...world.logged('warn'), ...world.logged('error')]).toEqual([])
  expect(world.failures).toEqual([])
  await expectNothingLeft(world)
})

test('steps that nobody awaits do not bring a refused connection back', async () => {
  const world = worldOf(async (consumer) => {
    const steps = async (): Promise<void> => {
      await consumer.channelLayer.groupSend('lobby', { type: 'hello' })
      await consumer.channelLayer.groupAdd('room', consumer.channelName)
    }
    void steps()
    await consumer.close()
  })

  expect(await world.connect('a=')).toEqual({ statusCode: 403 })
  await new Promise((resolve) => setImmediate(resolve))
  await expectNothingLeft(world)
})
