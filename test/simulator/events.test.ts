import { expect, test } from 'vitest'
import { ManualClock } from '../../shared/testing/manual-clock.ts'
import { handshake, TestClient } from './support/clients.ts'
import { RecordedApi } from './support/recorded-api.ts'

const ID = /^[A-Za-z0-9_-]{15}=$/

test('EV-01 a connection id is 15 characters of base64url and "=", and never comes twice', async () => {
  await using api = await RecordedApi.start({ connect: () => ({ statusCode: 403 }) })
  for (let count = 0; count < 50; count += 1) await handshake(api.gateway.websocketUrl)

  const ids = api.events.map(({ requestContext }) => requestContext.connectionId)
  expect(new Set(ids).size).toBe(50)
  expect(ids.every((id) => ID.test(id))).toBe(true)
})

test('EV-02 the $connect event has the fields and the key order of AWS', async () => {
  const clock = new ManualClock(Date.UTC(2024, 1, 19, 7, 11, 42, 789))
  await using api = await RecordedApi.start({}, { clock })
  await handshake(`${api.gateway.websocketUrl}?path=one&path=two`, { 'User-Agent': 'tester/1' })

  const event = await api.event('CONNECT')

  expect(Object.keys(event)).toEqual([
    'headers',
    'multiValueHeaders',
    'queryStringParameters',
    'multiValueQueryStringParameters',
    'requestContext',
    'isBase64Encoded',
  ])
  const { requestContext } = event
  expect(Object.keys(requestContext)).toEqual([
    'routeKey',
    'eventType',
    'extendedRequestId',
    'requestTime',
    'messageDirection',
    'stage',
    'connectedAt',
    'requestTimeEpoch',
    'identity',
    'requestId',
    'domainName',
    'connectionId',
    'apiId',
  ])
  expect(requestContext).toMatchObject({
    routeKey: '$connect',
    eventType: 'CONNECT',
    requestTime: '19/Feb/2024:07:11:42 +0000',
    messageDirection: 'IN',
    stage: 'prod',
    connectedAt: 1_708_326_702_789,
    requestTimeEpoch: 1_708_326_702_789,
    identity: { userAgent: 'tester/1', sourceIp: '127.0.0.1' },
    domainName: `127.0.0.1:${api.gateway.port}`,
  })
})

test('EV-03 requestId and extendedRequestId are the same, and differ from the connection id', async () => {
  await using api = await RecordedApi.start()
  await handshake(api.gateway.websocketUrl)

  const { requestContext } = await api.event('CONNECT')

  expect(requestContext.requestId).toMatch(ID)
  expect(requestContext['extendedRequestId']).toBe(requestContext.requestId)
  expect(requestContext.requestId).not.toBe(requestContext.connectionId)
})

test('EV-04 headers keep the casing of the client, and what API Gateway adds is there', async () => {
  await using api = await RecordedApi.start()
  await handshake(api.gateway.websocketUrl, {
    'x-CUSTOM-name': 'v',
    'sec-websocket-protocol': 'a',
    Cookie: 'k=1',
  })

  const { headers, multiValueHeaders } = await api.event('CONNECT')

  expect(headers).toMatchObject({
    'x-CUSTOM-name': 'v',
    Cookie: 'k=1',
    Host: `127.0.0.1:${api.gateway.port}`,
    'Sec-WebSocket-Protocol': 'a',
    'Sec-WebSocket-Version': '13',
    'X-Forwarded-For': '127.0.0.1',
    'X-Forwarded-Port': String(api.gateway.port),
    'X-Forwarded-Proto': 'http',
  })
  expect(headers?.['X-Amzn-Trace-Id']).toMatch(/^Root=1-[0-9a-f]{8}-[0-9a-f]{24}$/)
  expect(multiValueHeaders?.['x-CUSTOM-name']).toEqual(['v'])
})

test('EV-05 the integration event has no Connection, Upgrade or Content-Length header', async () => {
  await using api = await RecordedApi.start()
  await handshake(api.gateway.websocketUrl, { 'Content-Length': '0' })

  const { headers } = await api.event('CONNECT')

  const names = Object.keys(headers ?? {}).map((name) => name.toLowerCase())
  expect(names).not.toContain('connection')
  expect(names).not.toContain('upgrade')
  expect(names).not.toContain('content-length')
})

test('EV-06 of a repeated query parameter the last value wins, decoded once', async () => {
  await using api = await RecordedApi.start()
  await handshake(`${api.gateway.websocketUrl}?path=one&path=two&text=a%2520b+c&empty=&__proto__=x`)

  const event = await api.event('CONNECT')

  expect(event.queryStringParameters).toMatchObject({ path: 'two', text: 'a%20b c', empty: '' })
  expect(event.multiValueQueryStringParameters?.['path']).toEqual(['one', 'two'])
  expect(Object.keys(event.queryStringParameters ?? {})).toContain('__proto__')
})

test('EV-07 keys without a value are absent: no query, no user agent, no body', async () => {
  await using api = await RecordedApi.start()
  await handshake(api.gateway.websocketUrl)

  const event = await api.event('CONNECT')

  expect(event).not.toHaveProperty('queryStringParameters')
  expect(event).not.toHaveProperty('multiValueQueryStringParameters')
  expect(event).not.toHaveProperty('body')
  expect(event).not.toHaveProperty('stageVariables')
  expect(event.requestContext['identity']).toEqual({ sourceIp: '127.0.0.1' })
  expect(event.requestContext).not.toHaveProperty('authorizer')
})

test('EV-08 the message event has the fields and the key order of AWS, and no headers', async () => {
  const clock = new ManualClock()
  await using api = await RecordedApi.start({}, { clock })
  await using client = await TestClient.open(`${api.gateway.websocketUrl}?a=1`)
  const connect = await api.event('CONNECT')
  await clock.advance(1617)
  client.send('{"action":"sendMessage"}')

  const event = await api.event('MESSAGE')

  expect(Object.keys(event)).toEqual(['requestContext', 'body', 'isBase64Encoded'])
  expect(Object.keys(event.requestContext).slice(0, 4)).toEqual([
    'routeKey',
    'messageId',
    'eventType',
    'extendedRequestId',
  ])
  expect(event.body).toBe('{"action":"sendMessage"}')
  expect(event.requestContext).toMatchObject({
    routeKey: '$default',
    eventType: 'MESSAGE',
    connectionId: connect.requestContext.connectionId,
    connectedAt: connect.requestContext['connectedAt'],
    requestTimeEpoch: clock.now(),
  })
  expect(event.requestContext.requestId).not.toBe(connect.requestContext.requestId)
})

test('EV-09 a message id ends as the connection id does', async () => {
  await using api = await RecordedApi.start()
  await using client = await TestClient.open(api.gateway.websocketUrl)
  client.send('x')

  const { requestContext } = await api.event('MESSAGE')

  expect(requestContext['messageId']).toMatch(ID)
  expect(String(requestContext['messageId']).slice(-6)).toBe(requestContext.connectionId.slice(-6))
  expect(requestContext['messageId']).not.toBe(requestContext.connectionId)
})

test('EV-10 the $disconnect event has the fields and the key order of AWS', async () => {
  await using api = await RecordedApi.start()
  const client = await TestClient.open(api.gateway.websocketUrl)
  await client.close(4001, 'bye')

  const event = await api.event('DISCONNECT')

  expect(Object.keys(event)).toEqual(['headers', 'multiValueHeaders', 'requestContext', 'isBase64Encoded'])
  expect(event.headers).toEqual({
    Host: `127.0.0.1:${api.gateway.port}`,
    'x-api-key': '',
    'X-Forwarded-For': '',
    'x-restapi': '',
  })
  expect(Object.keys(event.requestContext).slice(0, 7)).toEqual([
    'routeKey',
    'disconnectStatusCode',
    'eventType',
    'extendedRequestId',
    'requestTime',
    'messageDirection',
    'disconnectReason',
  ])
})
