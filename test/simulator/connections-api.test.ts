import { once } from 'node:events'
import {
  ApiGatewayManagementApiClient,
  DeleteConnectionCommand,
  GetConnectionCommand,
  GoneException,
  LimitExceededException,
  PayloadTooLargeException,
  PostToConnectionCommand,
} from '@aws-sdk/client-apigatewaymanagementapi'
import { expect, test } from 'vitest'
import { ManualClock } from '../../shared/testing/manual-clock.ts'
import { call, clientFrame, RawClient, TestClient } from './support/clients.ts'
import { eventually, Gate, RecordedApi } from './support/recorded-api.ts'

const UNKNOWN_ID = 'AAAAAAAAAAAAAAA='

function sdkClient(api: RecordedApi): ApiGatewayManagementApiClient {
  return new ApiGatewayManagementApiClient({
    endpoint: api.gateway.managementEndpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
    maxAttempts: 1,
  })
}

async function openConnection(api: RecordedApi): Promise<{ client: TestClient; id: string }> {
  const client = await TestClient.open(api.gateway.websocketUrl)
  return { client, id: (await api.event('CONNECT')).requestContext.connectionId }
}

test('CA-01 a post answers 200 with no body and arrives as one text message, bytes as they are', async () => {
  await using api = await RecordedApi.start()
  const { client, id } = await openConnection(api)
  await using _client = client

  const answer = await call('POST', api.managementUrl(id), 'grüße, "json" or not 👋')

  expect(answer).toMatchObject({ status: 200, body: '' })
  expect(await client.next()).toBe('grüße, "json" or not 👋')
})

test.each(['@connections', '%40connections'])(
  'CA-02 the path may be spelt %s, the id with "=" or "%%3D"',
  async (name) => {
    await using api = await RecordedApi.start()
    const { client, id } = await openConnection(api)
    await using _client = client

    for (const spelt of [id, id.replace('=', '%3D'), id.replace('=', '%3d')]) {
      expect((await call('POST', `${api.gateway.managementEndpoint}/${name}/${spelt}`, spelt)).status).toBe(
        200,
      )
      expect(await client.next()).toBe(spelt)
    }
  },
)

test('CA-03 posts to one connection arrive in the order in which they were accepted', async () => {
  await using api = await RecordedApi.start()
  const { client, id } = await openConnection(api)
  await using _client = client
  const texts = Array.from({ length: 50 }, (_, index) => `message ${index}`)

  for (const text of texts) await call('POST', api.managementUrl(id), text)

  const received: string[] = []
  for (const _text of texts) received.push(await client.next())
  expect(received).toEqual(texts)
})

test('CA-04 131072 bytes are delivered, in frames of at most 32 KB; one more is 413', async () => {
  await using api = await RecordedApi.start()
  const { client, id } = await openConnection(api)
  await using _client = client
  const largest = 'é'.repeat(65_536)

  expect((await call('POST', api.managementUrl(id), largest)).status).toBe(200)
  expect(await client.next()).toBe(largest)
  const answer = await call('POST', api.managementUrl(id), `${largest}x`)

  expect(answer.status).toBe(413)
  expect(answer.headers['x-amzn-errortype']).toBe('PayloadTooLargeException')
  expect(JSON.parse(answer.body)).toHaveProperty('message')
})

test.each([1, 125, 126, 32_768, 32_769, 65_535, 65_536, 98_305])(
  'CA-04 a post of %i bytes arrives whole',
  async (size) => {
    await using api = await RecordedApi.start()
    const { client, id } = await openConnection(api)
    await using _client = client

    await call('POST', api.managementUrl(id), 'x'.repeat(size))

    expect((await client.next()).length).toBe(size)
  },
)

test('CA-05 an id that never existed, or whose connection is closed, is 410 with the error type and no body', async () => {
  await using api = await RecordedApi.start()
  const { client, id } = await openConnection(api)
  await client.close()
  await api.event('DISCONNECT')

  for (const [method, gone] of [
    ['POST', id],
    ['GET', id],
    ['DELETE', id],
    ['POST', UNKNOWN_ID],
  ] as const) {
    const answer = await call(method, api.managementUrl(gone), method === 'POST' ? 'x' : undefined)
    expect(answer).toMatchObject({ status: 410, body: '' })
    expect(answer.headers['x-amzn-errortype']).toBe('GoneException')
  }
})

test('CA-06 a connection whose $connect has not returned is 410', async () => {
  const gate = new Gate()
  await using api = await RecordedApi.start({
    connect: async () => {
      await gate.opened
      return { statusCode: 200 }
    },
  })
  const opening = TestClient.open(api.gateway.websocketUrl)
  const { requestContext } = await api.event('CONNECT')
  const url = api.managementUrl(requestContext.connectionId)

  expect((await call('POST', url, 'x')).status).toBe(410)
  expect((await call('GET', url)).status).toBe(410)

  gate.open()
  await using _client = await opening
  expect((await call('POST', url, 'x')).status).toBe(200)
})

test.each(['short', 'no-padding-here0', 'AAAAAAAAAAAA/AA=', '%', '%00'])(
  'CA-07 the id %s is malformed: 400',
  async (id) => {
    await using api = await RecordedApi.start()

    const answer = await call('POST', api.managementUrl(id), 'x')

    expect(answer.status).toBe(400)
    expect(answer.headers['x-amzn-errortype']).toBe('BadRequestException')
  },
)

test.each(['/other/@connections/', '/@connections/', '/PROD/%40connections/'])(
  'CA-08 a post to %s is forbidden',
  async (path) => {
    await using api = await RecordedApi.start()

    const answer = await call('POST', `${api.gateway.url}${path}${UNKNOWN_ID}`, 'x')

    expect(answer).toMatchObject({ status: 403, body: '{"message":"Forbidden"}' })
    expect(answer.headers['x-amzn-errortype']).toBe('ForbiddenException')
  },
)

test('CA-09 GET tells when the connection was opened and last active, and who the client is', async () => {
  const clock = new ManualClock(Date.UTC(2025, 1, 3, 1, 46, 33, 523))
  await using api = await RecordedApi.start({}, { clock })
  const { client, id } = await openConnection(api)
  await using _client = client
  await clock.advance(2553)
  await call('POST', api.managementUrl(id), 'x')
  await clock.advance(1000)

  const answer = await call('GET', api.managementUrl(id))

  expect(answer.status).toBe(200)
  expect(JSON.parse(answer.body)).toEqual({
    connectedAt: '2025-02-03T01:46:33.523Z',
    identity: { sourceIp: '127.0.0.1', userAgent: null },
    lastActiveAt: '2025-02-03T01:46:36.076Z',
  })
})

test('CA-10 DELETE answers 204, the client sees 1000, and $disconnect runs', async () => {
  await using api = await RecordedApi.start()
  const { client, id } = await openConnection(api)

  const answer = await call('DELETE', api.managementUrl(id))

  expect(answer).toMatchObject({ status: 204, body: '' })
  expect(await client.closed).toEqual({ code: 1000, reason: 'Connection Closed Normally' })
  expect((await api.event('DISCONNECT')).requestContext).toMatchObject({
    connectionId: id,
    disconnectStatusCode: 1000,
    disconnectReason: 'Connection Closed Normally',
  })
})

test('CA-11 a deleted connection is gone at once, even if the client has not answered the close frame', async () => {
  await using api = await RecordedApi.start()
  await using client = new RawClient(api.gateway.port)
  client.sendHandshake('/prod')
  await client.readHead()
  const { requestContext } = await api.event('CONNECT')
  const url = api.managementUrl(requestContext.connectionId)
  await call('DELETE', url)

  expect((await call('POST', url, 'x')).status).toBe(410)
})

test('CA-11 what the client of a deleted connection still sends is not handled', async () => {
  await using api = await RecordedApi.start()
  await using client = new RawClient(api.gateway.port)
  client.sendHandshake('/prod')
  await client.readHead()
  const { requestContext } = await api.event('CONNECT')
  await call('DELETE', api.managementUrl(requestContext.connectionId))

  client.socket.write(
    Buffer.concat([clientFrame(0x81, 'too late'), clientFrame(0x88, Buffer.from([0x03, 0xe8]))]),
  )

  await api.event('DISCONNECT')
  expect(api.events.filter(({ body }) => body !== undefined)).toEqual([])
})

test('CA-12 a client that does not read gets its posts refused with 429 once its buffer is full', async () => {
  await using api = await RecordedApi.start({}, { policies: { maxBufferedBytes: 100_000 } })
  const { client, id } = await openConnection(api)
  await using _client = client
  client.socket.pause()
  const text = 'x'.repeat(131_072)

  let status = 200
  for (let count = 0; count < 500 && status === 200; count += 1) {
    const answer = await call('POST', api.managementUrl(id), text)
    status = answer.status
  }
  expect(status).toBe(429)

  client.socket.resume()
  await eventually(async () => (await call('POST', api.managementUrl(id), 'last')).status === 200)
  while ((await client.next()) !== 'last');
})

test('CA-13 a signature is asked for only if the policy says so', async () => {
  await using api = await RecordedApi.start({}, { policies: { requireSignature: true } })
  const { client, id } = await openConnection(api)
  await using _client = client

  const answer = await call('POST', api.managementUrl(id), 'x')
  await sdkClient(api).send(new PostToConnectionCommand({ ConnectionId: id, Data: 'signed' }))

  expect(answer.status).toBe(403)
  expect(answer.headers['x-amzn-errortype']).toBe('MissingAuthenticationTokenException')
  expect(await client.next()).toBe('signed')
})

test('CA-14 the unmodified SDK client posts, gets and deletes', async () => {
  await using api = await RecordedApi.start()
  const { client, id } = await openConnection(api)
  const sdk = sdkClient(api)

  await sdk.send(new PostToConnectionCommand({ ConnectionId: id, Data: 'from the SDK' }))
  const info = await sdk.send(new GetConnectionCommand({ ConnectionId: id }))
  await sdk.send(new DeleteConnectionCommand({ ConnectionId: id }))

  expect(await client.next()).toBe('from the SDK')
  expect(info.ConnectedAt).toBeInstanceOf(Date)
  expect(info.Identity?.SourceIp).toBe('127.0.0.1')
  expect((await client.closed).code).toBe(1000)
})

test('CA-15 the unmodified SDK client recognises every failure', async () => {
  await using api = await RecordedApi.start()
  const { client, id } = await openConnection(api)
  await using _client = client
  const sdk = sdkClient(api)
  const post = (ConnectionId: string, Data: string): Promise<unknown> =>
    sdk.send(new PostToConnectionCommand({ ConnectionId, Data }))

  await expect(post(UNKNOWN_ID, 'x')).rejects.toBeInstanceOf(GoneException)
  await expect(post(id, 'x'.repeat(131_073))).rejects.toBeInstanceOf(PayloadTooLargeException)
  await expect(post('malformed', 'x')).rejects.toMatchObject({ name: 'BadRequestException' })
  api.gateway.faults.throttleNextPosts(1)
  await expect(post(id, 'x')).rejects.toBeInstanceOf(LimitExceededException)
})

test('CA-16 the next posts fail as the fault says, deliver nothing, and then all is well', async () => {
  await using api = await RecordedApi.start()
  const { client, id } = await openConnection(api)
  await using _client = client
  const url = api.managementUrl(id)
  const { faults } = api.gateway

  faults.throttleNextPosts(1)
  faults.failNextPosts(2, 500)
  faults.failNextPosts(1, 410)
  faults.resetNextPosts(1)
  const statuses: (number | string)[] = []
  for (let count = 0; count < 6; count += 1) {
    statuses.push(
      await call('POST', url, `post ${count}`).then(
        ({ status }) => status,
        (error: NodeJS.ErrnoException) => error.code ?? '',
      ),
    )
  }

  expect(statuses).toEqual([429, 500, 500, 410, 'ECONNRESET', 200])
  expect(await client.next()).toBe('post 5')
})

test('CA-17 a post that hangs is never answered, others are', async () => {
  await using api = await RecordedApi.start()
  const { client, id } = await openConnection(api)
  await using _client = client
  api.gateway.faults.hangNextPosts(1)
  const raw = new RawClient(api.gateway.port)
  raw.socket.write(`POST /prod/@connections/${id} HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx`)
  await once(raw.socket, 'ready')
  await eventually(
    async () => (await call('POST', api.managementUrl(id), 'y')).status === 200 && client.received.length > 0,
  )

  expect(new Set(client.received)).toEqual(new Set(['y']))
  raw.socket.destroy()
  expect((await raw.ended()).length).toBe(0)
})

test('CA-18 a rate limit answers 429 to what is over it, each second anew', async () => {
  const clock = new ManualClock()
  await using api = await RecordedApi.start({}, { clock })
  const { client, id } = await openConnection(api)
  await using _client = client
  api.gateway.faults.postsPerSecond = 2
  const post = async (): Promise<number> => (await call('POST', api.managementUrl(id), 'x')).status

  expect([await post(), await post(), await post()]).toEqual([200, 200, 429])
  await clock.advance(1000)
  expect(await post()).toBe(200)
  api.gateway.faults.clear()
  expect([await post(), await post(), await post()]).toEqual([200, 200, 200])
})

test('CA-19 a post that is no UTF-8 is delivered with what is not replaced, and a warning tells of it', async () => {
  await using api = await RecordedApi.start()
  const { client, id } = await openConnection(api)
  await using _client = client

  const answer = await call('POST', api.managementUrl(id), Buffer.from([0x61, 0xff, 0x62]))

  expect(answer.status).toBe(200)
  expect(await client.next()).toBe('a\ufffdb')
  expect(api.log).toMatchObject([
    { level: 'warn', message: expect.stringMatching(`a post of 3 bytes to ${id} is no UTF-8`) as string },
  ])
})

test('CA-20 a slow client alone gets no posts, until it keeps up', async () => {
  await using api = await RecordedApi.start()
  const { client, id } = await openConnection(api)
  await using _client = client
  await using _other = await TestClient.open(api.gateway.websocketUrl)
  const otherId = api.gateway.connections.ids().find((candidate) => candidate !== id) ?? ''
  const { slowClients } = api.gateway.faults

  slowClients.add(id)
  const refused = await call('POST', api.managementUrl(id), 'a')
  expect(refused).toMatchObject({ status: 429, headers: { 'x-amzn-errortype': 'LimitExceededException' } })
  expect((await call('POST', api.managementUrl(otherId), 'b')).status).toBe(200)
  expect((await call('GET', api.managementUrl(id))).status).toBe(200)

  slowClients.delete(id)
  expect((await call('POST', api.managementUrl(id), 'c')).status).toBe(200)
  expect(await client.next()).toBe('c')
})

test('CA-21 a post whose answer is lost has been delivered', async () => {
  await using api = await RecordedApi.start()
  const { client, id } = await openConnection(api)
  await using _client = client

  api.gateway.faults.loseNextAnswers(1)

  await expect(call('POST', api.managementUrl(id), 'a')).rejects.toMatchObject({ code: 'ECONNRESET' })
  expect(await client.next()).toBe('a')
  expect((await call('POST', api.managementUrl(id), 'b')).status).toBe(200)
})

test.each([
  ['POST', { origin: 'https://evil.example', 'content-type': 'text/plain' }],
  ['POST', { origin: 'null' }],
  ['DELETE', { origin: 'http://127.0.0.1:8000' }],
  ['GET', { 'sec-fetch-site': 'cross-site' }],
  ['OPTIONS', { origin: 'https://evil.example', 'access-control-request-method': 'DELETE' }],
] as const)(
  'CA-22 a %s from a page in a browser (%j) is refused, and nothing is done',
  async (method, headers) => {
    await using api = await RecordedApi.start()
    const { client, id } = await openConnection(api)
    await using _client = client

    const answer = await call(method, api.managementUrl(id), method === 'POST' ? 'from a page' : '', headers)

    expect(answer).toMatchObject({ status: 403, body: '{"message":"Forbidden"}' })
    expect(Object.keys(answer.headers).join()).not.toContain('access-control')
    expect((await call('POST', api.managementUrl(id), 'from a program')).status).toBe(200)
    expect(await client.next()).toBe('from a program')
  },
)
