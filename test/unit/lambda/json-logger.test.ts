import { inspect } from 'node:util'
import { errors as joseErrors } from 'jose'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { redisFailure } from '../../../shared/backends/redis/redis-failure.ts'
import { ChannelFullError, DeliveryError, StoreError } from '../../../shared/errors.ts'
import type { LambdaContext } from '../../../shared/gateway/index.ts'
import { JsonLogger } from '../../../shared/lambda/json-logger.ts'
import type { LogLevel } from '../../../shared/lambda/readable-logger.ts'
import { readText } from '../../support/repository.ts'
import { WatchedStream } from '../../support/watched-stream.ts'

const levels = ['debug', 'info', 'warn', 'error'] as const

/** The lines that `write` makes a logger write, as objects; those at warn and error come last. */
function linesOf(level: LogLevel, write: (logger: JsonLogger) => void): readonly Record<string, unknown>[] {
  using stdout = new WatchedStream('stdout')
  using stderr = new WatchedStream('stderr')
  write(new JsonLogger({ level, service: 'chat' }))
  return [...stdout.objects, ...stderr.objects]
}

test.each<[LogLevel, readonly string[]]>([
  ['debug', ['DEBUG', 'INFO', 'WARN', 'ERROR']],
  ['info', ['INFO', 'WARN', 'ERROR']],
  ['error', ['ERROR']],
])('at "%s" these levels are written: %j', (level, written) => {
  const lines = linesOf(level, (logger) => levels.forEach((each) => logger[each]('hello')))

  expect(lines.map((line) => line['level'])).toEqual(written)
  expect(lines.map((line) => [line['message'], line['service']])).toEqual(
    written.map(() => ['hello', 'chat']),
  )
})

test('a line is one JSON object, with the error, its code and its causes', () => {
  const root = Object.assign(new Error('refused'), { code: 'ECONNREFUSED' })
  const cause = new TypeError('socket hang up', { cause: root })

  const [line] = linesOf('info', (logger) =>
    logger.error('it failed', {
      channelName: 'a=',
      error: new StoreError('no table', { retryable: false, cause }),
    }),
  )

  expect(line).toMatchObject({
    level: 'ERROR',
    message: 'it failed',
    channelName: 'a=',
    error: {
      name: 'StoreError',
      code: 'STORE_FAILED',
      message: 'no table',
      stack: expect.any(String),
      cause: {
        name: 'TypeError',
        message: 'socket hang up',
        cause: { code: 'ECONNREFUSED', message: 'refused' },
      },
    },
  })
})

test('a line tells which invocation it is of', () => {
  const context = {
    awsRequestId: 'request-1',
    functionName: 'websocket',
    getRemainingTimeInMillis: () => 0,
  } satisfies LambdaContext & Record<string, unknown>

  const lines = linesOf('info', (logger) => {
    logger.begin(undefined)
    logger.info('before')
    logger.begin(context)
    logger.info('within')
  })

  expect(lines.map((line) => [line['message'], line['function_request_id'], line['function_name']])).toEqual([
    ['before', undefined, undefined],
    ['within', 'request-1', 'websocket'],
  ])
})

const endless = new Error('endless')
endless.cause = endless
const cycle: Record<string, unknown> = {}
cycle['self'] = cycle

test.each<[string, object]>([
  ['a cycle', { cycle }],
  ['a bigint', { big: 1n }],
  ['an error that is its own cause', { error: endless }],
  [
    'a getter that throws',
    {
      get broken(): string {
        throw new RangeError('no')
      },
    },
  ],
])('details with %s are written all the same: a log line must not fail the event', (_, details) => {
  const lines = linesOf('info', (logger) => logger.error('it failed', details))

  expect(lines.find((line) => line['message'] === 'it failed')).toMatchObject({ level: 'ERROR' })
})

/** What cannot be looked at in any way. */
function unreadable(): object {
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  return proxy
}

const twice = { c: 1 }

const throwing = {
  toJSON(): never {
    throw new Error('no')
  },
  [inspect.custom](): never {
    throw new Error('no')
  },
}

function withGetter(name: string): Error {
  return Object.defineProperty(new Error('broken'), name, {
    get(): never {
      throw new Error('no')
    },
  })
}

test.each<[string, unknown, object]>([
  [
    'a getter that throws',
    {
      a: 1,
      get b(): never {
        throw new RangeError('no')
      },
    },
    { a: 1, b: '[unreadable]' },
  ],
  ['a toJSON that throws', { a: 1, b: throwing }, { a: 1, b: '[unreadable]' }],
  ['an object that cannot be looked at', { a: 1, b: unreadable() }, { a: 1, b: '[unreadable]' }],
  ['nothing that can be looked at', unreadable(), { details: '[unreadable]' }],
  [
    'an error whose stack throws',
    { error: withGetter('stack') },
    { error: { message: 'broken', stack: '[unreadable]' } },
  ],
  ['an error whose message throws', { error: withGetter('message') }, { error: { message: '[unreadable]' } }],
  ['a cycle', { a: 1, cycle }, { a: 1, cycle: { self: '[circular]' } }],
  [
    'an error that is its own cause',
    { error: endless },
    { error: { message: 'endless', cause: '[circular]' } },
  ],
  ['one object twice', { b: [twice, twice] }, { b: [{ c: 1 }, { c: 1 }] }],
  ['text, from who has no compiler', 'text', { details: 'text' }],
  ['a list', [1, 2], { details: [1, 2] }],
])('of details with %s all is written that can be', (_, details, expected) => {
  const [line] = linesOf('info', (logger) => logger.error('it failed', details as object))

  expect(line).toMatchObject({ level: 'ERROR', message: 'it failed', ...expected })
})

test('an error for details is the error of the line', () => {
  const [line] = linesOf('info', (logger) => logger.error('it failed', new TypeError('broken')))

  expect(line).toMatchObject({ message: 'it failed', error: { name: 'TypeError', message: 'broken' } })
})

test('details with the names of what each line has are kept under other names, in one line', () => {
  const details = { message: 'm', level: 'l', service: 's', timestamp: 't', sampling_rate: 'r', x: 1 }

  const lines = linesOf('info', (logger) => logger.error('it failed', details))

  expect(lines).toMatchObject([
    {
      level: 'ERROR',
      message: 'it failed',
      service: 'chat',
      details_message: 'm',
      details_level: 'l',
      details_service: 's',
      details_timestamp: 't',
      details_sampling_rate: 'r',
      x: 1,
    },
  ])
})

test('details below the level are not even looked at', () => {
  let looks = 0
  const details = {
    get state(): number {
      return (looks += 1)
    },
  }

  expect(linesOf('info', (logger) => logger.debug('hello', details))).toEqual([])
  expect(looks).toBe(0)
})

/** An error of a client that shows what it was at. */
function clientError(fields: object): Error {
  return Object.assign(new Error('it did not work'), fields)
}

describe('a line shows nothing secret that an error carries', () => {
  const command = { name: 'evalsha', args: ['sha', '1', 'channels:c:{a=}', '{"token":"SECRET"}'] }
  const reply = Object.assign(clientError({ command }), { name: 'ReplyError' })
  const context = { attempt: 'save the state of "a="', server: 'redis', timeoutMs: 1 }
  const request = { config: { headers: { authorization: 'Bearer SECRET' } } }
  const http = clientError(request)

  test.each<[string, unknown]>([
    ['the arguments of a command of Redis', reply],
    ['those behind a StoreError', redisFailure(reply, context)],
    ['the headers of a request', http],
    ['those that its toJSON shows', clientError({ toJSON: () => request })],
    ['the claims of a token', new joseErrors.JWTExpired('expired', { sub: 'SECRET' }, 'exp', 'check_failed')],
    ['a cause', new Error('outer', { cause: new Error('inner', { cause: http }) })],
    ['one of several', new AggregateError([reply, http], 'both failed')],
    ['bytes', clientError({ body: Buffer.from('SECRET') })],
    [
      'a subclass of an error of the library',
      Object.assign(new StoreError('no', { retryable: true }), { command }),
    ],
  ])('such as %s', (_, error) => {
    const shown = JSON.stringify(
      linesOf('info', (logger) => {
        logger.error('it failed', { error, failures: [{ error }] })
        logger.error('it failed', error as Error)
        // With what makes JSON fail beside it.
        logger.error('it failed', { error, cycle, big: 1n, b: throwing })
      }),
    )

    expect(shown).not.toContain('SECRET')
    expect(shown).not.toContain(JSON.stringify([...Buffer.from('SECRET')]))
    expect(shown.match(/"message":"it failed"/g)).toHaveLength(3)
  })
})

test('a line shows of an error what is documented, its causes, and each of several', () => {
  const sdk = Object.assign(new Error('slow down'), {
    name: 'ThrottlingException',
    $metadata: { httpStatusCode: 400, requestId: 'request-7' },
  })
  const [line] = linesOf('info', (logger) =>
    logger.error('it failed', {
      full: new ChannelFullError('full', { channelName: 'a!b', capacity: 100 }),
      post: new DeliveryError('no', { retryable: true, status: 429 }),
      store: new StoreError('no', { retryable: false, refused: [1, 3], cause: sdk }),
      several: new AggregateError([new TypeError('one'), new RangeError('two')], 'many'),
    }),
  )

  expect(line).toMatchObject({
    full: { code: 'CHANNEL_FULL', channelName: 'a!b', capacity: 100 },
    post: { code: 'DELIVERY_FAILED', retryable: true, status: 429 },
    store: {
      code: 'STORE_FAILED',
      retryable: false,
      refused: [1, 3],
      cause: { name: 'ThrottlingException', $metadata: { httpStatusCode: 400, requestId: 'request-7' } },
    },
    several: {
      name: 'AggregateError',
      errors: [
        { name: 'TypeError', message: 'one' },
        { name: 'RangeError', message: 'two' },
      ],
    },
  })
})

test('bytes are told by their number', () => {
  const [line] = linesOf('info', (logger) =>
    logger.info('hello', {
      body: Buffer.alloc(1_000_000),
      view: new Uint8Array(3),
      buffer: new ArrayBuffer(2),
    }),
  )

  expect(line).toMatchObject({ body: '[1000000 bytes]', view: '[3 bytes]', buffer: '[2 bytes]' })
})

describe('the line that the documentation shows', () => {
  afterEach(() => {
    vi.unstubAllEnvs()
  })

  test('is one that is written', async () => {
    const page = await readText('docs/topics/operations.md')
    const shown = JSON.parse(/```json\n(.*)\n```/.exec(page)?.[1] ?? '') as Record<string, unknown>
    vi.stubEnv('_X_AMZN_TRACE_ID', `Root=${String(shown['xray_trace_id'])}`)
    const cause = Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:8000'), { code: 'ECONNREFUSED' })

    const [, line] = linesOf('info', (logger) => {
      const begin = (): void =>
        logger.begin({
          functionName: 'websocket',
          functionVersion: '$LATEST',
          invokedFunctionArn: shown['function_arn'],
          memoryLimitInMB: '512',
          awsRequestId: shown['function_request_id'],
          getRemainingTimeInMillis: () => 0,
        } as LambdaContext)
      begin()
      logger.info('the first invocation of a container is its cold start')
      begin()
      logger.error('ChatConsumer failed on "websocket.receive"', {
        channelName: shown['channelName'],
        consumer: 'ChatConsumer',
        type: 'websocket.receive',
        error: new StoreError('no table', { retryable: true, cause }),
      })
    })

    const { stack, cause: causeShown, ...error } = shown['error'] as Record<string, unknown>
    expect([stack, (causeShown as Record<string, unknown>)['stack']]).toEqual(['…', '…'])
    expect(line).toEqual({
      ...shown,
      timestamp: expect.stringMatching(/Z$/),
      error: {
        ...error,
        stack: expect.any(String),
        cause: { ...(causeShown as object), stack: expect.any(String) },
      },
    })
  })
})
