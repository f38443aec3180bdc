import { expect, test } from 'vitest'
import { type LambdaFunction, startLocalGateway } from '../../local/index.ts'
import { inProcessFunction } from '../../local/in-process-function.ts'
import { SQSDeliveryQueue } from '../../shared/backends/sqs/sqs-delivery-queue.ts'
import { SQSWorkerQueue } from '../../shared/backends/sqs/sqs-worker-queue.ts'
import { StoreError } from '../../shared/errors.ts'
import type { QueuedDelivery } from '../../shared/stores/delivery-queue.ts'
import { startSQSStub, type SQSStub } from '../support/sqs-stub.ts'

const credentials = { accessKeyId: 'test', secretAccessKey: 'test' }

function queueAt(endpoint: string, queueUrl: string): SQSDeliveryQueue {
  return new SQSDeliveryQueue({
    queueUrl,
    client: { endpoint, region: 'us-east-1', credentials, maxAttempts: 1 },
  })
}

function queueOf({ url, queueUrl }: SQSStub): SQSDeliveryQueue {
  return queueAt(url, queueUrl)
}

function delivery(index: number, frame = `frame ${index}`): QueuedDelivery {
  const task = { kind: 'frames', connectionId: `c${index}=`, connectedAt: 1, frames: [frame] } as const
  return { task, endpoint: 'https://abc.execute-api.eu-west-1.amazonaws.com/prod', attempt: 1 }
}

function deliveries(count: number): readonly QueuedDelivery[] {
  return Array.from({ length: count }, (_, index) => delivery(index))
}

test('deliveries arrive as they are, ten in a batch', async () => {
  await using sqs = await startSQSStub()

  await queueOf(sqs).enqueue(deliveries(23))

  expect(sqs.batches.map(({ length }) => length).toSorted((a, b) => a - b)).toEqual([3, 10, 10])
  const taken = sqs.taken.map(({ MessageBody }) => JSON.parse(MessageBody) as unknown)
  expect(taken).toHaveLength(23)
  expect(taken).toEqual(expect.arrayContaining([...deliveries(23)]))
})

test('nothing to put is no call', async () => {
  await using sqs = await startSQSStub()

  await queueOf(sqs).enqueue([])

  expect(sqs.batches).toEqual([])
})

test('a batch stays under the size of one call', async () => {
  await using sqs = await startSQSStub()

  await queueOf(sqs).enqueue(Array.from({ length: 7 }, (_, index) => delivery(index, 'x'.repeat(300_000))))

  expect(sqs.batches.map(({ length }) => length).toSorted((a, b) => a - b)).toEqual([1, 3, 3])
})

test('batches do not wait for each other, 16 at a time', async () => {
  await using sqs = await startSQSStub()
  const sixteen = Promise.withResolvers<void>()
  sqs.beforeAnswer = () => sixteen.promise

  const enqueued = queueOf(sqs).enqueue(deliveries(200))
  await expect.poll(() => sqs.batches.length, { timeout: 4_000 }).toBe(16)
  sixteen.resolve()
  await enqueued

  expect(new Set(sqs.taken.map(({ MessageBody }) => MessageBody)).size).toBe(200)
})

test('characters that SQS does not take are escaped', async () => {
  await using sqs = await startSQSStub()

  await queueOf(sqs).enqueue([delivery(1, 'a\ufffe\uffffb')])

  expect(sqs.taken[0]?.MessageBody).toContain(String.raw`a\ufffe\uffffb`)
})

test('the delay is passed on', async () => {
  await using sqs = await startSQSStub()

  await queueOf(sqs).enqueue(deliveries(1), { delaySeconds: 32 })

  expect(sqs.taken[0]?.DelaySeconds).toBe(32)
})

test('entries that a batch refuses alone are put once more', async () => {
  await using sqs = await startSQSStub()
  sqs.refuse = ({ Id }, batch) => batch === 0 && Number(Id) % 2 === 0

  await queueOf(sqs).enqueue(deliveries(5))

  expect(sqs.batches.map(({ length }) => length)).toEqual([5, 3])
  expect(sqs.taken).toHaveLength(5)
})

test('what the queue never takes is a StoreError with the number, and the rest is in the queue', async () => {
  await using sqs = await startSQSStub()
  sqs.refuse = ({ MessageBody }) => MessageBody.includes('"c3="')

  const failure: unknown = await queueOf(sqs)
    .enqueue(deliveries(5))
    .catch((error: unknown) => error)

  expect(failure).toBeInstanceOf(StoreError)
  expect(failure).toMatchObject({
    retryable: true,
    message: expect.stringMatching(/^1 deliveries could not be put/),
  })
  expect(String((failure as Error).cause)).toContain('InternalError: try again')
  expect(sqs.taken).toHaveLength(4)
})

test('the error names what the queue did not take by its place, across batches, and all else is in it', async () => {
  await using sqs = await startSQSStub()
  sqs.refuse = ({ MessageBody }) => /"c(?:3|17)="/.test(MessageBody)
  sqs.failBatch = (entries) => entries.some(({ MessageBody }) => MessageBody.includes('"c20="'))

  const failure: unknown = await queueOf(sqs)
    .enqueue(deliveries(22))
    .catch((error: unknown) => error)

  const { refused = [] } = failure as StoreError
  expect(refused.toSorted((left, right) => left - right)).toEqual([3, 17, 20, 21])
  expect(sqs.taken).toHaveLength(18)
})

test('a batch that fails does not keep the others from being put', async () => {
  await using sqs = await startSQSStub()
  sqs.failBatch = (entries) => entries.some(({ MessageBody }) => MessageBody.includes('"c10="'))

  const failure: unknown = await queueOf(sqs)
    .enqueue(deliveries(25))
    .catch((error: unknown) => error)

  expect(failure).toMatchObject({
    message: expect.stringMatching(/^10 deliveries could not be put.*sqs:SendMessage/),
  })
  expect(sqs.taken).toHaveLength(15)
})

test('a worker whose batch fails goes on with the next, so that all are tried that can be', async () => {
  await using sqs = await startSQSStub()
  // As many batches as there are workers fail, and as many again wait behind them.
  const failing = new Set(Array.from({ length: 160 }, (_, index) => `"c${index}="`))
  sqs.failBatch = (entries) =>
    entries.some(({ MessageBody }) => failing.has(/"c\d+="/.exec(MessageBody)?.[0] ?? ''))

  await expect(queueOf(sqs).enqueue(deliveries(320))).rejects.toThrow(/^160 deliveries could not be put/)

  expect(sqs.taken).toHaveLength(160)
})

test('a queue that is not there is a StoreError that names its URL', async () => {
  const queue = queueAt('http://127.0.0.1:9', 'http://127.0.0.1:9/000000000000/delivery')

  await expect(queue.enqueue(deliveries(2))).rejects.toThrow(/^2 deliveries .* queue http:\/\/127\.0\.0\.1:9/)
})

function workerQueueAt(endpoint: string, queueUrl: string): SQSWorkerQueue {
  return new SQSWorkerQueue({
    queueUrl,
    client: { endpoint, region: 'us-east-1', credentials, maxAttempts: 1 },
  })
}

test('jobs arrive as they are, with their delay', async () => {
  await using sqs = await startSQSStub()
  const jobs = Array.from({ length: 12 }, (_, index) => ({
    id: `job ${index}`,
    channel: 'printer',
    message: { type: 'page.print', text: 'ü€\ufffe' },
  }))

  await workerQueueAt(sqs.url, sqs.queueUrl).enqueue(jobs, { delaySeconds: 900 })

  expect(sqs.taken.map(({ MessageBody }) => JSON.parse(MessageBody) as unknown)).toHaveLength(12)
  expect(sqs.taken.map(({ MessageBody }) => JSON.parse(MessageBody) as unknown)).toEqual(
    expect.arrayContaining(jobs),
  )
  expect(new Set(sqs.taken.map(({ DelaySeconds }) => DelaySeconds))).toEqual(new Set([900]))
})

test('a job that the queue does not take is a StoreError that names channel and queue', async () => {
  await using sqs = await startSQSStub()
  sqs.failBatch = () => true
  const job = { id: '1', channel: 'printer', message: { type: 'page.print' } }

  const failure: unknown = await workerQueueAt(sqs.url, sqs.queueUrl)
    .enqueue([job])
    .catch((error: unknown) => error)

  expect(failure).toBeInstanceOf(StoreError)
  expect(failure).toMatchObject({
    retryable: true,
    message: expect.stringMatching(
      /^1 of 1 jobs for "printer" could not be put into the queue \S+\/delivery, and will not run/,
    ),
  })
})

test('the local gateway hands what the queue was given to the delivery function, byte for byte', async () => {
  const received: string[] = []
  const websocket: LambdaFunction = inProcessFunction(async () => ({ statusCode: 200 }))
  const deliveryFunction = inProcessFunction(async (event: { Records: { body: string }[] }) => {
    received.push(...event.Records.map(({ body }) => body))
    return { batchItemFailures: [] }
  })
  await using gateway = await startLocalGateway({ functions: { websocket, delivery: deliveryFunction } })
  const strange = delivery(1, 'ü€🦆"\\\u0000\u2028\ud800')

  await queueAt(gateway.url, gateway.queueUrl).enqueue([strange, ...deliveries(12)])
  await gateway.idle()

  expect(received).toHaveLength(13)
  expect(received).toContain(JSON.stringify(strange))
})
