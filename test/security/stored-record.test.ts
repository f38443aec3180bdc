import { expect, test } from 'vitest'
import { parseWebsocketEvent } from '../../shared/gateway/websocket-event.ts'
import { scopeOfConnect, storable } from '../../shared/gateway/websocket-scope.ts'

const secret = 'open-sesame'

function stored(headers: Readonly<Record<string, readonly string[]>>): string {
  const event = parseWebsocketEvent({
    requestContext: {
      routeKey: '$connect',
      eventType: 'CONNECT',
      connectionId: 'L0SM9cOFvHcCIhw=',
      connectedAt: 0,
      requestTimeEpoch: 0,
      requestId: 'L0SM9EHHvHcFpHA=',
      apiId: 'api',
      stage: 'dev',
      domainName: 'api.execute-api.eu-west-1.amazonaws.com',
      identity: { sourceIp: '127.0.0.1' },
    },
    headers: Object.fromEntries(Object.entries(headers).map(([name, values]) => [name, values.at(-1)])),
    multiValueHeaders: headers,
    isBase64Encoded: false,
  })
  if (event.kind !== 'connect') throw new Error(`a ${event.kind} event`)
  return JSON.stringify(storable(scopeOfConnect(event), {}))
}

test.each([
  'Cookie',
  'cookie',
  'Authorization',
  'Proxy-Authorization',
  'X-Api-Key',
  'X-Amz-Security-Token',
  'Sec-WebSocket-Key',
])('the header %s is not stored', (name) => {
  expect(stored({ [name]: [`session=${secret}`] })).not.toContain(secret)
})

test('a header that is no secret is stored, so that the check above means something', () => {
  expect(stored({ 'User-Agent': [`browser ${secret}`] })).toContain(secret)
})
