import { expect, test } from 'vitest'
import { inProcessFunction } from '../../local/index.ts'
import { ConfigurationError } from '../../shared/errors.ts'
import { ManualClock } from '../../shared/testing/index.ts'
import { TestClient } from './support/clients.ts'
import { RecordedApi } from './support/recorded-api.ts'

const beat = '{"type":"websocket.heartbeat"}'

test('HB-01 the gateway answers a heartbeat with the same frame, and no function runs', async () => {
  const serial = inProcessFunction(async () => undefined)
  await using api = await RecordedApi.start({}, { heartbeat: true, functions: { serial } })
  await using client = await TestClient.open(api.gateway.websocketUrl)

  client.send(beat)
  client.send('{ "number": 7, "type": "websocket.heartbeat" }')

  expect([await client.next(), await client.next()]).toEqual([beat, beat])
  await api.gateway.idle()
  expect(api.events.map(({ requestContext }) => requestContext.eventType)).toEqual(['CONNECT'])
})

test("HB-02 a frame of any other type, or of none, is the application's", async () => {
  const frames = [
    '{"type":"chat.heartbeat"}',
    '{"type":{"type":"websocket.heartbeat"}}',
    '{"data":{"type":"websocket.heartbeat"}}',
    '"websocket.heartbeat"',
    '["websocket.heartbeat"]',
    'websocket.heartbeat',
    '',
  ]
  await using api = await RecordedApi.start({}, { heartbeat: true })
  await using client = await TestClient.open(api.gateway.websocketUrl)

  for (const frame of frames) client.send(frame)

  await api.event('MESSAGE', frames.length)
  const messages = api.events.filter(({ requestContext }) => requestContext.eventType === 'MESSAGE')
  expect(messages.map(({ body }) => body)).toEqual(frames)
  expect(client.received).toEqual([])
})

test('HB-03 a heartbeat starts the 10 minutes of the idle time-out anew', async () => {
  const clock = new ManualClock()
  await using api = await RecordedApi.start(
    {},
    { heartbeat: true, clock, policies: { integrationTimeoutMs: 1e9 } },
  )
  await using client = await TestClient.open(api.gateway.websocketUrl)
  for (let beats = 0; beats < 3; beats += 1) {
    await clock.advance(540_000)
    client.send(beat)
    expect(await client.next()).toBe(beat)
  }
  expect(api.gateway.connections.count).toBe(1)

  await clock.advance(600_000)

  expect(await client.closed).toEqual({ code: 1001, reason: 'Going away' })
})

test('HB-04 an API has one route selection expression, so one of its own and heartbeats exclude each other', async () => {
  const start = RecordedApi.start({}, { heartbeat: true, routeSelectionExpression: '$request.body.action' })

  await expect(start).rejects.toThrow(ConfigurationError)
  await expect(start).rejects.toThrow(
    'routeSelectionExpression is "$request.body.action" and heartbeat is on',
  )
})
