import { execFile } from 'node:child_process'
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { crc32 } from 'node:zlib'
import { describe, expect, it, vi } from 'vitest'
import {
  type HttpTransportOptions,
  httpTransport,
  regionalEndpoint,
} from '../../../../shared/backends/dynamodb/http-transport.ts'
import { sdkTransport } from '../../../../shared/backends/dynamodb/sdk-transport.ts'
import { ConfigurationError } from '../../../../shared/errors.ts'
import type { AwsCredentials } from '../../../../shared/http/credentials-cache.ts'
import { HastyClock } from '../../../support/hasty-clock.ts'
import { referenceSignature } from '../../../support/reference-signature.ts'
import { type TestCertificate, testCertificate } from '../../../support/test-certificate.ts'

const key = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret' }
const item = { Item: { pk: { S: 'a' } } }

type Answer = (response: ServerResponse, request: IncomingMessage) => void

const done: Answer = (response) => response.end('{"Item":{"pk":{"S":"a"}}}')
const reset: Answer = (response) => response.destroy()
/** Breaks off in the middle of the body. */
const half: Answer = (response) => {
  response.writeHead(200, { 'content-length': 100 })
  response.write('{"Item":', () => response.destroy())
}
const silence: Answer = () => {}
/** Damaged on its way. */
const damaged: Answer = (response) => {
  response.setHeader('x-amz-crc32', crc32('{"Item":{"pk":{"S":"b"}}}'))
  response.end('{"Item":{"pk":{"S":"a"}}}')
}
/** Not HTTP. */
const garbage: Answer = (_, request) => request.socket.end('220 mail.example.com ESMTP\r\n')

function refusal(status: number, type: string): Answer {
  return (response) => {
    response.statusCode = status
    response.end(JSON.stringify({ __type: `com.amazonaws.dynamodb.v20120810#${type}`, message: 'because' }))
  }
}

interface Arrival {
  readonly headers: IncomingMessage['headers']
  readonly port: number | undefined
  readonly body: string
}

/** A server that gives these answers one after the other, the last for ever, and a transport to it. */
async function serve(
  answers: readonly Answer[],
  options: Partial<HttpTransportOptions> = {},
  certificate?: TestCertificate,
) {
  const requests: Arrival[] = []
  const listener: RequestListener = (request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const answer = answers[Math.min(requests.length, answers.length - 1)] ?? done
      const { headers, socket } = request
      requests.push({ headers, port: socket.remotePort, body: Buffer.concat(chunks).toString() })
      answer(response, request)
    })
  }
  const server = certificate ? createSecureServer({ ...certificate }, listener) : createServer(listener)
  // It never closes an idle socket by itself, and does not say that it would.
  server.keepAliveTimeout = 0
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  const scheme = certificate ? 'https' : 'http'
  const endpoint = `${scheme}://127.0.0.1:${(server.address() as AddressInfo).port}`
  const transport = httpTransport({
    endpoint,
    region: 'eu-west-1',
    credentials: async () => key,
    clock: new HastyClock(),
    timeoutMs: 30_000,
    ...(certificate ? { tls: { ca: certificate.cert } } : {}),
    ...options,
  })
  const get = (abortSignal: AbortSignal = new AbortController().signal): Promise<object> =>
    transport.GetItem({ TableName: 'channels', Key: { pk: { S: 'grün' } } }, { abortSignal })
  const dispose = async (): Promise<void> => {
    transport.destroy()
    server.closeAllConnections()
    server.close()
  }
  return { get, transport, endpoint, requests, [Symbol.asyncDispose]: dispose }
}

describe('httpTransport over http', () => behaviour())

describe.skipIf(!testCertificate())('httpTransport over https (needs openssl)', () =>
  behaviour(testCertificate()),
)

function behaviour(certificate?: TestCertificate): void {
  const given = (
    answers: readonly Answer[],
    options?: Partial<HttpTransportOptions>,
  ): ReturnType<typeof serve> => serve(answers, options, certificate)

  it('sends a signed request and gives the answer back', async () => {
    await using server = await given([done], { clock: new HastyClock(Date.UTC(2026, 10, 22)) })

    expect(await server.get()).toEqual(item)

    const [{ headers, body } = { headers: {}, body: '' }] = server.requests
    expect(JSON.parse(body)).toEqual({ TableName: 'channels', Key: { pk: { S: 'grün' } } })
    const signed = {
      host: new URL(server.endpoint).host,
      'content-type': 'application/x-amz-json-1.0',
      'x-amz-target': 'DynamoDB_20120810.GetItem',
    }
    const service = { service: 'dynamodb', region: 'eu-west-1', method: 'POST', path: '/' }
    const when = { credentials: key, nowMs: Date.UTC(2026, 10, 22) }
    expect(headers).toMatchObject({
      ...signed,
      authorization: await referenceSignature({ ...service, ...when, headers: signed, body }),
    })
  })

  it('uses one socket for calls that follow each other, until it was idle for too long', async () => {
    const clock = new HastyClock()
    await using server = await given([done], { clock })

    for (let index = 0; index < 5; index += 1) await server.get()
    expect(new Set(server.requests.map(({ port }) => port)).size).toBe(1)
    // As after a freeze.
    clock.time += 60_000
    await server.get()

    expect(new Set(server.requests.map(({ port }) => port)).size).toBe(2)
  })

  it('reads an answer of 10 MB, and one in chunks', async () => {
    const large = { Item: { pk: { S: 'größer'.repeat(1_250_000) } } }
    const [text, bytes] = [JSON.stringify(large), Buffer.from(JSON.stringify(large))]
    const whole: Answer = (response) => {
      response.writeHead(200, { 'content-length': bytes.length, 'x-amz-crc32': crc32(bytes) })
      response.end(bytes)
    }
    const chunks: Answer = (response) => {
      response.setHeader('x-amz-crc32', crc32(bytes))
      for (let from = 0; from < bytes.length; from += 3_000_001)
        response.write(bytes.subarray(from, from + 3_000_001))
      response.end()
    }
    await using server = await given([whole, chunks])

    expect(JSON.stringify(await server.get()) === text).toBe(true)
    expect(JSON.stringify(await server.get()) === text).toBe(true)
    expect(server.requests).toHaveLength(2)
  })

  it.each([
    ['a status 500', refusal(500, 'InternalServerError')],
    ['a throttled table', refusal(400, 'ProvisionedThroughputExceededException')],
    ['a throttled account', refusal(400, 'ThrottlingException')],
    ['a reset connection', reset],
    ['half an answer', half],
    ['a damaged answer', damaged],
    ['an answer that is not HTTP', garbage],
  ])('tries again after %s', async (_, answer) => {
    const clock = new HastyClock()
    await using server = await given([answer, answer, done], { clock })

    expect(await server.get()).toEqual(item)
    expect(server.requests).toHaveLength(3)
    expect(clock.sleeps).toHaveLength(2)
  })

  it('gives a silent server up, and tries again', async () => {
    await using server = await given([silence, done], { timeoutMs: 500 })

    expect(await server.get()).toEqual(item)
    expect(server.requests.length).toBeGreaterThan(1)
  })

  it('tries again at once when a kept-alive socket turns out to be dead', async () => {
    const clock = new HastyClock()
    await using server = await given([done, reset, done], { clock })

    await server.get()
    expect(await server.get()).toEqual(item)

    expect(server.requests).toHaveLength(3)
    expect(clock.sleeps).toEqual([])
  })

  it('ends with its signal, and serves the next call', async () => {
    await using server = await given([silence, done])
    const controller = new AbortController()
    const reason = new Error('too late')
    const settled = Promise.allSettled([server.get(controller.signal)])
    await vi.waitFor(() => expect(server.requests).toHaveLength(1), 10_000)

    controller.abort(reason)

    expect(await settled).toEqual([{ status: 'rejected', reason }])
    expect(server.requests).toHaveLength(1)
    expect(await server.get()).toEqual(item)
  })

  it('keeps the process alive by a socket at work, and not by an idle one', { timeout: 60_000 }, async () => {
    await using server = await given([done])
    const script = fileURLToPath(new URL('../../../support/load-and-end.ts', import.meta.url))

    const ended = await promisify(execFile)(process.execPath, [script, server.endpoint], {
      timeout: 20_000,
      env: { ...process.env, NODE_OPTIONS: '', TEST_CA: certificate?.cert ?? '' },
    })

    expect(ended.stdout).toBe(JSON.stringify(item))
  })
}

it.skipIf(!testCertificate())(
  'refuses a certificate that it has no reason to trust, and does not try again',
  async () => {
    const clock = new HastyClock()
    await using server = await serve([done], { tls: {}, clock }, testCertificate())

    await expect(server.get()).rejects.toThrow('self-signed')
    expect(server.requests).toHaveLength(0)
    expect(clock.sleeps).toEqual([])
  },
)

it.each([
  ['eu-west-1', 'https://dynamodb.eu-west-1.amazonaws.com'],
  ['us-gov-west-1', 'https://dynamodb.us-gov-west-1.amazonaws.com'],
  ['cn-north-1', 'https://dynamodb.cn-north-1.amazonaws.com.cn'],
])('finds DynamoDB of %s at %s', (region, endpoint) => {
  expect(regionalEndpoint(region)).toBe(endpoint)
})

it.each(['dynamodb', 'ftp://127.0.0.1', 'http://user:pass@127.0.0.1/path'])(
  'refuses the endpoint %s',
  (endpoint) => {
    const make = (): unknown => httpTransport({ endpoint, region: 'eu-west-1', credentials: async () => key })
    expect(make).toThrow(ConfigurationError)
    expect(make).not.toThrow('pass')
  },
)

it('gives up after three tries, with an error of the shape that the SDK throws', async () => {
  await using server = await serve([refusal(500, 'InternalServerError')])

  await expect(server.get()).rejects.toMatchObject({
    name: 'InternalServerError',
    message: 'because',
    $metadata: { httpStatusCode: 500 },
  })
  expect(server.requests).toHaveLength(3)
})

it.each(['ValidationException', 'ConditionalCheckFailedException', 'ResourceNotFoundException'])(
  'does not try again after a %s',
  async (name) => {
    await using server = await serve([refusal(400, name)])

    await expect(server.get()).rejects.toMatchObject({ name, $metadata: { httpStatusCode: 400 } })
    expect(server.requests).toHaveLength(1)
  },
)

it('survives an answer that is not JSON', async () => {
  const page: Answer = (response) => {
    response.statusCode = 403
    response.end('<html>')
  }
  await using server = await serve([page])

  await expect(server.get()).rejects.toMatchObject({ message: '<html>', $metadata: { httpStatusCode: 403 } })
})

it('asks for credentials once for many calls, and again a minute before they expire', async () => {
  const clock = new HastyClock(1_000_000_000_000)
  let asked = 0
  const credentials = async (): Promise<AwsCredentials> => {
    asked += 1
    return { ...key, expiration: new Date(clock.time + 3_600_000) }
  }
  await using server = await serve([done], { credentials, clock })

  await Promise.all([server.get(), server.get()])
  clock.time += 3_539_999
  await server.get()
  expect(asked).toBe(1)
  clock.time += 1
  await server.get()

  expect(asked).toBe(2)
})

it('asks for credentials again after a refusal, and after the provider has failed', async () => {
  let asked = 0
  const credentials = async (): Promise<AwsCredentials> => {
    asked += 1
    if (asked === 1) throw new Error('no credentials yet')
    return key
  }
  await using server = await serve([refusal(400, 'ExpiredTokenException'), done], { credentials })

  await expect(server.get()).rejects.toThrow('no credentials yet')
  await expect(server.get()).rejects.toMatchObject({ name: 'ExpiredTokenException' })
  expect(server.requests).toHaveLength(1)
  expect(asked).toBe(3)
})

it.each(['ExpiredTokenException', 'UnrecognizedClientException'])(
  'makes a call again that was refused with %s, if there are newer credentials',
  async (type) => {
    let asked = 0
    const credentials = async (): Promise<AwsCredentials> => ({ ...key, sessionToken: `${(asked += 1)}` })
    await using server = await serve([refusal(400, type), done], { credentials, maxTries: 1 })

    expect(await server.get()).toEqual(item)

    expect(server.requests.map(({ headers }) => headers['x-amz-security-token'])).toEqual(['1', '2'])
  },
)

it('makes one request where one was asked for, whatever comes of it', async () => {
  await using server = await serve([reset, done])
  const call = server.transport.DeleteItem(
    { TableName: 'channels', Key: { pk: { S: 'a' } } },
    { abortSignal: new AbortController().signal, isSingleTry: true },
  )

  await expect(call).rejects.toThrow('closed')

  expect(server.requests).toHaveLength(1)
})

it('makes one request by the SDK as well', async () => {
  await using server = await serve([refusal(500, 'InternalServerError'), done])
  const config = { endpoint: server.endpoint, region: 'eu-west-1', credentials: key, maxAttempts: 3 }
  const { DeleteItem } = sdkTransport(undefined, config)
  const input = { TableName: 'channels', Key: { pk: { S: 'a' } } }
  const { signal: abortSignal } = new AbortController()

  await expect(DeleteItem(input, { abortSignal, isSingleTry: true })).rejects.toThrow('because')
  expect(server.requests).toHaveLength(1)

  // And tries again where nobody asked for that.
  await DeleteItem(input, { abortSignal })
  expect(server.requests).toHaveLength(2)
})
