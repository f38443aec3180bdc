import { expect, test } from 'vitest'
import { call, clientFrame, handshake, RawClient, TestClient } from './support/clients.ts'
import { eventually, Gate, RecordedApi } from './support/recorded-api.ts'

test('HS-01 the upgrade is held until $connect has returned, and 101 follows a 2xx', async () => {
  const gate = new Gate()
  await using api = await RecordedApi.start({
    connect: async () => {
      await gate.opened
      return { statusCode: 204 }
    },
  })
  await using client = new RawClient(api.gateway.port)
  client.sendHandshake('/prod')
  await api.event('CONNECT')
  expect(api.gateway.connections.count).toBe(0)

  gate.open()

  expect(await client.readHead()).toMatch(/^HTTP\/1\.1 101 /)
  expect(api.gateway.connections.count).toBe(1)
})

test.each([301, 400, 401, 403, 404, 500, 501])(
  'HS-02 $connect answering %i fails the handshake with it',
  async (status) => {
    await using api = await RecordedApi.start({
      connect: () => ({ statusCode: status, body: 'not for the client' }),
    })

    const answer = await handshake(api.gateway.websocketUrl)

    expect(answer.status).toBe(status)
    expect(answer.body).toBe('')
    expect(api.gateway.connections.count).toBe(0)
  },
)

test('HS-02 a refused connection gets no $disconnect', async () => {
  await using api = await RecordedApi.start({ connect: () => ({ statusCode: 403 }) })
  await handshake(api.gateway.websocketUrl)

  await api.gateway.idle()

  expect(api.events.map(({ requestContext }) => requestContext.eventType)).toEqual(['CONNECT'])
})

test('HS-03 a $connect that throws fails the handshake with 502 and is logged', async () => {
  await using api = await RecordedApi.start({
    connect: () => {
      throw new RangeError('no room')
    },
  })

  const answer = await handshake(api.gateway.websocketUrl)

  expect(answer.status).toBe(502)
  expect(api.log).toMatchObject([
    { level: 'error', message: expect.stringContaining('RangeError: no room') as string },
  ])
})

test.each([
  ['nothing', undefined],
  ['text', 'ok'],
  ['no status', { body: 'x' }],
  ['a key of its own', { statusCode: 200, connectionId: 'x' }],
  ['a status that is none', { statusCode: 'fine' }],
  [
    'a subprotocol with a line break',
    { statusCode: 200, headers: { 'Sec-WebSocket-Protocol': 'a\r\nb: c' } },
  ],
])('HS-04 a $connect that returns %s fails the handshake with 502', async (_, response) => {
  await using api = await RecordedApi.start({ connect: () => response })

  expect((await handshake(api.gateway.websocketUrl)).status).toBe(502)
})

test('HS-05 $connect is optional', async () => {
  await using api = await RecordedApi.start({}, { functions: { routes: { $connect: false } } })

  expect((await handshake(api.gateway.websocketUrl)).status).toBe(101)
  expect(api.events).toEqual([])
})

test('HS-06 of the headers that $connect returns only Sec-WebSocket-Protocol survives', async () => {
  await using api = await RecordedApi.start({
    connect: () => ({
      statusCode: 200,
      headers: { 'Set-Cookie': 'a=1', 'X-Own': 'x', 'sec-websocket-protocol': 'chat2' },
    }),
  })

  const { headers } = await handshake(api.gateway.websocketUrl, { 'Sec-WebSocket-Protocol': 'chat1, chat2' })

  expect(headers['sec-websocket-protocol']).toBe('chat2')
  expect(headers).not.toHaveProperty('set-cookie')
  expect(headers).not.toHaveProperty('x-own')
})

test('HS-07 the gateway selects no subprotocol by itself', async () => {
  await using api = await RecordedApi.start()

  const { status, headers } = await handshake(api.gateway.websocketUrl, {
    'Sec-WebSocket-Protocol': 'chat1, chat2',
  })

  expect(status).toBe(101)
  expect(headers).not.toHaveProperty('sec-websocket-protocol')
  expect((await api.event('CONNECT')).headers?.['Sec-WebSocket-Protocol']).toBe('chat1, chat2')
})

test('HS-08 compression is not negotiated', async () => {
  await using api = await RecordedApi.start()

  const { headers } = await handshake(api.gateway.websocketUrl, {
    'Sec-WebSocket-Extensions': 'permessage-deflate',
  })

  expect(headers).not.toHaveProperty('sec-websocket-extensions')
})

test.each(['/other', '/prod/more', '/prod/chat/lobby/', '/', '/prodx', '/PROD'])(
  'HS-09 a handshake at %s is forbidden',
  async (path) => {
    await using api = await RecordedApi.start()

    const answer = await handshake(`${api.gateway.url}${path}`)

    expect(answer.status).toBe(403)
    expect(answer.body).toBe('{"message":"Forbidden"}')
    expect(answer.headers['x-amzn-errortype']).toBe('ForbiddenException')
    expect(api.events).toEqual([])
    expect(api.log.map(({ level, message }) => `${level}: ${message}`)).toEqual([
      `info: refused 403 ${path}: no such stage or prefix; sockets are below /ws/ or at /prod?path=…`,
    ])
  },
)

test.each(['/prod', '/prod/', '/prod?a=1', '/prod/?a=1'])(
  'HS-10 a handshake at %s reaches the stage',
  async (path) => {
    await using api = await RecordedApi.start()

    expect((await handshake(`${api.gateway.url}${path}`)).status).toBe(101)
  },
)

test('HS-11 a path below the prefix becomes the path parameter, whatever the query says, as the CloudFront front does', async () => {
  await using api = await RecordedApi.start()

  await handshake(`${api.gateway.url}/ws/chat/caf%C3%A9+co/?a=1&path=/ws/admin/&%70ath=/ws/admin/`)

  const event = await api.event('CONNECT')
  expect(event.queryStringParameters).toEqual({ a: '1', path: '/ws/chat/café+co/' })
  expect(event.multiValueQueryStringParameters?.['path']).toEqual(['/ws/chat/café+co/'])
})

test.each([
  ['no key', { 'Sec-WebSocket-Key': '' }],
  ['a short key', { 'Sec-WebSocket-Key': 'c2hvcnQ=' }],
  ['another version', { 'Sec-WebSocket-Version': '12' }],
])('HS-12 a handshake with %s is a bad request', async (_, headers) => {
  await using api = await RecordedApi.start()

  expect((await handshake(api.gateway.websocketUrl, headers)).status).toBe(400)
  expect(api.events).toEqual([])
})

test('HS-13 a $connect beyond the integration time-out fails the handshake with 504, or with what the policy says', async () => {
  const gate = new Gate()
  const connect = async (): Promise<object> => {
    await gate.opened
    return { statusCode: 200 }
  }
  await using api = await RecordedApi.start({ connect }, { policies: { integrationTimeoutMs: 30 } })
  await using other = await RecordedApi.start(
    { connect },
    { policies: { integrationTimeoutMs: 30, connectTimeoutStatus: 500 } },
  )

  expect((await handshake(api.gateway.websocketUrl)).status).toBe(504)
  expect((await handshake(other.gateway.websocketUrl)).status).toBe(500)
  gate.open()
})

test('HS-14 a $connect that Lambda itself times out fails the handshake with 502', async () => {
  await using api = await RecordedApi.start(
    { connect: () => new Promise(() => undefined) },
    { lambda: { timeoutMs: 30 } },
  )

  expect((await handshake(api.gateway.websocketUrl)).status).toBe(502)
})

test('HS-15 a client that vanished during an accepted $connect is never open, and its $disconnect runs', async () => {
  const gate = new Gate()
  await using api = await RecordedApi.start({
    connect: async () => {
      await gate.opened
      return { statusCode: 200 }
    },
  })
  const client = new RawClient(api.gateway.port)
  client.sendHandshake('/prod')
  const { requestContext } = await api.event('CONNECT')
  client.socket.destroy()
  await client.ended()
  await new Promise((resolve) => setTimeout(resolve, 200))

  gate.open()

  const event = await api.event('DISCONNECT')
  expect(event.requestContext).toMatchObject({
    connectionId: requestContext.connectionId,
    disconnectStatusCode: 1006,
  })
  expect(api.gateway.connections.count).toBe(0)
})

test('HS-15 the policy can leave that $disconnect out', async () => {
  const gate = new Gate()
  await using api = await RecordedApi.start(
    {
      connect: async () => {
        await gate.opened
        return { statusCode: 200 }
      },
    },
    { policies: { disconnectAfterVanishing: false } },
  )
  const client = new RawClient(api.gateway.port)
  client.sendHandshake('/prod')
  await api.event('CONNECT')
  client.socket.destroy()
  await client.ended()
  await new Promise((resolve) => setTimeout(resolve, 200))

  gate.open()
  await api.gateway.idle()

  expect(api.events).toHaveLength(1)
})

test('HS-16 frames that a client sends before the 101 are not lost', async () => {
  const gate = new Gate()
  await using api = await RecordedApi.start({
    connect: async () => {
      await gate.opened
      return { statusCode: 200 }
    },
  })
  await using client = new RawClient(api.gateway.port)
  client.sendHandshake('/prod', clientFrame(0x81, 'in the first packet'))
  await api.event('CONNECT')
  client.socket.write(clientFrame(0x81, 'in a later one'))
  await new Promise((resolve) => setTimeout(resolve, 200))
  expect(api.events).toHaveLength(1)

  gate.open()

  await api.event('MESSAGE', 2)
  expect(api.events.slice(1).map(({ body }) => body)).toEqual(['in the first packet', 'in a later one'])
})

test('HS-17 a URL of more than 4096 characters is refused', async () => {
  await using api = await RecordedApi.start()

  expect((await handshake(`${api.gateway.websocketUrl}?a=${'x'.repeat(4096)}`)).status).toBe(414)
  expect(api.events).toEqual([])
})

test('HS-18 a plain GET on the stage URL is refused', async () => {
  await using api = await RecordedApi.start({}, { policies: { plainGetStatus: 426 } })
  await using usual = await RecordedApi.start()

  expect((await call('GET', `${api.gateway.url}/prod`)).status).toBe(426)
  expect((await call('GET', `${usual.gateway.url}/prod`)).status).toBe(403)
})

test('HS-20 a socket opens late if the fault says so, and posts get 410 until then', async () => {
  await using api = await RecordedApi.start()
  api.gateway.faults.openLateMs = 300
  const opening = TestClient.open(api.gateway.websocketUrl)
  const { requestContext } = await api.event('CONNECT')
  const url = api.managementUrl(requestContext.connectionId)

  const early = await call('POST', url, 'too early')
  await using client = await opening
  await eventually(async () => (await call('POST', url, 'in time')).status === 200)

  expect(early.status).toBe(410)
  expect(await client.next()).toBe('in time')
})
