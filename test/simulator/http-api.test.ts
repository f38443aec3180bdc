import { request as httpRequest } from 'node:http'
import { connect } from 'node:net'
import { describe, expect, test } from 'vitest'
import { inProcessFunction, type LambdaResult } from '../../local/index.ts'
import { MAX_RESPONSE_BYTES } from '../../shared/limits.ts'
import { type Answer, call, handshake } from './support/clients.ts'
import { RecordedApi } from './support/recorded-api.ts'

interface HttpEvent {
  readonly version: string
  readonly rawPath: string
  readonly rawQueryString: string
  readonly cookies?: readonly string[]
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
  readonly isBase64Encoded?: boolean
  readonly requestContext: { readonly stage: string; readonly http: Readonly<Record<string, string>> }
}

/** A gateway with an HTTP API whose function answers with what `handle` returns, and remembers its events. */
async function serving(
  handle: (event: HttpEvent) => unknown = () => ({ statusCode: 200 }),
): Promise<{ api: RecordedApi; url: string; events: HttpEvent[] } & AsyncDisposable> {
  const events: HttpEvent[] = []
  const http = inProcessFunction(async (event: HttpEvent) => {
    events.push(event)
    return await handle(event)
  })
  const api = await RecordedApi.start({}, { functions: { http } })
  return { api, url: api.gateway.url, events, [Symbol.asyncDispose]: () => api[Symbol.asyncDispose]() }
}

interface Asked {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string | string[]>>
  readonly body?: string | Buffer
}

/** The answer to one request, its body as bytes in Latin-1. */
function ask(url: string, { method = 'GET', headers = {}, body = '' }: Asked): Promise<Answer> {
  const outgoing = httpRequest(url, { method, headers, agent: false })
  outgoing.end(body)
  return new Promise((resolve, reject) => {
    outgoing.on('error', reject)
    outgoing.on('response', (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          body: Buffer.concat(chunks).toString('latin1'),
        }),
      )
    })
  })
}

test('HS-19 every request that is neither a handshake nor for an API is for the HTTP API', async () => {
  await using served = await serving(({ rawPath }) => ({ statusCode: 418, body: rawPath }))
  const { gateway } = served.api

  expect(await call('POST', `${served.url}/login?next=1`)).toMatchObject({ status: 418, body: '/login' })
  expect(await call('GET', `${served.url}/prod`)).toMatchObject({ status: 418, body: '/prod' })
  expect((await handshake(gateway.websocketUrl)).status).toBe(101)
  expect((await call('GET', `${gateway.managementEndpoint}/@connections/nobody000000000=`)).status).toBe(410)
})

describe('events', () => {
  test('HA-01 have the fields of payload format 2.0', async () => {
    await using served = await serving()

    await ask(`${served.url}/chat/a%20b%2Fc/?x=%20y&x=2`, {
      method: 'PATCH',
      headers: { Host: 'example.test:1', 'User-Agent': 'probe', 'Content-Type': 'application/json' },
      body: '{"a":1}',
    })

    expect(served.events).toEqual([
      {
        version: '2.0',
        routeKey: '$default',
        rawPath: '/chat/a b/c/',
        rawQueryString: 'x=%20y&x=2',
        headers: expect.objectContaining({
          host: 'example.test:1',
          'content-type': 'application/json',
          'x-forwarded-proto': 'http',
          'x-forwarded-for': '127.0.0.1',
        }) as object,
        requestContext: {
          accountId: '000000000000',
          apiId: 'local00001',
          domainName: 'example.test:1',
          domainPrefix: 'example',
          http: {
            method: 'PATCH',
            path: '/chat/a b/c/',
            protocol: 'HTTP/1.1',
            sourceIp: '127.0.0.1',
            userAgent: 'probe',
          },
          requestId: expect.any(String) as string,
          routeKey: '$default',
          stage: '$default',
          time: expect.stringMatching(/^\d\d\/\w{3}\/\d{4}:\d\d:\d\d:\d\d \+0000$/) as string,
          timeEpoch: expect.any(Number) as number,
        },
        body: '{"a":1}',
        isBase64Encoded: false,
      },
    ])
  })

  test('HA-02 have cookies in a list of their own, and repeated headers joined', async () => {
    await using served = await serving()

    await ask(served.url, { headers: { Cookie: 'a=1; b=2', 'X-Two': ['1', '2'] } })

    expect(served.events[0]?.cookies).toEqual(['a=1', 'b=2'])
    expect(served.events[0]?.headers).not.toHaveProperty('cookie')
    expect(served.events[0]?.headers['x-two']).toBe('1,2')
  })

  test.each([
    ['application/json', 'plain', 'plain', false],
    ['text/plain', 'grüße', 'grüße', false],
    ['text/plain', Buffer.from([0xff]), '/w==', true],
    ['image/png', Buffer.from([1]), 'AQ==', true],
    ['application/x-www-form-urlencoded', 'a=1', 'YT0x', true],
  ])(
    'HA-03 of a body of type %s have it as it is or as base64: %j',
    async (type, sent, body, isBase64Encoded) => {
      await using served = await serving()

      await ask(served.url, { method: 'POST', headers: { 'Content-Type': type }, body: sent })

      expect(served.events[0]).toMatchObject({ body, isBase64Encoded })
    },
  )

  test('HA-04 are not made of a path that is none, or is not encoded well', async () => {
    await using served = await serving()

    expect((await call('GET', `${served.url}/%zz`)).status).toBe(400)
    expect(await rawRequest(served.api.gateway.port, 'GET http://elsewhere.test/ HTTP/1.1')).toContain(
      ' 400 ',
    )
    expect(await rawRequest(served.api.gateway.port, 'OPTIONS * HTTP/1.1')).toContain(' 400 ')
    expect(served.events).toEqual([])
  })

  test('HA-05 are not made of a body that is too large', async () => {
    await using served = await serving()
    const post = (bytes: number): Promise<Answer> =>
      ask(served.url, { method: 'POST', headers: { 'Content-Type': 'image/png' }, body: Buffer.alloc(bytes) })

    expect((await post(5_000_000)).status).toBe(413)
    expect((await post(11_000_000)).status).toBe(413)
    expect((await post(4_000_000)).status).toBe(200)
    expect(served.events).toHaveLength(1)
  })
})

describe('responses', () => {
  test('HA-06 have status, headers, each cookie, and text or bytes', async () => {
    await using served = await serving(() => ({
      statusCode: 201,
      headers: { 'Content-Type': 'image/png', 'X-Number': 1 },
      cookies: ['a=1; Path=/', 'b=2'],
      body: '/wA=',
      isBase64Encoded: true,
    }))

    const answer = await ask(served.url, {})

    expect(answer).toMatchObject({ status: 201, body: '\u{ff}\0' })
    expect(answer.headers).toMatchObject({
      'content-type': 'image/png',
      'content-length': '2',
      'x-number': '1',
      'set-cookie': ['a=1; Path=/', 'b=2'],
    })
    expect((await ask(served.url, { method: 'HEAD' })).body).toBe('')
  })

  test('HA-07 without a status are JSON with 200', async () => {
    await using served = await serving(() => ({ hello: 'world' }))

    expect(await call('GET', served.url)).toMatchObject({
      status: 200,
      body: '{"hello":"world"}',
      headers: { 'content-type': 'application/json' },
    })
  })

  test.each<[string, () => unknown, RegExp]>([
    ['fails', () => Promise.reject(new RangeError('no table')), /failed with RangeError: no table/],
    ['returns a bad status', () => ({ statusCode: 'x' }), /statusCode "x"/],
    ['returns a body that is no text', () => ({ statusCode: 200, body: {} }), /a body of type object/],
    [
      'returns a header that cannot be sent',
      () => ({ statusCode: 200, headers: { 'x-a': 'b\nc' } }),
      /a header/,
    ],
    ['returns too much', () => ({ statusCode: 200, body: 'x'.repeat(MAX_RESPONSE_BYTES) }), /bytes, at most/],
  ])('HA-08 a function that %s is a 500, and the log says why', async (_name, handle, reason) => {
    await using served = await serving(handle)

    expect(await call('GET', `${served.url}/x?token=secret`)).toMatchObject({
      status: 500,
      body: '{"message":"Internal Server Error"}',
    })
    const [line] = served.api.log
    expect(line).toMatchObject({ level: 'error' })
    expect(line?.message).toMatch(/^request GET \/x/)
    expect(line?.message).toMatch(reason)
    expect(line?.message).not.toContain('secret')
  })

  test('HA-09 a function that does not answer in time is a 503', async () => {
    const answer = Promise.withResolvers<LambdaResult>()
    await using api = await RecordedApi.start(
      {},
      { functions: { http: { invoke: () => answer.promise } }, policies: { integrationTimeoutMs: 20 } },
    )

    expect(await call('GET', api.gateway.url)).toMatchObject({
      status: 503,
      body: '{"message":"Service Unavailable"}',
    })
    answer.resolve({ kind: 'ok', value: null })
  })
})

function rawRequest(port: number, line: string): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  socket.end(`${line}\r\nHost: localhost\r\nConnection: close\r\n\r\n`)
  return new Promise((resolve, reject) => {
    let text = ''
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1')
    })
    socket.on('end', () => resolve(text))
    socket.on('error', reject)
  })
}
