import { expect, test } from 'vitest'
import type { ChannelScope } from '../../../shared/application.ts'
import { Consumer } from '../../../shared/consumers/consumer.ts'
import { ConfigurationError, InvalidEventError, StoreError } from '../../../shared/errors.ts'
import type { LambdaContext } from '../../../shared/gateway/deadline.ts'
import type { Message } from '../../../shared/message.ts'
import { StopConsumer } from '../../../shared/signals.ts'
import type { WorkerQueue } from '../../../shared/stores/worker-queue.ts'
import { batchOf, failuresOf, jobBody, workerWorld } from '../../support/worker-world.ts'

/** The time of an invocation with it is over from the beginning. */
const overAlready: LambdaContext = { getRemainingTimeInMillis: () => 2_000 }

const print = { type: 'page.print', page: 7 }

test('a job runs the method named by its type, in a fresh consumer with the scope of its channel', async () => {
  const seen: unknown[] = []
  const consumers = new Set<object>()
  class PrintConsumer extends Consumer<ChannelScope> {
    pagePrint(event: Message): void {
      const { type, channel, jobId, receiveCount } = this.scope
      seen.push({ event, type, channel, jobId, receiveCount, channelName: this.channelName })
      consumers.add(this)
    }
  }
  const world = workerWorld({ printer: PrintConsumer.asApplication() })

  const result = await world.workOn(
    batchOf([jobBody('printer', print, 'one'), jobBody('printer', print, 'two')], 3),
  )

  expect(failuresOf(result)).toEqual([])
  expect(seen).toEqual(
    ['one', 'two'].map((jobId) => ({
      event: print,
      type: 'channel',
      channel: 'printer',
      jobId,
      receiveCount: 3,
      channelName: 'printer',
    })),
  )
  expect(consumers.size).toBe(2)
  expect(world.count('jobDone')).toBe(2)
})

test('a job that was put by hand is known by the id of its message', async () => {
  const ids: string[] = []
  const world = workerWorld({ printer: async ({ jobId }) => void ids.push(jobId) })

  await world.workOn(batchOf(['{"channel":"printer","message":{"type":"page.print"}}']))

  expect(ids).toEqual(['m0'])
})

test('a job can send to a group and to one connection', async () => {
  class PrintConsumer extends Consumer<ChannelScope> {
    async pagePrint({ page }: Message): Promise<void> {
      await this.channelLayer.groupSend('room', { type: 'room.say', text: `page ${JSON.stringify(page)}` })
      await this.channelLayer.send('a=', { type: 'room.say', text: 'yours' })
    }
  }
  const world = workerWorld({ printer: PrintConsumer.asApplication() })
  await world.open('a=', 'b=')

  await world.workOn(batchOf([jobBody('printer', print)]))

  expect(world.frames('a=')).toEqual(['page 7', 'yours'])
  expect(world.frames('b=')).toEqual(['page 7'])
})

test('a job that throws is reported alone, logged with where it came from, and told to onError', async () => {
  const failure = new Error('no paper')
  class PrintConsumer extends Consumer<ChannelScope> {
    pagePrint({ page }: Message): void {
      if (page === 7) throw failure
    }
  }
  const world = workerWorld({ printer: PrintConsumer.asApplication() })

  const result = await world.workOn(
    batchOf([jobBody('printer', { ...print, page: 1 }), jobBody('printer', print)], 2),
  )

  const where = {
    channelName: 'printer',
    jobId: 'job-a',
    messageId: 'm1',
    receiveCount: 2,
    consumer: 'PrintConsumer',
    type: 'page.print',
  }
  expect(failuresOf(result)).toEqual(['m1'])
  expect(world.logged('error')).toEqual([
    {
      level: 'error',
      message: 'PrintConsumer failed on "page.print"',
      details: { ...where, error: failure },
    },
  ])
  expect(world.failures).toEqual([{ error: failure, context: where }])
  expect([world.count('jobDone'), world.count('jobFailed')]).toEqual([1, 1])
})

test('what a job has sent before it throws is delivered', async () => {
  const world = workerWorld({
    printer: async ({ connection }) => {
      await connection.channelLayer('default').groupSend('room', { type: 'room.say', text: 'printing' })
      throw new Error('no paper')
    },
  })
  await world.open('a=')

  await world.workOn(batchOf([jobBody('printer', print)]))

  expect(world.frames('a=')).toEqual(['printing'])
})

test('work that a job does not await is done before it counts as done, and its failure is the failure of the job', async () => {
  const world = workerWorld({
    printer: async ({ connection }, { page }) => {
      void connection.track(async () => {
        await Promise.resolve()
        if (page === 7) throw new Error('too late')
      })
    },
  })

  const result = await world.workOn(
    batchOf([jobBody('printer', print), jobBody('printer', { ...print, page: 1 })]),
  )

  expect(failuresOf(result)).toEqual(['m0'])
  expect(world.logged('error').map(({ message }) => message)).toEqual([
    'the application failed on "page.print", in work that it did not await',
  ])
})

test('a job that stops its consumer is done', async () => {
  const world = workerWorld({ printer: () => Promise.reject(new StopConsumer()) })

  expect(failuresOf(await world.workOn(batchOf([jobBody('printer', print)])))).toEqual([])
  expect(world.failures).toEqual([])
})

test('a worker has no client: what it sends there fails the job with what to do instead', async () => {
  class PrintConsumer extends Consumer<ChannelScope> {
    async pagePrint(): Promise<void> {
      await this.sendMessage({ type: 'websocket.send', text: 'hello' })
    }
  }
  const world = workerWorld({ printer: PrintConsumer.asApplication() })

  expect(failuresOf(await world.workOn(batchOf([jobBody('printer', print)])))).toEqual(['m0'])
  expect(String(world.failures[0]?.error)).toBe(
    'ProtocolError: a job of worker channel "printer" sent "websocket.send", but a worker has no client: use this.channelLayer to send to a connection or a group',
  )
})

test.each([
  [
    'a job without a handler',
    jobBody('printer', { type: 'page.fold' }),
    /cannot handle an event of type "page\.fold"/,
  ],
  [
    'a type that belongs to the framework',
    jobBody('printer', { type: 'dispatch' }),
    /belongs to the framework/,
  ],
  [
    'an unknown channel',
    jobBody('pinter', print),
    /no application for worker channel "pinter": registered are "printer"/,
  ],
])('%s is reported as failed and says why', async (_, body, problem) => {
  class PrintConsumer extends Consumer<ChannelScope> {
    pagePrint(): void {}
  }
  const world = workerWorld({ printer: PrintConsumer.asApplication() })

  expect(failuresOf(await world.workOn(batchOf([body])))).toEqual(['m0'])
  expect(String(world.failures[0]?.error)).toMatch(problem)
})

test.each([
  [
    'text',
    'hello',
    /^InvalidEventError: this is no job, but 5 characters that are no JSON object: a worker's queue takes/,
  ],
  ['nothing', '', /this is no job, but nothing/],
  ['null', 'null', /this is no job, but 4 characters that are no JSON object/],
  ['a job without a channel', '{"message":{"type":"page.print"}}', /this is no job/],
  ['a job without a message', '{"channel":"printer"}', /this is no job/],
  [
    'a message without a type',
    jobBody('printer', { page: 1 }),
    /^InvalidMessageError: message type is undefined/,
  ],
  ['a message of the server', jobBody('printer', { type: 'websocket.connect' }), /only the server may send/],
  ['a connection for a channel', jobBody('a=', print), /^InvalidNameError: worker channel name "a=" has "="/],
])('a body that is %s is reported as failed, and the others run', async (_, poison, problem) => {
  const seen: unknown[] = []
  const world = workerWorld({ printer: async (__, message) => void seen.push(message) })

  const result = await world.workOn(batchOf([jobBody('printer', print), poison, jobBody('printer', print)]))

  expect(failuresOf(result)).toEqual(['m1'])
  expect(seen).toEqual([print, print])
  expect(world.count('jobUnreadable')).toBe(1)
  const [line] = world.logged('error')
  expect(line).toMatchObject({
    message: 'a job could not be read',
    details: { messageId: 'm1', receiveCount: 1 },
  })
  expect(String(line?.details && 'error' in line.details && line.details.error)).toMatch(problem)
})

test('an event that is none of SQS is an InvalidEventError that says what to connect', async () => {
  const world = workerWorld({})

  await expect(world.workOn({ version: '2.0' })).rejects.toThrow(InvalidEventError)
  await expect(world.workOn({ version: '2.0' })).rejects.toThrow(
    'an object with the keys version: connect the queues of workers to this function',
  )
})

test('ten jobs of a batch run at the same time, and no more', async () => {
  let running = 0
  let most = 0
  const all = Promise.withResolvers<void>()
  const world = workerWorld({
    printer: async () => {
      running += 1
      most = Math.max(most, running)
      if (running === 10) all.resolve()
      await all.promise
      await new Promise(setImmediate)
      running -= 1
    },
  })

  await world.workOn(batchOf(Array.from({ length: 25 }, () => jobBody('printer', print))))

  expect(most).toBe(10)
  expect(world.count('jobDone')).toBe(25)
})

test('a job for which there is no time is reported as failed and has not run', async () => {
  const world = workerWorld({ printer: () => Promise.reject(new Error('it has run')) })

  const result = await world.workOn(batchOf([jobBody('printer', print)]), overAlready)

  expect(failuresOf(result)).toEqual(['m0'])
  expect(world.failures).toEqual([])
  expect(world.count('jobNotStarted')).toBe(1)
})

test('a job that is still running when the time is up is reported as failed, and those that are done are not', async () => {
  const end = performance.now() + 4_000
  const world = workerWorld({
    printer: async (_, { page }) => (page === 7 ? new Promise<void>(() => {}) : undefined),
  })

  const result = await world.workOn(
    batchOf([jobBody('printer', print), jobBody('printer', { ...print, page: 1 })]),
    { getRemainingTimeInMillis: () => end - performance.now() },
  )

  expect(failuresOf(result)).toEqual(['m0'])
  expect(world.logged('error')).toMatchObject([
    {
      message: expect.stringMatching(/^a job was still running when the time was up/) as string,
      details: { messageId: 'm0', channelName: 'printer', type: 'page.print' },
    },
  ])
})

test('a worker handler is not made without an endpoint, and the error says what to set', () => {
  const world = workerWorld({}, { endpoint: undefined })

  expect(() => world.workOn(batchOf([]))).toThrow(ConfigurationError)
  expect(() => world.workOn(batchOf([]))).toThrow(
    'the runtime of a worker handler has no endpoint, and a job does not tell where the WebSocket API is',
  )
})

test('a job whose frames cannot even be put into the delivery queue is reported as failed', async () => {
  const queue = { enqueue: () => Promise.reject(new StoreError('the queue is down', { retryable: true })) }
  const world = workerWorld(
    {
      printer: async ({ connection }) =>
        void (await connection.channelLayer('default').groupSendFrame('room', 'x')),
    },
    { queue },
  )
  await world.open('a=')
  world.poster.answer('a=', 'throttled')

  const result = await world.turnUntil(world.workOn(batchOf([jobBody('printer', print)])))

  expect(failuresOf(result)).toEqual(['m0'])
  expect(String(world.failures[0]?.error)).toContain('the queue is down')
})

test('at most once: a job that fails is done with, logged and counted as lost', async () => {
  const world = workerWorld({
    printer: { application: () => Promise.reject(new Error('no paper')), guarantee: 'at-most-once' },
  })

  expect(failuresOf(await world.workOn(batchOf([jobBody('printer', print)])))).toEqual([])
  expect(world.failures).toHaveLength(1)
  expect([world.count('jobFailed'), world.count('jobLost')]).toEqual([1, 1])
  expect(world.logged('warn')).toMatchObject([
    {
      message: expect.stringContaining('runs at most once') as string,
      details: { channelName: 'printer', messageId: 'm0' },
    },
  ])
})

test('at most once: a job that is handed out again does not run, and that is logged and counted', async () => {
  const world = workerWorld({
    printer: { application: () => Promise.reject(new Error('it has run')), guarantee: 'at-most-once' },
  })

  expect(failuresOf(await world.workOn(batchOf([jobBody('printer', print)], 2)))).toEqual([])
  expect(world.failures).toEqual([])
  expect(world.count('jobDropped')).toBe(1)
  expect(world.logged('warn')).toMatchObject([{ details: { receiveCount: 2, type: 'page.print' } }])
})

test('at most once: a job for which there is no time goes into its queue as a new message, and runs then', async () => {
  const seen: unknown[] = []
  const world = workerWorld({
    printer: {
      application: async ({ jobId }, message) => void seen.push([jobId, message]),
      guarantee: 'at-most-once',
    },
  })

  const result = await world.workOn(batchOf([jobBody('printer', print)]), overAlready)
  expect([failuresOf(result), seen]).toEqual([[], []])
  await world.work()

  expect(seen).toEqual([['job-a', print]])
})

test('at most once: a job that has neither time nor a queue is lost, logged and counted', async () => {
  const down: WorkerQueue = {
    enqueue: () => Promise.reject(new StoreError('the queue is down', { retryable: true })),
  }
  const world = workerWorld(
    { printer: { application: async () => {}, guarantee: 'at-most-once' } },
    { workers: { printer: down } },
  )

  expect(failuresOf(await world.workOn(batchOf([jobBody('printer', print)]), overAlready))).toEqual([])
  expect(world.count('jobLost')).toBe(1)
  expect(world.logged('error')).toMatchObject([
    { message: expect.stringMatching(/^there was no time for a single job/) as string },
    { details: { channelName: 'printer', error: { message: 'the queue is down' } } },
  ])
})

test('at most once: a job for which there is never time is lost in the end, and that is an error', async () => {
  const world = workerWorld({
    printer: { application: () => Promise.reject(new Error('it has run')), guarantee: 'at-most-once' },
  })
  await world.workOn(batchOf([jobBody('printer', print)]), overAlready)

  let rounds = 0
  for (; world.jobs.size > 0 && rounds < 20; rounds += 1) await world.work(overAlready)

  expect(rounds).toBe(5)
  expect([world.count('jobNotStarted'), world.count('jobLost')]).toEqual([5, 1])
  expect(world.logged('error').at(-1)).toMatchObject({
    message: expect.stringMatching(
      /^a job does not run: .* put into its queue again 5 times; give/,
    ) as string,
    details: { channelName: 'printer', jobId: 'job-a', type: 'page.print' },
  })
})

test('an invocation whose time is over before its first job says so once', async () => {
  const world = workerWorld({ printer: async () => {} })

  await world.workOn(batchOf([jobBody('printer', print), jobBody('printer', print)]), overAlready)
  await world.workOn(batchOf([jobBody('printer', print)]), { getRemainingTimeInMillis: () => 60_000 })

  expect(world.logged('error')).toMatchObject([
    { message: expect.stringMatching(/^there was no time for a single job: .* time-out of 10 s/) as string },
  ])
})

test('what cannot be read as a job is told by its keys and its length, never by what it says', async () => {
  const world = workerWorld({ printer: async () => {} })

  await world.workOn(batchOf(['{"chanel":"mail","password":"hunter2"}', 'password=hunter2']))

  const errors = world
    .logged('error')
    .map(({ details }) => String(new Map(Object.entries(details ?? {})).get('error')))
  expect(errors[0]).toContain('an object of 38 characters with the keys "chanel", "password":')
  expect(errors.join()).not.toContain('hunter2')
})
