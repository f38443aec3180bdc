import { describe, expect, test } from 'vitest'
import { InvalidEventError } from '../../../shared/errors.ts'
import { httpScope, parseHttpEvent } from '../../../shared/gateway/http-event.ts'
import { FakeConnection } from '../../support/fake-connection.ts'
import { httpEvent } from '../../support/http-events.ts'
import { connectEvent } from '../../support/websocket-events.ts'

describe('an event of an HTTP API', () => {
  test('becomes a scope with everything that a request says', () => {
    const connection = new FakeConnection()
    const event = httpEvent({
      method: 'POST',
      path: '/rooms/lobby/',
      queryString: 'a=1&b=%20x&a=2',
      headers: { 'content-type': 'text/plain' },
      cookies: ['sessionid=abc', 'theme=dark'],
    })

    expect(httpScope(parseHttpEvent(event), connection)).toEqual({
      type: 'http',
      method: 'POST',
      scheme: 'https',
      path: '/rooms/lobby/',
      queryString: 'a=1&b=%20x&a=2',
      query: { a: '2', b: ' x' },
      headers: {
        host: ['abc123.execute-api.eu-west-1.amazonaws.com'],
        'x-forwarded-proto': ['https'],
        'content-type': ['text/plain'],
        cookie: ['sessionid=abc; theme=dark'],
      },
      client: '192.0.2.1',
      connection,
    })
  })

  test.each([
    ['$default', '/prod/x', '/prod/x'],
    ['prod', '/x', '/x'],
    ['prod', '/', '/'],
    ['prod', '', '/'],
    ['prod', '/prod/x', '/prod/x'],
  ])('of stage %s for %s has the path %s', (stage, path, expected) => {
    expect(parseHttpEvent(httpEvent({ stage, path })).path).toBe(expected)
  })

  test('loses the stage only at the end of a segment', () => {
    const event = { ...httpEvent({ stage: 'prod' }), rawPath: '/production/x' }

    expect(parseHttpEvent(event).path).toBe('/production/x')
  })

  test('of an HTTP API has a decoded path, which is not decoded again', () => {
    expect(parseHttpEvent(httpEvent({ path: '/100%25/%zz' })).path).toBe('/100%25/%zz')
  })

  test.each([
    ['/a%20b/%C3%A9', '/a b/é'],
    ['/%zz', '/%zz'],
  ])('of a function URL has %s for the path %s', (path, expected) => {
    const event = httpEvent({ path, domainName: 'abc.lambda-url.eu-west-1.on.aws' })

    expect(parseHttpEvent(event).path).toBe(expected)
  })

  test('has no header with an underscore, which could pose as another one', () => {
    const { headers } = parseHttpEvent(httpEvent({ headers: { x_user: 'root', 'x-user': 'ann' } }))

    expect(headers['x_user']).toBeUndefined()
    expect(headers['x-user']).toEqual(['ann'])
  })

  test('has its query under the parameter "__proto__" as under any other', () => {
    const { query } = httpScope(
      parseHttpEvent(httpEvent({ queryString: '__proto__=x' })),
      new FakeConnection(),
    )

    expect(Object.entries(query)).toEqual([['__proto__', 'x']])
    expect(Object.getPrototypeOf(query)).toBe(Object.prototype)
  })

  test.each([
    [{ lambda: { role: 'admin' } }, { role: 'admin' }],
    [{ jwt: { claims: { sub: 'u1' }, scopes: null } }, { claims: { sub: 'u1' }, scopes: null }],
    [{ iam: { userId: 'AID' } }, { userId: 'AID' }],
    [{}, undefined],
  ])('with the authorizer %j gives the application %j', (authorizer, expected) => {
    expect(parseHttpEvent(httpEvent({ authorizer })).authorizer).toEqual(expected)
  })

  test.each([
    ['null', null],
    ['a string', 'x'],
    ['an empty object', {}],
    ['an event of a WebSocket API', connectEvent('a=', { connectedAt: 0 })],
    ['a queue event', { Records: [] }],
    ['payload format 1.0', { ...httpEvent(), version: '1.0' }],
    ['no path', { ...httpEvent(), rawPath: undefined }],
    ['no query', { ...httpEvent(), rawQueryString: 1 }],
    ['a body that is no text', { ...httpEvent(), body: { a: 1 } }],
    ['no method', { ...httpEvent(), requestContext: { http: {} } }],
  ])('%s is an InvalidEventError that says what to configure', (_name, raw) => {
    expect(() => parseHttpEvent(raw)).toThrow(InvalidEventError)
    expect(() => parseHttpEvent(raw)).toThrow('payload format version 2.0')
  })
})
