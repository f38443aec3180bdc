import { expect, test } from 'vitest'
import { MemoryChannelStore } from '../../shared/backends/memory/index.ts'
import {
  ChannelFullError,
  ConfigurationError,
  createChannelLayer,
  HttpConsumer,
  InvalidMessageError,
  InvalidNameError,
  NoHandlerError,
  originValidator,
  path,
  ProtocolTypeRouter,
  requireChannelName,
  requireGroupName,
  RouteNotFoundError,
  UrlRouter,
} from '../../shared/index.ts'
import { createHttpHandler } from '../../shared/gateway/index.ts'
import { ApplicationCommunicator, WebsocketCommunicator } from '../../shared/testing/index.ts'
import { actingWorld } from '../support/acting-consumer.ts'
import { GatewayWorld } from '../support/gateway-world.ts'
import { httpEvent } from '../support/http-events.ts'
import { RoomConsumer } from '../support/room-consumer.ts'

// 1.22 Bugs of the reference

/** What the handshake of a page of this origin is answered with, where these are allowed. */
async function handshakeFrom(Origin: string, ...allowed: readonly string[]): Promise<unknown> {
  const application = originValidator(RoomConsumer.asApplication(), allowed)
  return new WebsocketCommunicator(application, '/', { headers: { Origin } }).connect()
}

test('`channel_capacity` breaks the layer in memory', async () => {
  const layer = createChannelLayer({
    store: new MemoryChannelStore(),
    capacity: 3,
    channelCapacity: [
      ['reply.*', 1],
      [/^bulk/, 2],
    ],
  })
  const takenBy = async (prefix: string): Promise<number> => {
    const channel = await layer.newChannel(prefix)
    for (let taken = 0; ; taken += 1) {
      const refusal = await layer.send(channel, { type: 'a' }).catch((error: unknown) => error)
      if (refusal instanceof ChannelFullError) return taken
      expect(refusal).toBeUndefined()
    }
  }

  expect([await takenBy('reply.'), await takenBy('bulk.'), await takenBy('other.')]).toEqual([1, 2, 3])
})

test('the origin pattern `host:port` never matches', async () => {
  expect(await handshakeFrom('http://localhost:3000', 'localhost:3000')).toEqual([true, null])
  expect(await handshakeFrom('http://localhost:3001', 'localhost:3000')).toEqual([false, 403])
})

test('a malformed origin is a 500', async () => {
  for (const origin of ['http://h:99999', 'http://h:abc', 'http://[::1', '://', 'h\n'])
    expect(await handshakeFrom(origin, 'h', 'http://h', '[::1]')).toEqual([false, 403])
})

test('`chat\\n` and digits of other alphabets pass as names', () => {
  for (const name of ['chat\n', '\nchat', 'chat٣', 'ｃhat']) {
    expect(() => requireGroupName(name)).toThrow(InvalidNameError)
    expect(() => requireChannelName(name)).toThrow(InvalidNameError)
  }
})

test('a layer message calls any method', async () => {
  for (const type of ['close', 'send', 'accept', 'connect', 'disconnect', 'dispatch', 'hasOwnProperty']) {
    const world = actingWorld({ receive: ({ channelLayer }) => channelLayer.send('b=', { type }) })
    await world.open('a=', 'b=')

    await world.receive('a=', '')

    expect(world.failures).toMatchObject([{ context: { channelName: 'b=', type } }])
    expect(world.failures[0]?.error).toBeInstanceOf(NoHandlerError)
  }
})

test('`get_channel_layer` hides errors of the backend', async () => {
  const world = actingWorld({ receive: async ({ connection }, alias) => void connection.channelLayer(alias) })
  await world.open('a=')

  await world.receive('a=', 'jobs')

  expect(world.failures[0]?.error).toBeInstanceOf(ConfigurationError)
  expect(String(world.failures[0]?.error)).toContain('there is no channel layer "jobs"')
  const broken = { store: new MemoryChannelStore(), channelCapacity: [['a', 0]] as const }
  expect(() => createChannelLayer(broken)).toThrow('channelCapacity of "a"')
})

test('`Resolver404` of an application is swallowed', async () => {
  const own = new RouteNotFoundError('no such room')
  const later: string[] = []
  const router = UrlRouter([
    path('ws/', UrlRouter([path('a/', () => Promise.reject(own))])),
    path('ws/a/', async () => void later.push('reached')),
  ])
  const world = new GatewayWorld({ application: router })

  expect((await world.connect('a=', { query: { path: '/ws/a/' } })).statusCode).toBe(404)
  expect(later).toEqual([])

  const communicator = new ApplicationCommunicator(router, { path: '/ws/a/' })
  await expect(communicator.sendInput({ type: 'websocket.connect' })).rejects.toBe(own)
})

test('after an exception no `disconnect()`, no discard', async () => {
  const left: string[] = []
  const world = actingWorld({
    groups: ['room'],
    receive: () => Promise.reject(new Error('boom')),
    disconnect: ({ channelName }) => void left.push(channelName),
  })
  await world.open('a=')

  await world.receive('a=', '')

  expect([left, await world.members('room')]).toEqual([['a='], []])
})

test('`group_send` of no dict differs by layer', async () => {
  const world = actingWorld({
    receive: async ({ channelLayer }) => {
      for (const bad of [undefined, 'chat.message', ['chat.message'], { text: 'no type' }, { type: 7 }])
        await expect(channelLayer.groupSend('room', bad as never)).rejects.toThrow(InvalidMessageError)
    },
  })
  await world.open('a=')
  await world.receive('a=', '')
  expect(world.failures).toEqual([])

  const outside = createChannelLayer({ store: new MemoryChannelStore() })
  await expect(outside.groupSend('room', 'chat.message' as never)).rejects.toThrow(InvalidMessageError)
})

test('`root_path` matches half a segment', async () => {
  class Telling extends HttpConsumer {
    override async handle(): Promise<void> {
      await this.sendResponse(200, this.scope.path)
    }
  }
  const application = ProtocolTypeRouter({
    websocket: RoomConsumer.asApplication(),
    http: Telling.asApplication(),
  })
  const world = new GatewayWorld({ application, runtime: { endpoint: 'https://api.example/prod' } })
  const pathOf = async (rawPath: string): Promise<string | undefined> => {
    const event = { ...httpEvent({ stage: 'prod' }), rawPath }
    return (await createHttpHandler(application, world.runtime)(event)).body
  }

  expect([await pathOf('/prod/x'), await pathOf('/production/x')]).toEqual(['/x', '/production/x'])
})

test('no route is a 500', async () => {
  const world = new GatewayWorld({ application: UrlRouter([path('chat/', RoomConsumer.asApplication())]) })

  expect(await world.connect('a=', { query: { path: '/nowhere/' } })).toEqual({ statusCode: 404 })
  expect([...world.logged('warn'), ...world.logged('error'), ...world.failures]).toEqual([])
})
