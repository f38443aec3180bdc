import { expect, test } from 'vitest'
import { ManualClock } from '../../shared/testing/manual-clock.ts'
import { call, RawClient, TestClient } from './support/clients.ts'
import { eventually, Gate, RecordedApi } from './support/recorded-api.ts'

test.each([
  ['without a code', undefined, undefined, 1005, 'Client-side close frame status not set'],
  ['with 1000', 1000, undefined, 1000, ''],
  ['with a code and a reason of its own', 4321, 'enough', 4321, 'enough'],
])(
  'DC-01 a client that closes %s is told to $disconnect so',
  async (_, code, reason, expectedCode, expectedReason) => {
    await using api = await RecordedApi.start()
    const client = await TestClient.open(api.gateway.websocketUrl)

    await client.close(code, reason)

    const { requestContext } = await api.event('DISCONNECT')
    expect(requestContext).toMatchObject({
      disconnectStatusCode: expectedCode,
      disconnectReason: expectedReason,
    })
  },
)

test('DC-02 a dropped TCP connection is 1006', async () => {
  await using api = await RecordedApi.start()
  const client = await TestClient.open(api.gateway.websocketUrl)

  client.socket.terminate()

  const { requestContext } = await api.event('DISCONNECT')
  expect(requestContext).toMatchObject({
    disconnectStatusCode: 1006,
    disconnectReason: 'Connection Closed Abnormally',
  })
})

test('DC-03 a connection without traffic for ten minutes is closed with 1001', async () => {
  const clock = new ManualClock()
  await using api = await RecordedApi.start({}, { clock })
  await using client = await TestClient.open(api.gateway.websocketUrl)
  await clock.advance(599_999)
  expect(api.gateway.connections.count).toBe(1)

  await clock.advance(1)

  expect(await client.closed).toEqual({ code: 1001, reason: 'Going away' })
  const { requestContext } = await api.event('DISCONNECT')
  expect(requestContext).toMatchObject({ disconnectStatusCode: 1001, disconnectReason: 'Going away' })
})

test('DC-04 a message or a post starts the ten minutes anew', async () => {
  const clock = new ManualClock()
  await using api = await RecordedApi.start({}, { clock })
  await using client = await TestClient.open(api.gateway.websocketUrl)
  const { requestContext } = await api.event('CONNECT')
  await clock.advance(400_000)
  client.send('x')
  await api.event('MESSAGE')
  await clock.advance(400_000)
  await call('POST', api.managementUrl(requestContext.connectionId), 'y')
  await clock.advance(599_999)
  expect(api.gateway.connections.count).toBe(1)

  await clock.advance(1)

  expect((await client.closed).code).toBe(1001)
})

test('DC-05 a ping does not, unless the policy says so', async () => {
  const clock = new ManualClock()
  await using api = await RecordedApi.start({}, { clock })
  await using lenient = await RecordedApi.start({}, { clock, policies: { pingsResetIdle: true } })
  await using client = await TestClient.open(api.gateway.websocketUrl)
  await using other = await TestClient.open(lenient.gateway.websocketUrl)
  await clock.advance(400_000)
  for (const { socket } of [client, other]) {
    const pong = new Promise((resolve) => socket.once('pong', resolve))
    socket.ping()
    await pong
  }

  await clock.advance(200_000)

  expect((await client.closed).code).toBe(1001)
  expect(lenient.gateway.connections.count).toBe(1)
})

test('DC-06 a connection ends after two hours, however busy', async () => {
  const clock = new ManualClock()
  await using api = await RecordedApi.start({}, { clock })
  await using client = await TestClient.open(api.gateway.websocketUrl)
  const { requestContext } = await api.event('CONNECT')
  for (let minutes = 0; minutes < 115; minutes += 5) {
    await clock.advance(300_000)
    await call('POST', api.managementUrl(requestContext.connectionId), 'x')
  }
  await clock.advance(299_999)
  expect(api.gateway.connections.count).toBe(1)

  await clock.advance(1)

  expect((await client.closed).code).toBe(1001)
})

test('DC-07 $disconnect runs while a message is still being handled', async () => {
  const gate = new Gate()
  await using api = await RecordedApi.start({
    message: async () => {
      await gate.opened
      return { statusCode: 200 }
    },
  })
  const client = await TestClient.open(api.gateway.websocketUrl)
  client.send('x')
  await api.event('MESSAGE')

  await client.close()

  expect((await api.event('DISCONNECT')).requestContext.disconnectStatusCode).toBe(1005)
  gate.open()
})

test('DC-08 a $disconnect that fails is logged and changes nothing', async () => {
  await using api = await RecordedApi.start({
    disconnect: () => {
      throw new Error('too late')
    },
  })
  const client = await TestClient.open(api.gateway.websocketUrl)

  await client.close()

  await api.until(() => api.log.length > 0)
  expect(api.log).toMatchObject([{ level: 'error', message: expect.stringContaining('too late') as string }])
})

test('DC-09 $disconnect can be lost', async () => {
  await using api = await RecordedApi.start()
  api.gateway.faults.loseDisconnect = true
  const client = await TestClient.open(api.gateway.websocketUrl)

  await client.close()
  await eventually(() => api.gateway.connections.count === 0)
  await api.gateway.idle()

  expect(api.events).toHaveLength(1)
})

test('DC-10 $disconnect can come late', async () => {
  const clock = new ManualClock()
  await using api = await RecordedApi.start({}, { clock })
  api.gateway.faults.delayDisconnectMs = 5000
  const client = await TestClient.open(api.gateway.websocketUrl)
  await client.close()
  await eventually(() => api.gateway.connections.count === 0)
  await clock.advance(4999)
  expect(api.events).toHaveLength(1)

  await clock.advance(1)

  await api.event('DISCONNECT')
})

test('DC-11 $disconnect can come twice', async () => {
  await using api = await RecordedApi.start()
  api.gateway.faults.duplicateDisconnect = true
  const client = await TestClient.open(api.gateway.websocketUrl)

  await client.close()

  const second = await api.event('DISCONNECT', 2)
  expect(second.requestContext.connectionId).toBe(api.events[0]?.requestContext.connectionId)
})

test('DC-12 closing the gateway closes every socket with 1001 and lets $disconnect run', async () => {
  const api = await RecordedApi.start()
  await using first = await TestClient.open(api.gateway.websocketUrl)
  await using second = await TestClient.open(api.gateway.websocketUrl)

  await api.gateway.close()

  expect([(await first.closed).code, (await second.closed).code]).toEqual([1001, 1001])
  expect(
    api.events.filter(({ requestContext }) => requestContext.disconnectStatusCode === 1001),
  ).toHaveLength(2)
})

test('DC-13 a client that does not answer the close frame is dropped', async () => {
  await using api = await RecordedApi.start({}, { policies: { closeTimeoutMs: 50 } })
  await using client = new RawClient(api.gateway.port)
  client.sendHandshake('/prod')
  await client.readHead()
  const { requestContext } = await api.event('CONNECT')

  await call('DELETE', api.managementUrl(requestContext.connectionId))

  expect((await api.event('DISCONNECT')).requestContext.disconnectStatusCode).toBe(1000)
  await client.ended()
})

test('DC-14 closing the gateway does not wait for clients that are still in $connect', async () => {
  const api = await RecordedApi.start({ connect: () => new Promise(() => undefined) })
  await using client = new RawClient(api.gateway.port)
  client.sendHandshake('/prod')
  await api.event('CONNECT')

  await api.gateway.close()

  await client.ended()
  expect(api.gateway.connections.count).toBe(0)
})
