import { expect, test } from 'vitest'
import { StoreError } from '../../../shared/errors.ts'
import type { LambdaContext } from '../../../shared/gateway/index.ts'
import { JsonLogger } from '../../../shared/lambda/json-logger.ts'
import type { LogLevel } from '../../../shared/lambda/readable-logger.ts'
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
