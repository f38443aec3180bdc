import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs'
import { expect, test } from 'vitest'
import { inProcessFunction, type LambdaFunction } from '../../local/index.ts'
import { readSerialBody, serialBody } from '../../shared/serial-body.ts'
import { TestClient } from './support/clients.ts'
import { eventually, Gate, RecordedApi } from './support/recorded-api.ts'

/** A record, as far as the tests look into it. */
interface SerialRecord {
  readonly messageId: string
  readonly body: string
  readonly attributes: Readonly<Record<string, string>>
}

interface Batch {
  readonly Records: readonly SerialRecord[]
}

/** What a record tells of its event: a frame's text, or the code of an end. */
function shown({ body }: SerialRecord): string {
  const { requestContext, body: text = '' } = readSerialBody(body)
  return requestContext['eventType'] === 'MESSAGE'
    ? text
    : `end ${String(requestContext['disconnectStatusCode'])}`
}

/** A function that notes each batch that it begins, and then does as it is told. */
function noting(batches: string[][], serve: (batch: Batch) => unknown = () => undefined): LambdaFunction {
  return inProcessFunction(async (event: Batch) => {
    batches.push(event.Records.map(shown))
    return await serve(event)
  })
}

/** Puts the frame of one connection into the queue, as API Gateway does: those of one tick share a batch. */
function put({ gateway }: RecordedApi, text: string): void {
  const body = serialBody({ requestContext: { eventType: 'MESSAGE' }, body: text })
  gateway.enqueue(body, { queue: 'serial.fifo', groupId: 'a=' })
}

test('SE-01 frames and $disconnect come as records of a queue whose group is the connection, $connect does not', async () => {
  const records: SerialRecord[] = []
  const serial = inProcessFunction(async ({ Records }: Batch) => void records.push(...Records))
  await using api = await RecordedApi.start({}, { functions: { serial } })
  await using client = await TestClient.open(api.gateway.websocketUrl)
  client.send('hello')
  await client.close(4001, 'bye & 100 %')
  await eventually(() => records.length === 2)

  expect(api.events.map(({ requestContext }) => requestContext.eventType)).toEqual(['CONNECT'])
  const { connectionId, connectedAt, domainName, stage, apiId } = (await api.event('CONNECT')).requestContext
  const origin = { connectionId, connectedAt, domainName, stage, apiId }
  expect(records.map(({ body }) => readSerialBody(body))).toMatchObject([
    { requestContext: { ...origin, eventType: 'MESSAGE' }, body: 'hello' },
    {
      requestContext: {
        ...origin,
        eventType: 'DISCONNECT',
        disconnectStatusCode: 4001,
        disconnectReason: 'bye & 100 %',
      },
    },
  ])
  for (const { attributes } of records) {
    expect(attributes).toMatchObject({
      MessageGroupId: connectionId,
      SequenceNumber: expect.stringMatching(/^\d{20}$/) as string,
    })
  }
})

test('SE-02 frames back to back are handed out in their order, and none before those of the last batch are done', async () => {
  const batches: string[][] = []
  const first = new Gate()
  const serial = noting(batches, () => (batches.length === 1 ? first.opened : undefined))
  await using api = await RecordedApi.start({}, { functions: { serial } })
  await using client = await TestClient.open(api.gateway.websocketUrl)
  client.send('0')
  await eventually(() => batches.length === 1)
  for (let at = 1; at <= 25; at += 1) client.send(String(at))
  await client.close(4001)
  await eventually(() => api.gateway.connections.count === 0)

  expect(batches).toEqual([['0']])
  first.open()
  await api.gateway.idle()

  expect(batches.flat()).toEqual([...Array.from({ length: 26 }, (_, at) => String(at)), 'end 4001'])
  expect(Math.max(...batches.map(({ length }) => length))).toBe(10)
})

test('SE-03 connections do not wait for each other', async () => {
  const batches: string[][] = []
  const slow = new Gate()
  const serial = noting(batches, ({ Records }) =>
    Records.some((record) => shown(record) === 'slow') ? slow.opened : undefined,
  )
  await using api = await RecordedApi.start({}, { functions: { serial } })
  await using ann = await TestClient.open(api.gateway.websocketUrl)
  await using bob = await TestClient.open(api.gateway.websocketUrl)
  ann.send('slow')
  await eventually(() => batches.length === 1)

  bob.send('quick')

  await eventually(() => batches.length === 2)
  expect(batches).toEqual([['slow'], ['quick']])
  slow.open()
})

test('SE-04 a message that failed comes again before all others of its connection', async () => {
  const batches: string[][] = []
  const first = new Gate()
  const serial = noting(batches, async ({ Records }) => {
    if (batches.length > 1) return undefined
    await first.opened
    return { batchItemFailures: Records.slice(1).map(({ messageId }) => ({ itemIdentifier: messageId })) }
  })
  await using api = await RecordedApi.start(
    {},
    { functions: { serial }, policies: { visibilityTimeoutMs: 20 } },
  )
  for (const text of ['1', '2', '3']) put(api, text)
  await eventually(() => batches.length === 1)
  put(api, '4')
  first.open()
  await api.gateway.idle()

  expect(batches[0]).toEqual(['1', '2', '3'])
  expect(batches.slice(1).flat()).toEqual(['2', '3', '4'])
})

test('SE-05 when the invocation dies half-way, its whole batch comes again in its order', async () => {
  const served: string[] = []
  let invocations = 0
  const serial = inProcessFunction(async ({ Records }: Batch) => {
    invocations += 1
    for (const [at, record] of Records.entries()) {
      if (invocations === 1 && at === 1) throw new RangeError('out of memory')
      served.push(shown(record))
    }
  })
  await using api = await RecordedApi.start(
    {},
    { functions: { serial }, policies: { visibilityTimeoutMs: 20 } },
  )
  for (const text of ['1', '2', '3']) put(api, text)
  await api.gateway.idle()

  expect(served).toEqual(['1', '1', '2', '3'])
})

test('SE-06 a message that always fails is a dead letter in the end, and its connection goes on', async () => {
  const served: string[] = []
  const serial = inProcessFunction(async ({ Records }: Batch) => {
    const bad = Records.filter((record) => shown(record) === 'poison')
    served.push(...Records.filter((record) => !bad.includes(record)).map(shown))
    return { batchItemFailures: bad.map(({ messageId }) => ({ itemIdentifier: messageId })) }
  })
  await using api = await RecordedApi.start(
    {},
    { functions: { serial }, policies: { visibilityTimeoutMs: 10, maxReceiveCount: 3 } },
  )
  await using client = await TestClient.open(api.gateway.websocketUrl)
  client.send('poison')
  await eventually(() => api.log.some(({ message }) => message.includes('will be delivered again')))
  client.send('behind')
  await api.gateway.idle()

  expect(served).toEqual(['behind'])
  expect(api.gateway.deadLetters).toMatchObject([{ queue: 'serial.fifo', receiveCount: 3 }])
})

test.each([
  '',
  ' ',
  '+&=%25',
  '\u0000\u0007\u{10FFFF}',
  'привет 👋',
  '$util.urlEncode($input.body)',
  '{"a":"\\""}',
])('SE-07 the text %j arrives as it is', async (text) => {
  const batches: string[][] = []
  await using api = await RecordedApi.start({}, { functions: { serial: noting(batches) } })
  await using client = await TestClient.open(api.gateway.websocketUrl)

  client.send(text)

  await eventually(() => batches.length > 0)
  expect(batches[0]).toEqual([text])
})

test('SE-08 a gateway that is closed still has the ends of its connections served', async () => {
  const batches: string[][] = []
  const api = await RecordedApi.start({}, { functions: { serial: noting(batches) } })
  await using client = await TestClient.open(api.gateway.websocketUrl)

  await api.gateway.close()

  expect(batches).toEqual([['end 1001']])
  expect((await client.closed).code).toBe(1001)
})

test('SE-09 a message that is late holds up those behind it', async () => {
  const batches: string[][] = []
  await using api = await RecordedApi.start({}, { functions: { serial: noting(batches) } })
  api.gateway.faults.delayMessagesMs = 50
  put(api, 'late')
  api.gateway.faults.delayMessagesMs = 0
  put(api, 'behind')
  await api.gateway.idle()

  expect(batches.flat()).toEqual(['late', 'behind'])
})

test('SE-10 the queue takes no message without a group', async () => {
  await using api = await RecordedApi.start({}, { functions: { serial: noting([]) } })
  const client = new SQSClient({
    endpoint: api.gateway.url,
    region: 'us-east-1',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  })
  const QueueUrl = api.gateway.queueUrlOf('serial.fifo')

  await expect(client.send(new SendMessageCommand({ QueueUrl, MessageBody: 'x' }))).rejects.toThrow(
    'MessageGroupId',
  )
  await client.send(new SendMessageCommand({ QueueUrl, MessageBody: 'x', MessageGroupId: 'a=' }))
  client.destroy()
})
