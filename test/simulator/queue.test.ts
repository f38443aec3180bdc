import {
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  SendMessageBatchCommand,
  SendMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs'
import { expect, test } from 'vitest'
import { inProcessFunction } from '../../local/index.ts'
import { ManualClock } from '../../shared/testing/manual-clock.ts'
import { call, TestClient } from './support/clients.ts'
import { eventually, Gate, RecordedApi } from './support/recorded-api.ts'

interface QueueRecord {
  readonly messageId: string
  readonly body: string
  readonly attributes: Readonly<Record<string, string>>
  readonly messageAttributes: Readonly<Record<string, object>>
}

interface QueueEvent {
  readonly Records: readonly QueueRecord[]
}

interface Options {
  readonly clock?: ManualClock
  readonly maxReceiveCount?: number
  readonly visibilityTimeoutMs?: number
  readonly queueConcurrency?: number
}

async function startQueue(
  handle: (event: QueueEvent) => unknown,
  { clock, ...policies }: Options = {},
): Promise<RecordedApi & { batches: QueueEvent[] }> {
  const batches: QueueEvent[] = []
  const delivery = inProcessFunction((event: QueueEvent) => {
    batches.push(event)
    return Promise.resolve(event).then(handle)
  })
  const api = await RecordedApi.start(
    {},
    { functions: { delivery }, policies: { visibilityTimeoutMs: 1, ...policies }, ...(clock && { clock }) },
  )
  return Object.assign(api, { batches })
}

function sqsClient(api: RecordedApi): SQSClient {
  return new SQSClient({
    endpoint: api.gateway.url,
    region: 'us-east-1',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
    maxAttempts: 1,
  })
}

const bodies = (batches: readonly QueueEvent[]): string[] =>
  batches.flatMap(({ Records }) => Records.map(({ body }) => body))

test('QU-01 the unmodified SDK client sends, the function receives a record as from SQS', async () => {
  await using api = await startQueue(() => undefined)
  const { queueUrl: QueueUrl } = api.gateway

  const sent = await sqsClient(api).send(
    new SendMessageCommand({
      QueueUrl,
      MessageBody: '{"a":"é"}',
      MessageAttributes: { kind: { DataType: 'String', StringValue: 'frames' } },
    }),
  )
  await api.gateway.idle()

  expect(api.batches).toEqual([
    {
      Records: [
        {
          messageId: sent.MessageId,
          receiptHandle: expect.any(String) as string,
          body: '{"a":"é"}',
          attributes: {
            ApproximateReceiveCount: '1',
            SentTimestamp: expect.stringMatching(/^\d{13}$/) as string,
            SenderId: expect.any(String) as string,
            ApproximateFirstReceiveTimestamp: expect.stringMatching(/^\d{13}$/) as string,
          },
          messageAttributes: {
            kind: { stringValue: 'frames', stringListValues: [], binaryListValues: [], dataType: 'String' },
          },
          md5OfBody: sent.MD5OfMessageBody,
          eventSource: 'aws:sqs',
          eventSourceARN: 'arn:aws:sqs:us-east-1:000000000000:delivery',
          awsRegion: 'us-east-1',
        },
      ],
    },
  ])
})

test('QU-02 messages that are sent together come in batches of at most ten', async () => {
  await using api = await startQueue(() => undefined)
  const sqs = sqsClient(api)
  const entries = Array.from({ length: 10 }, (_, index) => ({ Id: `e${index}`, MessageBody: `m${index}` }))

  const sent = await sqs.send(
    new SendMessageBatchCommand({ QueueUrl: api.gateway.queueUrl, Entries: entries }),
  )
  await api.gateway.idle()
  for (let index = 10; index < 25; index += 1) api.gateway.enqueue(`m${index}`)
  await api.gateway.idle()

  expect(sent.Successful?.map(({ Id }) => Id)).toEqual(entries.map(({ Id }) => Id))
  expect(sent.Failed ?? []).toEqual([])
  expect(bodies(api.batches).toSorted()).toEqual(
    Array.from({ length: 25 }, (_, index) => `m${index}`).toSorted(),
  )
  expect(api.batches.map(({ Records }) => Records.length)).toEqual([10, 10, 5])
})

test('QU-03 a delayed message comes when its delay is over', async () => {
  const clock = new ManualClock()
  await using api = await startQueue(() => undefined, { clock })
  await sqsClient(api).send(
    new SendMessageCommand({ QueueUrl: api.gateway.queueUrl, MessageBody: 'later', DelaySeconds: 3 }),
  )
  await clock.advance(2999)
  expect(api.batches).toEqual([])

  await clock.advance(1)
  await api.gateway.idle()

  expect(bodies(api.batches)).toEqual(['later'])
})

test('QU-04 of a partial batch failure only the named messages come again', async () => {
  await using api = await startQueue(({ Records }) => ({
    batchItemFailures: Records.filter(
      ({ body, attributes }) => body === 'bad' && attributes['ApproximateReceiveCount'] === '1',
    ).map(({ messageId }) => ({ itemIdentifier: messageId })),
  }))

  for (const body of ['good', 'bad', 'fine']) api.gateway.enqueue(body)
  await api.gateway.idle()

  expect(bodies(api.batches)).toEqual(['good', 'bad', 'fine', 'bad'])
  expect(api.gateway.deadLetters).toEqual([])
})

test('QU-05 a failed invocation brings the whole batch again', async () => {
  let calls = 0
  await using api = await startQueue(() => {
    calls += 1
    if (calls === 1) throw new Error('not yet')
  })

  api.gateway.enqueue('a')
  api.gateway.enqueue('b')
  await api.gateway.idle()

  expect(bodies(api.batches).toSorted()).toEqual(['a', 'a', 'b', 'b'])
})

test.each([
  ['names an unknown message', { batchItemFailures: [{ itemIdentifier: 'unknown' }] }],
  ['names nothing', { batchItemFailures: [{}] }],
  ['is malformed', { batchItemFailures: 'all' }],
])('QU-06 an answer that %s fails the whole batch', async (_, answer) => {
  let calls = 0
  await using api = await startQueue(() => {
    calls += 1
    return calls === 1 ? answer : undefined
  })

  api.gateway.enqueue('a')
  api.gateway.enqueue('b')
  await api.gateway.idle()

  expect(bodies(api.batches).toSorted()).toEqual(['a', 'a', 'b', 'b'])
})

test('QU-07 a failed message stays hidden for the visibility time-out', async () => {
  const clock = new ManualClock()
  await using api = await startQueue(
    ({ Records }) => {
      if (Records[0]?.attributes['ApproximateReceiveCount'] === '1') throw new Error('not yet')
    },
    { clock, visibilityTimeoutMs: 1000 },
  )
  api.gateway.enqueue('a')
  await api.until(() => api.log.length > 0)
  await clock.advance(999)
  expect(api.batches).toHaveLength(1)

  await clock.advance(1)
  await api.gateway.idle()

  expect(api.batches).toHaveLength(2)
})

test('QU-08 a message that fails too often becomes a dead letter, and that is logged', async () => {
  await using api = await startQueue(
    () => {
      throw new TypeError('poison')
    },
    { maxReceiveCount: 3 },
  )

  api.gateway.enqueue('{"kind":"frames"}')
  await api.gateway.idle()

  expect(api.batches).toHaveLength(3)
  expect(api.gateway.deadLetters).toMatchObject([{ body: '{"kind":"frames"}', receiveCount: 3 }])
  expect(api.gateway.deadLetters[0]?.reason).toContain('TypeError: poison')
  expect(api.log.map(({ level }) => level)).toEqual(['warn', 'warn', 'error'])
})

test('QU-09 batches are worked on at the same time, up to the limit', async () => {
  const gate = new Gate()
  await using api = await startQueue(() => gate.opened, { queueConcurrency: 2 })
  for (let count = 0; count < 30; count += 1) api.gateway.enqueue('x')

  await eventually(() => api.batches.length === 2)
  await new Promise((resolve) => setImmediate(resolve))
  expect(api.batches).toHaveLength(2)

  gate.open()
  await api.gateway.idle()
  expect(api.batches).toHaveLength(3)
})

test('QU-10 idle waits for the queue and for what its invocations put into it', async () => {
  await using api = await startQueue(({ Records }) => {
    const left = Number(Records[0]?.body)
    if (left > 0) api.gateway.enqueue(String(left - 1))
  })

  api.gateway.enqueue('3')
  await api.gateway.idle()

  expect(bodies(api.batches)).toEqual(['3', '2', '1', '0'])
})

test('QU-10 idle ends when the gateway is closed, whatever is left in the queue', async () => {
  const gate = new Gate()
  const clock = new ManualClock()
  await using api = await startQueue(() => gate.opened, { clock, queueConcurrency: 1 })
  for (let count = 0; count < 30; count += 1) api.gateway.enqueue('x')
  await eventually(() => api.batches.length === 1)
  const idle = api.gateway.idle()

  const closed = api.gateway.close()
  gate.open()
  await closed

  await idle
  await api.gateway.idle()
  expect(api.batches).toHaveLength(1)
})

test('QU-10 what is put into the queue of a closed gateway stays there, and holds up nothing', async () => {
  await using api = await startQueue(() => undefined)

  const closed = api.gateway.close()
  api.gateway.enqueue('late')
  await closed
  await new Promise((resolve) => setImmediate(resolve))

  await api.gateway.idle()
  expect(api.batches).toEqual([])
})

test('QU-10 idle ends when the gateway is closed while only a delayed message is left', async () => {
  await using api = await startQueue(() => undefined, { clock: new ManualClock() })
  api.gateway.enqueue('late', { delaySeconds: 60 })
  const idle = api.gateway.idle()
  await new Promise((resolve) => setImmediate(resolve))

  await api.gateway.close()

  await idle
  expect(api.batches).toEqual([])
})

test('QU-10 idle waits for an invocation that began while the queue was emptied', async () => {
  const delivered = new Gate()
  const handled = new Gate()
  const delivery = inProcessFunction(() => delivered.opened)
  await using api = await RecordedApi.start(
    { message: () => handled.opened.then(() => ({ statusCode: 200 })) },
    { functions: { delivery } },
  )
  await using client = await TestClient.open(api.gateway.websocketUrl)
  api.gateway.enqueue('x')
  let isIdle = false
  const idle = api.gateway.idle().then(() => {
    isIdle = true
  })
  client.send('x')
  await api.event('MESSAGE')

  delivered.open()
  await new Promise((resolve) => setTimeout(resolve, 20))
  expect(isIdle).toBe(false)
  handled.open()
  await idle
})

test('QU-11 the queue tells its URL and its counts', async () => {
  await using api = await RecordedApi.start()
  const sqs = sqsClient(api)
  api.gateway.enqueue('waits for ever, for no function receives it')

  const { QueueUrl } = await sqs.send(new GetQueueUrlCommand({ QueueName: 'delivery' }))
  const { Attributes } = await sqs.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['All'] }))

  expect(QueueUrl).toBe(api.gateway.queueUrl)
  expect(Attributes?.['ApproximateNumberOfMessages']).toBe('1')
  await api.gateway.idle()
})

test('QU-12 what SQS refuses is refused, and nothing is queued', async () => {
  await using api = await startQueue(() => undefined)
  const sqs = sqsClient(api)
  const { queueUrl: QueueUrl } = api.gateway
  const entry = (Id: string): { Id: string; MessageBody: string } => ({ Id, MessageBody: 'x' })

  await expect(
    sqs.send(new SendMessageCommand({ QueueUrl: `${QueueUrl}-other`, MessageBody: 'x' })),
  ).rejects.toMatchObject({ name: 'QueueDoesNotExist' })
  await expect(sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: '' }))).rejects.toThrow('MessageBody')
  await expect(
    sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: 'x', DelaySeconds: 901 })),
  ).rejects.toThrow('900')
  await expect(sqs.send(new SendMessageBatchCommand({ QueueUrl, Entries: [] }))).rejects.toMatchObject({
    name: 'EmptyBatchRequest',
  })
  await expect(
    sqs.send(
      new SendMessageBatchCommand({
        QueueUrl,
        Entries: Array.from({ length: 11 }, (_, index) => entry(`e${index}`)),
      }),
    ),
  ).rejects.toMatchObject({ name: 'TooManyEntriesInBatchRequest' })
  await expect(
    sqs.send(new SendMessageBatchCommand({ QueueUrl, Entries: [entry('a'), entry('a')] })),
  ).rejects.toMatchObject({
    name: 'BatchEntryIdsNotDistinct',
  })
  await api.gateway.idle()
  expect(api.batches).toEqual([])
})

test('QU-13 a message that was done comes again', async () => {
  await using api = await startQueue(() => undefined)

  api.gateway.faults.duplicateNextMessages(1)
  api.gateway.enqueue('a')
  await api.gateway.idle()
  api.gateway.enqueue('b')
  await api.gateway.idle()

  expect(bodies(api.batches)).toEqual(['a', 'a', 'b'])
  expect(api.batches[1]?.Records[0]?.attributes['ApproximateReceiveCount']).toBe('2')
})

test('QU-14 messages come in another order, each of them once', async () => {
  await using api = await startQueue(() => undefined, { queueConcurrency: 1 })
  const sent = Array.from({ length: 100 }, (_, index) => `m${index}`)

  api.gateway.faults.shuffleMessages = true
  for (const body of sent) api.gateway.enqueue(body)
  await api.gateway.idle()

  expect(bodies(api.batches)).not.toEqual(sent)
  expect(bodies(api.batches).toSorted()).toEqual(sent.toSorted())
})

test('QU-15 messages come late', async () => {
  const clock = new ManualClock()
  await using api = await startQueue(() => undefined, { clock })
  api.gateway.faults.delayMessagesMs = 2000
  api.gateway.enqueue('late')
  api.gateway.enqueue('later', { delaySeconds: 1 })
  await clock.advance(1999)
  await new Promise((resolve) => setImmediate(resolve))
  expect(api.batches).toEqual([])

  await clock.advance(1001)
  await api.gateway.idle()

  expect(bodies(api.batches)).toEqual(['late', 'later'])
})

test('QU-16 a delivery that is killed half-way has done what it did, and its messages come again', async () => {
  const gate = new Gate()
  await using api = await startQueue(async ({ Records }) => {
    const isFirst = Records[0]?.attributes['ApproximateReceiveCount'] === '1'
    await post('one')
    await post('two')
    if (isFirst) await gate.opened
    await post('three')
  })
  await using client = await TestClient.open(api.gateway.websocketUrl)
  const [id = ''] = api.gateway.connections.ids()
  const post = (text: string): Promise<unknown> => call('POST', api.managementUrl(id), text)

  api.gateway.faults.killNextDeliveries(1, { afterPosts: 2 })
  api.gateway.enqueue('a')
  // It would wait for the first delivery for ever, had that not been killed.
  await api.gateway.idle()

  expect([await client.next(), await client.next()]).toEqual(['one', 'two'])
  expect([await client.next(), await client.next(), await client.next()]).toEqual(['one', 'two', 'three'])
  expect(api.batches.map(({ Records }) => Records[0]?.attributes['ApproximateReceiveCount'])).toEqual([
    '1',
    '2',
  ])
  gate.open()
})

test('QU-16 a delivery that ends before is killed at its end: what it reports is lost', async () => {
  await using api = await startQueue(() => undefined, { maxReceiveCount: 2 })

  api.gateway.faults.killNextDeliveries(2)
  api.gateway.enqueue('a')
  await api.gateway.idle()

  expect(bodies(api.batches)).toEqual(['a', 'a'])
  expect(api.gateway.deadLetters).toMatchObject([
    { body: 'a', reason: expect.stringContaining('Runtime.Killed') as string },
  ])
})

test('QU-17 queues of workers are apart: each has its own name, messages and function', async () => {
  const received: unknown[] = []
  const worker = inProcessFunction(async ({ Records }: { Records: Record<string, unknown>[] }) => {
    received.push(...Records.map(({ body, eventSourceARN }) => [body, eventSourceARN]))
  })
  await using api = await RecordedApi.start({}, { functions: { workers: { thumbnails: worker } } })
  const sqs = sqsClient(api)

  const { QueueUrl } = await sqs.send(new GetQueueUrlCommand({ QueueName: 'thumbnails' }))
  await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: 'a' }))
  api.gateway.enqueue('b', { queue: 'thumbnails' })
  api.gateway.enqueue('of the delivery queue, which has no function here')
  await api.gateway.idle()

  expect(QueueUrl).toBe(api.gateway.queueUrlOf('thumbnails'))
  const arn = 'arn:aws:sqs:us-east-1:000000000000:thumbnails'
  expect(received.toSorted((left, right) => String(left).localeCompare(String(right)))).toEqual([
    ['a', arn],
    ['b', arn],
  ])
})

test('QU-17 a queue that there is not is refused with the names of those that there are', async () => {
  await using api = await startQueue(() => undefined)
  const sqs = sqsClient(api)

  await expect(sqs.send(new GetQueueUrlCommand({ QueueName: 'thumbnails' }))).rejects.toMatchObject({
    name: 'QueueDoesNotExist',
    message: 'there is no queue called "thumbnails": use delivery',
  })
  expect(() => api.gateway.enqueue('a', { queue: 'thumbnails' })).toThrow(
    'there is no queue "thumbnails": this gateway has "delivery"; add it to functions.workers',
  )
})

test.each(['delivery', '', 'a.b', 'x'.repeat(81)])(
  'a queue of a worker cannot be called "%s"',
  async (name) => {
    const worker = inProcessFunction(async () => undefined)

    await expect(RecordedApi.start({}, { functions: { workers: { [name]: worker } } })).rejects.toThrow(
      'use 1 to 80 letters, digits, "-" and "_", other than "delivery"',
    )
  },
)

test('faults of the queue end when they are cleared', async () => {
  await using api = await startQueue(() => undefined, { clock: new ManualClock() })
  const { faults } = api.gateway
  faults.delayMessagesMs = 1000
  faults.shuffleMessages = true
  faults.duplicateNextMessages(5)
  faults.killNextDeliveries(5)

  faults.clear()
  api.gateway.enqueue('a')
  await api.gateway.idle()

  expect(bodies(api.batches)).toEqual(['a'])
  expect(faults.shuffleMessages).toBe(false)
})

test('a page in a browser cannot put anything into a queue', async () => {
  await using api = await startQueue(() => undefined)
  const { gateway } = api
  const message = JSON.stringify({ QueueUrl: gateway.queueUrl, MessageBody: 'from a page' })
  const target = { 'x-amz-target': 'AmazonSQS.SendMessage' }

  const statuses = [{ origin: 'https://evil.example' }, { 'sec-fetch-site': 'same-origin' }].map(
    async (fromPage) => (await call('POST', gateway.url, message, { ...target, ...fromPage })).status,
  )

  expect(await Promise.all(statuses)).toEqual([403, 403])
  await gateway.idle()
  expect(api.batches).toEqual([])
})
