import { expect, test } from 'vitest'
import { InvalidEventError } from '../../../shared/errors.ts'
import { parseWebsocketEvent } from '../../../shared/gateway/websocket-event.ts'
import { createWebsocketHandler } from '../../../shared/gateway/websocket-handler.ts'
import { GatewayWorld } from '../../support/gateway-world.ts'
import { connectEvent, disconnectEvent, messageEvent } from '../../support/websocket-events.ts'

test.each([
  ['nothing', undefined, 'undefined'],
  ['null', null, 'null'],
  ['text', 'CONNECT', 'string'],
  ['an empty object', {}, '(none)'],
  ['an HTTP API event', { version: '2.0', routeKey: '$default', rawPath: '/' }, 'version, routeKey, rawPath'],
  ['an SQS event', { Records: [] }, 'Records'],
  ['an HTTP event with a request context', { requestContext: { http: {} } }, 'requestContext'],
])('%s is an InvalidEventError that names what was seen', (_, raw, seen) => {
  expect(() => parseWebsocketEvent(raw)).toThrow(InvalidEventError)
  expect(() => parseWebsocketEvent(raw)).toThrow(seen)
})

test.each(['connectionId', 'requestId', 'apiId', 'stage', 'domainName', 'connectedAt'])(
  'an event without %s names it',
  (field) => {
    expect(() => parseWebsocketEvent(connectEvent('a=', { requestContext: { [field]: undefined } }))).toThrow(
      `requestContext.${field} is undefined`,
    )
  },
)

test('an event of an unknown type is an InvalidEventError', () => {
  expect(() => parseWebsocketEvent(connectEvent('a=', { requestContext: { eventType: 'PING' } }))).toThrow(
    InvalidEventError,
  )
})

test('the handler rejects what is none of its events, before it touches anything', async () => {
  const world = new GatewayWorld({ application: async () => {} })

  await expect(createWebsocketHandler(async () => {}, world.runtime)({ Records: [] })).rejects.toThrow(
    InvalidEventError,
  )
  expect(world.store.calls).toEqual([])
})

test.each([
  ['text', { body: 'hello' }, 'hello'],
  ['nothing', { body: undefined }, ''],
  ['null', { body: null }, ''],
  ['base64', { body: 'aGVsbMO2', isBase64Encoded: true }, 'hellö'],
])('a body that is %s is read', (_, fields, text) => {
  expect(parseWebsocketEvent({ ...messageEvent('a=', ''), ...fields })).toMatchObject({
    kind: 'message',
    text,
  })
})

test('a body that is no text is an InvalidEventError', () => {
  expect(() => parseWebsocketEvent({ ...messageEvent('a=', ''), body: { a: 1 } })).toThrow('body is object')
})

test('$disconnect without code and reason is 1005', () => {
  expect(parseWebsocketEvent(disconnectEvent('a=', null))).toMatchObject({
    kind: 'disconnect',
    code: 1005,
    reason: '',
  })
})

test('values of a header that was sent twice are all there, from multiValueHeaders', () => {
  const event = { ...connectEvent('a='), headers: { 'X-A': '2' }, multiValueHeaders: { 'X-A': ['1', '2'] } }

  expect(parseWebsocketEvent(event)).toMatchObject({ headers: { 'x-a': ['1', '2'] } })
})

test('an event without headers, query and identity is read all the same', () => {
  const event = connectEvent('a=', { requestContext: { identity: undefined } })

  expect(parseWebsocketEvent({ ...event, headers: null, multiValueHeaders: null })).toMatchObject({
    headers: {},
    query: {},
    sourceIp: undefined,
    authorizer: undefined,
  })
})
