import { expect, test } from 'vitest'
import type { WebsocketScope } from '../../../shared/application.ts'
import { GatewayWorld } from '../../support/gateway-world.ts'

/** What a current browser sends, through CloudFront. */
const browserHeaders = {
  Host: 'abcdefghij.execute-api.eu-central-1.amazonaws.com',
  Connection: 'Upgrade',
  Upgrade: 'websocket',
  Pragma: 'no-cache',
  'Cache-Control': 'no-cache',
  'User-Agent':
    'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36',
  Origin: 'https://chat.example.com',
  'Accept-Encoding': 'gzip, deflate, br, zstd',
  'Accept-Language': 'en-GB,en;q=0.9,de-DE;q=0.8,de;q=0.7',
  Cookie: `sessionid=${'s'.repeat(64)}; csrftoken=${'t'.repeat(64)}`,
  Authorization: `Bearer ${'j'.repeat(900)}`,
  'Sec-WebSocket-Version': '13',
  'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
  'Sec-WebSocket-Extensions': 'permessage-deflate; client_max_window_bits',
  'Sec-Fetch-Site': 'same-site',
  'sec-ch-ua': '"Chromium";v="142", "Not_A Brand";v="99"',
  'X-Amzn-Trace-Id': 'Root=1-69122f2a-1a2b3c4d5e6f7a8b9c0d1e2f',
  'X-Forwarded-For': '203.0.113.7',
  'X-Forwarded-Port': '443',
  'X-Forwarded-Proto': 'https',
}

/** A world that keeps the scopes its application has seen, by message type. */
function watch(): { readonly world: GatewayWorld; readonly seen: Map<string, WebsocketScope> } {
  const seen = new Map<string, WebsocketScope>()
  const world = new GatewayWorld({
    application: async (scope, message, send) => {
      seen.set(message.type, scope)
      if (message.type === 'websocket.connect') await send({ type: 'websocket.accept' })
    },
  })
  return { world, seen }
}

test('connect() sees the whole handshake, by lower-case names', async () => {
  const { world, seen } = watch()

  await world.connect('a=', { headers: browserHeaders, query: { path: '/ws/chat/lobby/', name: 'ann' } })

  const scope = seen.get('websocket.connect')
  expect(scope).toMatchObject({
    type: 'websocket',
    path: '/ws/chat/lobby/',
    query: { name: 'ann' },
    client: '203.0.113.7',
    channelName: 'a=',
    connectedAt: world.clock.now(),
  })
  expect(scope?.headers['cookie']).toEqual([browserHeaders.Cookie])
  expect(scope?.headers['authorization']).toEqual([browserHeaders.Authorization])
})

test('nothing secret is stored, and none of the handshake’s own headers', async () => {
  const { world } = watch()

  await world.connect('a=', { headers: browserHeaders })

  const text = JSON.stringify(await world.store.load('a='))
  expect(text).not.toMatch(
    /sessionid|csrftoken|Bearer|jjjj|dGhlIHNhbXBsZSBub25jZQ|sec-websocket|sec-fetch|sec-ch-ua/i,
  )
  expect(text).toContain('https://chat.example.com')
})

test('the record of an ordinary browser is under 1 KB', async () => {
  const { world } = watch()

  await world.connect('L0SM9cOFvHcCIhw=', {
    headers: browserHeaders,
    query: { path: '/ws/chat/lobby/' },
  })

  expect(Buffer.byteLength(JSON.stringify(await world.store.load('L0SM9cOFvHcCIhw=')))).toBeLessThan(1_024)
})

test('later events see the same scope, in this container and in another', async () => {
  const { world, seen } = watch()
  const headers = { Origin: 'https://chat.example.com', 'Sec-WebSocket-Protocol': 'a, b' }
  await world.connect('a=', { headers, query: { path: '/x/', q: '1' } })

  await world.receive('a=', '')
  const warm = seen.get('websocket.receive')
  world.coldStart()
  await world.receive('a=', '')
  const cold = seen.get('websocket.receive')

  const {
    connection: _1,
    headers: whole,
    subprotocols: offered,
    ...connected
  } = seen.get('websocket.connect') ?? ({} as WebsocketScope)
  for (const later of [warm, cold]) {
    const { connection: _2, headers: kept, subprotocols, ...rest } = later ?? ({} as WebsocketScope)
    expect(rest).toEqual(connected)
    expect(kept).toEqual({ host: whole['host'], origin: ['https://chat.example.com'] })
    expect(subprotocols).toEqual([])
  }
  expect(offered).toEqual(['a', 'b'])
})

test('without a path parameter the path is "/", and a path without its slash gets one', async () => {
  const { world, seen } = watch()

  await world.connect('a=')
  expect(seen.get('websocket.connect')).toMatchObject({ path: '/', query: {} })

  await world.connect('b=', { query: { path: 'ws/chat/' } })
  expect(seen.get('websocket.connect')).toMatchObject({ path: '/ws/chat/', query: {} })
})

test('a header whose name has an underscore is dropped: it could pose as one with a dash', async () => {
  const { world, seen } = watch()

  await world.connect('a=', { headers: { X_Forwarded_User: 'root', __proto__x: '1' } })

  expect(Object.keys(seen.get('websocket.connect')?.headers ?? {})).toEqual(['host'])
})

test('all values of a repeated header are there', async () => {
  const { world, seen } = watch()

  await world.connect('a=', { headers: { 'x-many': '2' } })

  expect(seen.get('websocket.connect')?.headers['x-many']).toEqual(['2'])
})

test('what an authorizer returned is kept', async () => {
  const { world, seen } = watch()
  const authorizer = { principalId: 'ann', scopes: 'read' }

  await world.connect('a=', { requestContext: { authorizer } })
  world.coldStart()
  await world.receive('a=', '')

  expect(seen.get('websocket.connect')?.authorizer).toEqual(authorizer)
  expect(seen.get('websocket.receive')?.authorizer).toEqual(authorizer)
})

test('what the application remembers in connect is there in later events, and nothing can be remembered later', async () => {
  const recalled: unknown[] = []
  const world = new GatewayWorld({
    application: async ({ connection }, message, send) => {
      recalled.push(connection.recall('route'))
      if (message.type === 'websocket.connect') {
        connection.remember('route', { id: 7 })
        await send({ type: 'websocket.accept' })
      } else connection.remember('route', { id: 8 })
    },
  })
  await world.connect('a=')
  world.coldStart()

  await world.receive('a=', '')

  expect(recalled.slice(0, 2)).toEqual([undefined, { id: 7 }])
  expect(String(world.failures[0]?.error)).toContain('remember("route") after $connect')
})

test('what is not JSON cannot be remembered', async () => {
  const world = new GatewayWorld({
    application: async ({ connection }) => connection.remember('user', new Map() as never),
  })

  expect(await world.connect('a=')).toEqual({ statusCode: 500 })
  expect(String(world.failures[0]?.error)).toContain('remember("user") got a value that is not JSON')
})

test('recall() finds no names that every object has', async () => {
  const recalled: unknown[] = []
  const world = new GatewayWorld({
    application: async ({ connection }) => {
      recalled.push(connection.recall('constructor'), connection.recall('__proto__'))
    },
  })

  await world.connect('a=')

  expect(recalled).toEqual([undefined, undefined])
})

test.each([['warm'], ['cold']])(
  'of the offered subprotocols later events see the accepted one: %s',
  async (container) => {
    const seen: (readonly string[])[] = []
    const world = new GatewayWorld({
      application: async ({ subprotocols, connection }, message, send) => {
        seen.push(subprotocols)
        if (message.type !== 'websocket.connect') return
        await connection.channelLayer('default').groupAdd('room', 'a=')
        await send({ type: 'websocket.accept', subprotocol: 'bearer' })
      },
    })
    await world.connect('a=', { headers: { 'Sec-WebSocket-Protocol': 'bearer, eyJhbGciOi.SECRET' } })
    if (container === 'cold') world.coldStart()

    await world.receive('a=', '')

    expect(seen).toEqual([['bearer', 'eyJhbGciOi.SECRET'], ['bearer']])
    expect(JSON.stringify(await world.store.load('a='))).not.toContain('SECRET')
  },
)
