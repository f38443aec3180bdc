import { afterAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { ConfigurationError } from '../../../shared/errors.ts'
import { createWebsocketHandler } from '../../../shared/gateway/index.ts'
import { MemoryChannelStore } from '../../../shared/backends/memory/index.ts'
import { runtimeFromEnvironment } from '../../../shared/lambda/index.ts'
import { FakeLogger } from '../../support/fake-connection.ts'
import { RoomConsumer } from '../../support/room-consumer.ts'
import { WatchedStream } from '../../support/watched-stream.ts'
import { connectEvent } from '../../support/websocket-events.ts'

const complete = {
  AWS_REGION: 'eu-west-1',
  AWS_ACCESS_KEY_ID: 'id',
  AWS_SECRET_ACCESS_KEY: 'key',
  CHANNELS_TABLE: 'channels',
  CHANNELS_DELIVERY_QUEUE_URL: 'https://sqs.eu-west-1.amazonaws.com/1/delivery',
}

// Here rejections are made on purpose, which the test runner would take for its own.
const listeners = process.listeners('unhandledRejection')
beforeEach(() => {
  process.removeAllListeners('unhandledRejection')
})
afterAll(() => {
  process.removeAllListeners('unhandledRejection')
  for (const listener of listeners) process.on('unhandledRejection', listener)
})

test('a runtime is made of environment variables', async () => {
  const runtime = await runtimeFromEnvironment({
    ...complete,
    CHANNELS_MANAGEMENT_ENDPOINT: 'https://a1.execute-api.eu-west-1.amazonaws.com/prod',
    CHANNELS_WORKER_QUEUES: '{"printer":"https://sqs.eu-west-1.amazonaws.com/1/printer"}',
  })

  expect(runtime).toMatchObject({
    region: 'eu-west-1',
    endpoint: 'https://a1.execute-api.eu-west-1.amazonaws.com/prod',
    isDevelopment: false,
  })
  expect(runtime.store.identity).toContain('channels')
  expect(runtime.workers.names).toEqual(['printer'])
  expect(() => runtime.poster('https://a1.execute-api.eu-west-1.amazonaws.com/prod')).not.toThrow()
})

test('what no variable can say is an option', async () => {
  const logger = new FakeLogger()
  const jobs = new MemoryChannelStore()
  const errors: unknown[] = []
  const runtime = await runtimeFromEnvironment(complete, {
    logger,
    layers: { jobs: { store: jobs } },
    onError: (error) => void errors.push(error),
    fanOut: { rangeMembers: 250 },
  })

  await runtime.onError('boom', { consumer: undefined, type: 'websocket.receive' })

  expect([runtime.logger, runtime.storeOf('jobs'), runtime.fanOut.rangeMembers, errors]).toEqual([
    logger,
    jobs,
    250,
    ['boom'],
  ])
})

test('a rejection that nobody awaits goes to its log', async () => {
  const logger = new FakeLogger()
  await runtimeFromEnvironment(complete, { logger })

  process.emit('unhandledRejection', new Error('boom'), Promise.resolve())

  expect(logger.lines.filter(({ level }) => level === 'error')).toHaveLength(1)
})

test('a rejection that nobody awaits goes to the application’s own listeners as well', async () => {
  const heard: unknown[] = []
  const listener = (error: unknown): void => void heard.push(error)
  process.on('unhandledRejection', listener)
  await runtimeFromEnvironment(complete, { logger: new FakeLogger() })
  const error = new Error('boom')

  process.emit('unhandledRejection', error, Promise.resolve())
  process.off('unhandledRejection', listener)

  expect(heard).toEqual([error])
})

test('a variable that is missing is an error when the function starts', async () => {
  await expect(runtimeFromEnvironment({ ...complete, CHANNELS_TABLE: '' })).rejects.toThrow(
    ConfigurationError,
  )
})

describe('what is logged and measured', () => {
  const inMemory = { ...complete, CHANNELS_LAYER: 'memory', AWS_LAMBDA_INITIALIZATION_TYPE: 'on-demand' }
  const context = { awsRequestId: 'request-1', getRemainingTimeInMillis: () => 60_000 }

  /** What a function writes that serves these events, line by line. */
  async function written(
    env: Readonly<Record<string, string>>,
    ...events: unknown[]
  ): Promise<WatchedStream> {
    const stdout = new WatchedStream()
    const handler = createWebsocketHandler(RoomConsumer.asApplication(), await runtimeFromEnvironment(env))
    for (const event of events) await handler(event, context).catch(() => undefined)
    return stdout
  }

  test('in production are metrics in the embedded format, at the end of each invocation', async () => {
    const env = { ...inMemory, CHANNELS_SERVICE: 'chat' }
    using stdout = await written(env, connectEvent('a='), connectEvent('b='))

    expect(stdout.objects).toMatchObject([
      { service: 'chat', connected: 1, coldStart: 1 },
      { service: 'chat', connected: 1 },
    ])
    expect(stdout.objects[1]).not.toHaveProperty('coldStart')
  })

  test('in production are metrics even of an invocation that throws', async () => {
    using stdout = await written(inMemory, 'no event')

    expect(stdout.objects).toMatchObject([{ service: 'lambda-channels', coldStart: 1 }])
  })

  test('in production are lines of JSON with the request', async () => {
    using stderr = new WatchedStream('stderr')
    const runtime = await runtimeFromEnvironment(inMemory)
    void runtime.onInvocation(context)
    runtime.logger.error('it failed')

    expect(stderr.objects).toMatchObject([
      { level: 'ERROR', message: 'it failed', function_request_id: 'request-1' },
    ])
  })

  test('in development are no metrics, and lines for people', async () => {
    const debug = vi.spyOn(console, 'debug').mockImplementation(() => {})
    const env = { ...inMemory, CHANNELS_ENVIRONMENT: 'development', CHANNELS_LOG_LEVEL: 'debug' }
    using stdout = await written(env, connectEvent('a='))

    expect(stdout.lines).toEqual([])
    expect(debug.mock.calls.flat()).toContain("debug: count { name: 'connected', value: 1 }")
    debug.mockRestore()
  })

  test('goes to a logger and metrics of one’s own, if there are such, and then nowhere else', async () => {
    using stdout = new WatchedStream()
    const counts: string[] = []
    const begun: unknown[] = []
    const runtime = await runtimeFromEnvironment(inMemory, {
      logger: new FakeLogger(),
      metrics: { count: (name) => void counts.push(name) },
      onInvocation: (given) => void begun.push(given),
    })

    await createWebsocketHandler(RoomConsumer.asApplication(), runtime)(connectEvent('a='), context)

    expect([counts, begun, stdout.lines]).toEqual([['connected'], [context], []])
  })

  test('tells an onInvocation of one’s own beside the logger', async () => {
    const begun: unknown[] = []
    const runtime = await runtimeFromEnvironment(inMemory, {
      onInvocation: (given) => void begun.push(given),
    })

    void runtime.onInvocation(context)

    expect(begun).toEqual([context])
  })

  test('tells of an onInvocation of one’s own that is asynchronous and fails', async () => {
    using stderr = new WatchedStream('stderr')
    using _stdout = new WatchedStream()
    const runtime = await runtimeFromEnvironment(inMemory, {
      onInvocation: () => Promise.reject(new Error('no tracer')),
    })

    await createWebsocketHandler(RoomConsumer.asApplication(), runtime)(connectEvent('a='), context)

    expect(stderr.objects).toMatchObject([
      { message: 'onInvocation failed', error: { message: 'no tracer' } },
    ])
  })
})
