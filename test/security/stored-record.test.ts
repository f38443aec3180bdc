import { expect, test } from 'vitest'
import { parseWebsocketEvent } from '../../shared/gateway/websocket-event.ts'
import { scopeOfConnect, storable } from '../../shared/gateway/websocket-scope.ts'

const secret = 'open-sesame'

function stored(headers: Readonly<Record<string, readonly string[]>>, accepted?: string): string {
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
  return JSON.stringify(storable(scopeOfConnect(event), {}, accepted))
}

test.each([
  'Cookie',
  'cookie',
  'Authorization',
  'Proxy-Authorization',
  'X-Api-Key',
  'X-Amz-Security-Token',
  'X-Access-Token',
  'X-Auth',
  'X-Id-Token',
  'X-User-Password',
  'Client-Secret',
  'X-Session-Id',
  'X-Amzn-Oidc-Data',
  'Api_Key',
  'Sec-WebSocket-Key',
  'Sec-WebSocket-Protocol',
])('the header %s is not stored', (name) => {
  expect(stored({ [name]: [`session=${secret}`] })).not.toContain(secret)
})

test.each(['User-Agent', 'X-Author', 'Origin'])(
  'the header %s is stored, so that the check above means something',
  (name) => {
    expect(stored({ [name]: [`browser ${secret}`] })).toContain(secret)
  },
)

test('of the offered subprotocols only the accepted one is stored', () => {
  const record = stored({ 'Sec-WebSocket-Protocol': [`bearer, ${secret}`] }, 'bearer')

  expect(record).toContain('"subprotocols":["bearer"]')
  expect(record).not.toContain(secret)
})
