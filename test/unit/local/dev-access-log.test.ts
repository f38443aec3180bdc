import { expect, test } from 'vitest'
import { withAccessLog, withRequestLog, withSerialAccessLog } from '../../../local/dev-access-log.ts'
import type { LambdaResult } from '../../../local/lambda-function.ts'
import { serialBody, type SerialEvent } from '../../../shared/serial-body.ts'

function event(eventType: string, more: { path?: string; code?: number; reason?: string } = {}): object {
  return {
    requestContext: {
      eventType,
      connectionId: 'abc=',
      disconnectStatusCode: more.code,
      disconnectReason: more.reason,
    },
    ...(more.path !== undefined && { queryStringParameters: { path: more.path } }),
  }
}

async function logged(result: LambdaResult, ...events: readonly object[]): Promise<string[]> {
  const lines: string[] = []
  const logging = withAccessLog({ invoke: async () => result }, (line) => lines.push(line))
  for (const one of events) expect(await logging.invoke(one)).toBe(result)
  return lines
}

function record(messageId: string, one: object): object {
  return { messageId, body: serialBody(one as SerialEvent) }
}

const answer = (statusCode: unknown): LambdaResult => ({ kind: 'ok', value: { statusCode } })

test('a connection has a line when it asks, is accepted and is gone; its messages have none', async () => {
  const lines = await logged(
    answer(200),
    event('CONNECT', { path: '/ws/chat/lobby/' }),
    event('MESSAGE'),
    event('DISCONNECT', { code: 1001, reason: 'Going away' }),
  )

  expect(lines).toEqual([
    'connecting   abc= /ws/chat/lobby/',
    'accepted     abc= 200',
    'disconnected abc= 1001 /ws/chat/lobby/',
  ])
})

test('one whose end comes through the serial queue has the same lines', async () => {
  const lines: string[] = []
  const write = (line: string): void => void lines.push(line)
  const paths = new Map<string, string>()
  const done = answer(200)

  await withAccessLog({ invoke: async () => done }, write, paths).invoke(event('CONNECT', { path: '/ws/' }))
  const serial = withSerialAccessLog({ invoke: async () => done }, write, paths)
  const end = event('DISCONNECT', { code: 4001, reason: 'bye' })
  const Records = [record('m0', event('MESSAGE')), record('m1', end), { messageId: 'm2', body: 'none' }]

  expect(await serial.invoke({ Records })).toBe(done)
  expect(lines.slice(2)).toEqual(['disconnected abc= 4001 /ws/: bye'])
  expect(paths.size).toBe(0)
})

test('an end that has failed in the serial queue has its line, with its path, once it is served', async () => {
  const lines: string[] = []
  const write = (line: string): void => void lines.push(line)
  const failed: LambdaResult = { kind: 'ok', value: { batchItemFailures: [{ itemIdentifier: 'm1' }] } }
  const died: LambdaResult = { kind: 'error', errorType: 'Error', message: 'x', trace: [] }
  const results = [failed, died, { kind: 'ok', value: { batchItemFailures: [] } } as const]
  const serve = async (): Promise<LambdaResult> => {
    lines.push('served')
    return results.shift() ?? died
  }
  const serial = withSerialAccessLog({ invoke: serve }, write, new Map([['abc=', '/ws/']]))
  const Records = [record('m0', event('MESSAGE')), record('m1', event('DISCONNECT', { code: 1000 }))]

  for (let time = 0; time < 3; time += 1) await serial.invoke({ Records })

  expect(lines).toEqual(['served', 'served', 'served', 'disconnected abc= 1000 /ws/'])
})

test.each<[LambdaResult, string]>([
  [answer(404), '404'],
  [{ kind: 'ok', value: null }, 'without a status'],
  [answer('200'), 'without a status'],
  [{ kind: 'error', errorType: 'TypeError', message: 'x', trace: [] }, 'error'],
  [{ kind: 'timeout', timeoutMs: 1 }, 'timeout'],
])('a connection that $connect does not accept is rejected: %j', async (result, why) => {
  expect(await logged(result, event('CONNECT'))).toEqual(['connecting   abc= /', `rejected     abc= ${why}`])
})

test('an end out of the ordinary has its reason, which cannot forge a line either', async () => {
  const lines = await logged(
    answer(200),
    event('CONNECT', { path: '/ws/' }),
    event('DISCONNECT', { code: 1009, reason: 'frame of 33792 bytes, at most 32768' }),
    event('DISCONNECT', { code: 4000, reason: 'bye\naccepted \u{1b}[2J' }),
  )

  expect(lines.slice(2)).toEqual([
    'disconnected abc= 1009 /ws/: frame of 33792 bytes, at most 32768',
    'disconnected abc= 4000: bye%0Aaccepted %1B[2J',
  ])
})

test('a $connect that the end of the function cut off is not called rejected', async () => {
  const cut: LambdaResult = { kind: 'error', errorType: 'Runtime.Closed', message: 'x', trace: [] }

  expect(await logged(cut, event('CONNECT'))).toEqual(['connecting   abc= /'])
})

test('a path cannot forge a line, or work the terminal', async () => {
  const lines = await logged(answer(200), event('CONNECT', { path: '/a\naccepted \u{1b}[2J\ud800' }))

  expect(lines[0]).toBe('connecting   abc= /a%0Aaccepted%20%1B[2J%EF%BF%BD'.replace('[', '%5B'))
})

test('a long path is cut', async () => {
  const [line] = await logged(answer(200), event('CONNECT', { path: `/${'a'.repeat(4000)}` }))

  expect(line).toBe(`connecting   abc= /${'a'.repeat(199)}…`)
})

test('a request has a line when it is answered, with its path and without its query', async () => {
  const lines: string[] = []
  const logging = withRequestLog({ invoke: async () => answer(201) }, (line) => lines.push(line))

  const http = { method: 'GET', path: '/chat/a\nb/' }
  await logging.invoke({ rawQueryString: 'token=secret', requestContext: { http } })

  expect(lines).toEqual(['GET          /chat/a%0Ab/ 201'])
})

test('a request that is cut off by the end of the gateway has no line', async () => {
  const lines: string[] = []
  const cut: LambdaResult = { kind: 'error', errorType: 'Runtime.Closed', message: 'closed', trace: [] }
  const logging = withRequestLog({ invoke: async () => cut }, (line) => lines.push(line))

  await logging.invoke({ requestContext: { http: { method: 'GET', path: '/' } } })

  expect(lines).toEqual([])
})
