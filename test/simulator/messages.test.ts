import { expect, test } from 'vitest'
import { inProcessFunction } from '../../local/index.ts'
import { clientFrame, RawClient, TestClient } from './support/clients.ts'
import { Gate, RecordedApi, type WebsocketEvent } from './support/recorded-api.ts'

function failureFrame(message: string, { requestContext }: WebsocketEvent): string {
  return `{"message": "${message}", "connectionId":"${requestContext.connectionId}", "requestId":"${requestContext.requestId}"}`
}

test('MS-01 frames of one connection are handled at the same time, each by its own invocation', async () => {
  const second = new Gate()
  await using api = await RecordedApi.start(
    {
      message: async ({ body }) => {
        if (body === 'second') second.open()
        else await second.opened
        return { statusCode: 200, body }
      },
    },
    { twoWayRoutes: ['$default'] },
  )
  await using client = await TestClient.open(api.gateway.websocketUrl)

  client.send('first')
  client.send('second')

  expect([await client.next(), await client.next()]).toEqual(['second', 'first'])
})

test('MS-02 a function that throws gives the frame of an integration failure, the socket stays open', async () => {
  await using api = await RecordedApi.start({
    message: ({ body }) => {
      if (body === 'bad') throw new TypeError('broken')
      return { statusCode: 200 }
    },
  })
  await using client = await TestClient.open(api.gateway.websocketUrl)

  client.send('bad')

  expect(await client.next()).toBe(failureFrame('Internal server error', await api.event('MESSAGE')))
  expect(api.log).toMatchObject([
    { level: 'error', message: expect.stringContaining('TypeError: broken') as string },
  ])
  client.send('good')
  await api.event('MESSAGE', 2)
})

test.each([
  ['nothing', undefined],
  ['null', null],
  ['text', 'ok'],
  ['no status', {}],
  ['a key of its own', { statusCode: 200, Data: 'x' }],
])('MS-03 a function that returns %s gives the same frame', async (_, response) => {
  await using api = await RecordedApi.start({ message: () => response })
  await using client = await TestClient.open(api.gateway.websocketUrl)

  client.send('x')

  expect(await client.next()).toBe(failureFrame('Internal server error', await api.event('MESSAGE')))
})

test('MS-04 a valid response of any status sends nothing on a one-way route', async () => {
  await using api = await RecordedApi.start({
    message: ({ body }) => (body === 'last' ? 'malformed' : { statusCode: Number(body), body: 'not sent' }),
  })
  await using client = await TestClient.open(api.gateway.websocketUrl)
  for (const status of ['200', '301', '401', '501']) client.send(status)
  await api.event('MESSAGE', 4)
  await api.gateway.idle()

  client.send('last')

  expect(await client.next()).toContain('Internal server error')
})

test('MS-05 a two-way route sends the body, whatever the status, and nothing for an empty one', async () => {
  await using api = await RecordedApi.start(
    { message: ({ body }) => ({ statusCode: 500, ...(body !== '' && { body: `echo ${body ?? ''}` }) }) },
    { twoWayRoutes: ['$default'] },
  )
  await using client = await TestClient.open(api.gateway.websocketUrl)
  client.send('')
  await api.event('MESSAGE')
  await api.gateway.idle()

  client.send('x')

  expect(await client.next()).toBe('echo x')
})

test('MS-06 a function beyond the integration time-out gives the frame of a time-out, the socket stays open', async () => {
  const gate = new Gate()
  await using api = await RecordedApi.start(
    {
      message: async () => {
        await gate.opened
        return { statusCode: 200 }
      },
    },
    { policies: { integrationTimeoutMs: 30 } },
  )
  await using client = await TestClient.open(api.gateway.websocketUrl)

  client.send('x')

  expect(await client.next()).toBe(failureFrame('Endpoint request timed out', await api.event('MESSAGE')))
  expect(api.gateway.connections.count).toBe(1)
  gate.open()
})

test('MS-07 without a matching route and without $default the client gets the forbidden frame', async () => {
  const join = inProcessFunction(() => Promise.resolve({ statusCode: 200 }))
  await using api = await RecordedApi.start({}, { functions: { routes: { $default: false, join } } })
  await using client = await TestClient.open(api.gateway.websocketUrl)
  const { requestContext } = await api.event('CONNECT')

  client.send('{"action":"leave"}')

  expect(await client.next()).toMatch(
    new RegExp(
      `^{"message": "Forbidden", "connectionId":"${requestContext.connectionId}", "requestId":"[\\w-]{15}="}$`,
    ),
  )
  expect(api.gateway.connections.count).toBe(1)
})

test.each([
  ['{"action":"join"}', 'join'],
  ['{"action":"Join"}', '$default'],
  ['{"action":"leave"}', '$default'],
  ['{"action":"$connect"}', '$default'],
  ['{"action":"$disconnect"}', '$default'],
  ['{"action":42}', '42'],
  ['{"other":1}', '$default'],
  ['not json', '$default'],
  ['', '$default'],
])('MS-08 the message %s goes to the route %s', async (body, routeKey) => {
  const seen: string[] = []
  const custom = inProcessFunction((event: WebsocketEvent) => {
    seen.push(event.requestContext.routeKey)
    return Promise.resolve({ statusCode: 200, body: 'done' })
  })
  await using api = await RecordedApi.start(
    {
      message: ({ requestContext }) => {
        seen.push(requestContext.routeKey)
        return { statusCode: 200, body: 'done' }
      },
    },
    { functions: { routes: { join: custom, '42': custom } }, twoWayRoutes: ['join', '42', '$default'] },
  )
  await using client = await TestClient.open(api.gateway.websocketUrl)

  client.send(body)
  await client.next()

  expect(seen).toEqual([routeKey])
})

test('MS-09 a binary frame closes the connection with 1003 and invokes nothing', async () => {
  await using api = await RecordedApi.start()
  await using client = await TestClient.open(api.gateway.websocketUrl)

  client.send(Buffer.from('x'))

  expect((await client.closed).code).toBe(1003)
  expect((await api.event('DISCONNECT')).requestContext).toMatchObject({
    disconnectStatusCode: 1003,
    disconnectReason: 'binary frame of 1 bytes, only text is taken',
  })
  expect(api.events).toHaveLength(2)
})

test('MS-10 a frame of 32 KB arrives, one byte more closes the connection with 1009', async () => {
  await using api = await RecordedApi.start()
  await using client = await TestClient.open(api.gateway.websocketUrl)
  client.send('x'.repeat(32_768))
  expect((await api.event('MESSAGE')).body).toHaveLength(32_768)

  client.send('x'.repeat(32_769))

  expect((await client.closed).code).toBe(1009)
  expect((await api.event('DISCONNECT')).requestContext).toMatchObject({
    disconnectStatusCode: 1009,
    disconnectReason: 'frame of 32769 bytes, at most 32768',
  })
  expect(api.events).toHaveLength(3)
})

test('MS-11 a message of 128 KB in frames of 32 KB arrives whole, one byte more closes with 1009', async () => {
  await using api = await RecordedApi.start()
  await using client = await TestClient.open(api.gateway.websocketUrl)
  const send = (parts: readonly string[]): void => {
    for (const [index, part] of parts.entries()) client.socket.send(part, { fin: index === parts.length - 1 })
  }
  const parts = ['a', 'b', 'c', 'd'].map((letter) => letter.repeat(32_768))
  send(parts)
  expect((await api.event('MESSAGE')).body).toBe(parts.join(''))

  send([...parts, 'e'])

  expect((await client.closed).code).toBe(1009)
  expect((await api.event('DISCONNECT')).requestContext.disconnectStatusCode).toBe(1009)
  expect(api.events).toHaveLength(3)
})

test('MS-12 whole messages in front of a refused frame still count, even in one packet', async () => {
  await using api = await RecordedApi.start()
  await using client = new RawClient(api.gateway.port)
  client.sendHandshake('/prod')
  await client.readHead()

  client.socket.write(
    Buffer.concat([clientFrame(0x81, 'before'), clientFrame(0x82, 'binary'), clientFrame(0x81, 'after')]),
  )

  expect((await api.event('DISCONNECT')).requestContext.disconnectStatusCode).toBe(1003)
  expect(api.events.filter(({ body }) => body !== undefined).map(({ body }) => body)).toEqual(['before'])
})

test('MS-13 text that is no UTF-8 closes the connection with 1007', async () => {
  await using api = await RecordedApi.start()
  await using client = new RawClient(api.gateway.port)
  client.sendHandshake('/prod')
  await client.readHead()

  client.socket.write(clientFrame(0x81, Buffer.from([0xc3, 0x28])))

  const { firstByte, payload } = await client.readFrame()
  expect(firstByte).toBe(0x88)
  expect(payload.readUInt16BE(0)).toBe(1007)
  expect((await api.event('DISCONNECT')).requestContext.disconnectStatusCode).toBe(1007)
})

test('MS-14 a ping is answered with a pong and invokes nothing', async () => {
  await using api = await RecordedApi.start()
  await using client = await TestClient.open(api.gateway.websocketUrl)
  const pong = new Promise<string>((resolve) =>
    client.socket.once('pong', (data: Buffer) => resolve(data.toString())),
  )

  client.socket.ping('are you there')

  expect(await pong).toBe('are you there')
  expect(api.events).toHaveLength(1)
})

test('MS-15 routes with several variables, static text and missing paths are selected as documented', async () => {
  const routes = Object.fromEntries(
    ['chat/join', 'join-', '[a, b]'].map((key) => [
      key,
      inProcessFunction(() => Promise.resolve({ statusCode: 200, body: key })),
    ]),
  )
  const select = async (routeSelectionExpression: string, body: string): Promise<string> => {
    await using api = await RecordedApi.start(
      { message: () => ({ statusCode: 200, body: '$default' }) },
      { functions: { routes }, routeSelectionExpression, twoWayRoutes: [...Object.keys(routes), '$default'] },
    )
    await using client = await TestClient.open(api.gateway.websocketUrl)
    client.send(body)
    return await client.next()
  }

  expect(
    await select(
      '${request.body.service}/${request.body.do.what}',
      '{"service":"chat","do":{"what":"join"}}',
    ),
  ).toBe('chat/join')
  expect(await select('join-${request.body.room}', '{}')).toBe('join-')
  expect(await select('$request.body.list', '{"list":["a","b"]}')).toBe('[a, b]')
  expect(await select('\\$default', '{}')).toBe('$default')
})
