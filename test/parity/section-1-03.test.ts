import { expect, test } from 'vitest'
import { inProcessFunction, startLiveServer, startLocalGateway } from '../../local/index.ts'
import { AcceptConnection, DenyConnection, ProtocolError, WebsocketConsumer } from '../../shared/index.ts'
import { WebsocketCommunicator } from '../../shared/testing/index.ts'
import { TestClient } from '../simulator/support/clients.ts'
import { actingWorld } from '../support/acting-consumer.ts'
import { GatewayWorld } from '../support/gateway-world.ts'
import { RoomConsumer } from '../support/room-consumer.ts'

// 1.3 WebSocket consumer

/** What `world` shows of one connection: its frames, and whether it was closed. */
function seenBy(world: GatewayWorld): unknown {
  return { frames: world.frames('a='), isClosed: world.poster.closed.has('a=') }
}

const closeFrame = (code: number, reason = ''): string =>
  JSON.stringify({ type: 'websocket.close', code, reason })

test('`groups`', async () => {
  const joined: unknown[] = []
  class Member extends WebsocketConsumer {
    override get groups(): readonly string[] {
      return ['all', `room_${this.scope.query['room']}`]
    }
    override async connect(): Promise<void> {
      joined.push(await world.members('all'), await world.members('room_lobby'))
      await this.accept()
    }
  }
  const world = new GatewayWorld({ application: Member.asApplication() })

  await world.connect('a=', { query: { room: 'lobby' } })

  expect(joined).toEqual([['a='], ['a=']])
  expect(world.store.calls.map(({ method }) => method)).not.toContain('groupAdd')
})

test('a refused connection leaves its groups', async () => {
  const refused = actingWorld({
    groups: ['room'],
    connect: async (consumer) => {
      await consumer.channelLayer.groupAdd('lobby', consumer.channelName)
      await consumer.close()
    },
  })

  expect(await refused.connect('a=')).toEqual({ statusCode: 403 })

  expect([await refused.members('room'), await refused.members('lobby')]).toEqual([[], []])
  expect(await refused.store.load('a=')).toBeUndefined()
})

test('`connect()` accepts by default', async () => {
  class Plain extends WebsocketConsumer {}
  await using client = new WebsocketCommunicator(Plain.asApplication(), '/')

  expect(await client.connect()).toEqual([true, null])
})

test('neither accept nor close', async () => {
  const world = actingWorld({ connect: () => {} })

  expect(await world.connect('a=')).toEqual({ statusCode: 403 })
  expect(world.logged('error')).toEqual([])
})

test('`accept(subprotocol)`', async () => {
  const connect = (consumer: WebsocketConsumer): Promise<void> => consumer.accept('chat.v2')
  const [offered, other] = [actingWorld({ connect }), actingWorld({ connect })]

  expect(await offered.connect('a=', { headers: { 'Sec-WebSocket-Protocol': 'v1, chat.v2' } })).toEqual({
    statusCode: 200,
    headers: { 'Sec-WebSocket-Protocol': 'chat.v2' },
  })
  expect((await other.connect('a=', { headers: { 'Sec-WebSocket-Protocol': 'v1' } })).statusCode).toBe(500)
  expect(other.failures[0]?.error).toBeInstanceOf(ProtocolError)
})

test('`accept(headers=…)`', async () => {
  const world = actingWorld({
    connect: (consumer) => consumer.accept(undefined, { headers: { 'set-cookie': 'a=1' } }),
  })

  expect((await world.connect('a=')).statusCode).toBe(500)
  expect(String(world.failures[0]?.error)).toMatch(/set-cookie.*only the subprotocol/)
})

test('`send()` in `connect()` after `accept()`', async () => {
  const world = actingWorld({
    connect: async (consumer) => {
      await consumer.accept()
      await consumer.send('one')
      await consumer.send('two')
    },
  })

  await world.connect('a=')
  expect(world.frames('a=')).toEqual([])

  await world.deliverAll()
  expect(world.frames('a=')).toEqual(['one', 'two'])
})

test('`send()` before `accept()` is an error', async () => {
  const world = actingWorld({
    connect: async (consumer) => {
      await consumer.send('too early')
      await consumer.accept()
    },
  })

  expect((await world.connect('a=')).statusCode).toBe(500)
  expect(world.failures[0]?.error).toBeInstanceOf(ProtocolError)
})

test("`group_send` to one's own group in `connect()`", async () => {
  const order: string[] = []
  const world = actingWorld({
    groups: ['room'],
    connect: async (consumer) => {
      await consumer.accept()
      await consumer.channelLayer.groupSend('room', { type: 'room.say', text: 'from the group' })
      await consumer.send('from connect')
      order.push('connect() is done')
    },
    roomSay: async (consumer, text) => {
      order.push('the handler runs')
      await consumer.send(text)
    },
  })

  await world.connect('a=')
  await world.deliverAll()

  expect(order).toEqual(['connect() is done', 'the handler runs'])
  expect(world.frames('a=')).toEqual(['from connect', 'from the group'])
})

test('a group message between `group_add` and the open socket', async () => {
  const world = new GatewayWorld({ application: RoomConsumer.asApplication() })
  await world.open('sender=')
  await world.connect('opening=')
  world.poster.answer('opening=', 'gone')

  await world.receive('sender=', 'one')
  await world.receive('sender=', 'two')
  expect(await world.members('room')).toEqual(['opening=', 'sender='])

  world.poster.answer('opening=', 'ok')
  await world.deliverAll()
  expect(world.frames('opening=')).toEqual(['one', 'two'])
})

test('`AcceptConnection`, `DenyConnection`', async () => {
  const statusOf = async (signal: Error): Promise<number> =>
    (await actingWorld({ connect: () => Promise.reject(signal) }).connect('a=')).statusCode

  expect(await statusOf(new AcceptConnection())).toBe(200)
  expect(await statusOf(new DenyConnection())).toBe(403)
  expect(await statusOf(new DenyConnection(401))).toBe(401)
})

test('`close(code, reason)`', async () => {
  const world = actingWorld({
    receive: async (consumer) => {
      await consumer.send('bye')
      await consumer.close(4001, 'full')
    },
  })
  await world.open('a=')

  await world.receive('a=', '')

  expect(seenBy(world)).toEqual({ frames: ['bye', closeFrame(4001, 'full')], isClosed: true })
})

test('`close()` right after `accept()`', async () => {
  const world = actingWorld({
    connect: async (consumer) => {
      await consumer.accept()
      await consumer.send('bye')
      await consumer.close()
    },
  })

  expect(await world.connect('a=')).toEqual({ statusCode: 200 })
  await world.deliverAll()

  expect(seenBy(world)).toEqual({ frames: ['bye'], isClosed: true })
})

test('`receive(text_data, bytes_data)`', async () => {
  class Echo extends WebsocketConsumer {
    override async receive(text: string): Promise<void> {
      await this.send(`${text}!`)
    }
  }
  await using client = new WebsocketCommunicator(Echo.asApplication(), '/')
  await client.connect()

  await client.sendTo('ä')

  expect(await client.receiveFrom()).toBe('ä!')
})

test('`send(…, close=True)`', async () => {
  const world = actingWorld({ receive: (consumer) => consumer.send('bye', { close: 4002 }) })
  await world.open('a=')

  await world.receive('a=', '')

  expect(seenBy(world)).toEqual({ frames: ['bye', closeFrame(4002)], isClosed: true })
})

test('`send("")`', async () => {
  const world = actingWorld({ receive: (consumer) => consumer.send('') })
  await world.open('a=')

  await world.receive('a=', '')

  expect(world.frames('a=')).toEqual([''])
})

test('`disconnect(code)`, after the groups were left', async () => {
  const left: unknown[] = []
  const world = actingWorld({
    groups: ['room'],
    disconnect: async (_, code, reason) => {
      left.push([code, reason, await world.members('room')])
    },
  })
  await world.open('a=')

  await world.disconnect('a=', 4001)
  await world.disconnect('a=', 4001)

  expect(left).toEqual([[4001, 'Connection Closed Normally', []]])
})

test('no code is 1005', async () => {
  const codes: number[] = []
  const world = actingWorld({ disconnect: (_, code) => void codes.push(code) })
  await world.open('a=')

  await world.disconnect('a=', null)

  expect(codes).toEqual([1005])
})

test('`disconnect()` may never run', async () => {
  const left: unknown[] = []
  class Leaving extends RoomConsumer {
    override async disconnect(code: number): Promise<void> {
      left.push([this.channelName, code])
    }
  }
  const world = new GatewayWorld({ application: Leaving.asApplication() })
  await world.open('a=', 'dead=')
  world.vanish('dead=')

  await world.receive('a=', 'anybody?')
  await world.disconnect('dead=')

  expect(left).toEqual([['dead=', 1006]])
  expect(await world.members('room')).toEqual(['a='])
})

test('sending in `disconnect()` does nothing', async () => {
  const world = actingWorld({ disconnect: (consumer) => consumer.send('bye') })
  await world.open('a=')

  await world.disconnect('a=')

  expect([world.poster.calls, world.failures, world.count('sendAfterDisconnect')]).toEqual([[], [], 1])
})

test('sending after `close()` does nothing', async () => {
  const world = actingWorld({
    receive: async (consumer) => {
      await consumer.close()
      await consumer.send('late')
    },
  })
  await world.open('a=')

  await world.receive('a=', '')

  expect([world.frames('a='), world.failures, world.count('sendAfterClose')]).toEqual([[], [], 1])
})

test('an overridden `disconnect` that forgets `super`', async () => {
  const world = actingWorld({ groups: ['room'], disconnect: () => Promise.reject(new Error('boom')) })
  await world.open('a=')

  await world.disconnect('a=')

  expect(await world.members('room')).toEqual([])
})

test('close codes on the wire', async () => {
  class Closing extends WebsocketConsumer {
    override async receive(): Promise<void> {
      await this.close(4001, 'full')
    }
  }
  await using server = await startLiveServer({ application: Closing.asApplication() })
  await using client = await TestClient.open(server.websocketUrl)

  client.send('')

  expect(await client.next()).toBe(closeFrame(4001, 'full'))
  expect((await client.closed).code).toBe(1000)
})

test('binary frames', async () => {
  const events: string[] = []
  await using gateway = await startLocalGateway({
    functions: {
      websocket: inProcessFunction(async (event: { requestContext: { eventType: string } }) => {
        events.push(event.requestContext.eventType)
        return { statusCode: 200 }
      }),
    },
  })
  await using client = await TestClient.open(gateway.websocketUrl)
  client.send(Buffer.from('x'))
  expect((await client.closed).code).toBe(1003)
  expect(events).not.toContain('MESSAGE')

  const world = actingWorld({ receive: (consumer) => consumer.send(new Uint8Array(3) as never) })
  await world.open('a=')
  await world.receive('a=', '')
  expect(world.failures[0]?.error).toBeInstanceOf(ProtocolError)
  expect(String(world.failures[0]?.error)).toContain('encode bytes as base64')
})

test('a second `accept()` is an error', async () => {
  const world = actingWorld({
    connect: async (consumer) => {
      await consumer.accept()
      await consumer.accept()
    },
  })

  expect((await world.connect('a=')).statusCode).toBe(500)
  expect(world.failures[0]?.error).toBeInstanceOf(ProtocolError)
})
