import { expect, test } from 'vitest'
import { ConfigurationError } from '../../../shared/errors.ts'
import {
  channelLayerFromEnvironment,
  readLayerEnvironment,
  type Variables,
} from '../../../shared/environment/index.ts'
import { startTestDynamoDB } from '../../support/dynamodb.ts'
import { startSQSStub } from '../../support/sqs-stub.ts'

const complete = {
  CHANNELS_TABLE: 'channels',
  CHANNELS_DELIVERY_QUEUE_URL: 'https://sqs.eu-west-1.amazonaws.com/1/delivery',
  CHANNELS_MANAGEMENT_ENDPOINT: 'https://abc.execute-api.eu-west-1.amazonaws.com/prod',
  AWS_REGION: 'eu-west-1',
  AWS_ACCESS_KEY_ID: 'test',
  AWS_SECRET_ACCESS_KEY: 'test',
}

test('one line makes a layer of what the functions are told; a group send is one task of the queue', async () => {
  await using database = await startTestDynamoDB()
  await using queue = await startSQSStub()
  const connectedAt = Date.now()
  await database.makeStore().create({
    connectionId: 'member=',
    scope: {},
    state: {},
    version: 0,
    groups: ['room'],
    connectedAt,
    expiresAt: Math.floor(connectedAt / 1_000) + 7_800,
  })

  await using layer = await channelLayerFromEnvironment({
    ...complete,
    CHANNELS_TABLE: database.tableName,
    CHANNELS_DELIVERY_QUEUE_URL: queue.queueUrl,
    CHANNELS_WORKER_QUEUES: JSON.stringify({ thumbnails: `${queue.url}/000000000000/thumbnails` }),
    AWS_ENDPOINT_URL_DYNAMODB: database.endpoint,
    AWS_ENDPOINT_URL_SQS: queue.url,
  })
  const result = await layer.groupSend('room', { type: 'chat.message', message: 'hi' })
  await layer.send('thumbnails', { type: 'make' }, { delaySeconds: 7 })

  expect(result).toEqual({ delivered: 0, deferred: 1, gone: 0, failed: 0 })
  expect(queue.taken.map(({ MessageBody, DelaySeconds }) => [JSON.parse(MessageBody), DelaySeconds])).toEqual(
    [
      [
        {
          task: {
            kind: 'group',
            group: 'room',
            exclude: [],
            event: { type: 'chat.message', message: 'hi' },
            sentAt: expect.any(Number),
          },
          endpoint: complete.CHANNELS_MANAGEMENT_ENDPOINT,
          attempt: 0,
        },
        0,
      ],
      [expect.objectContaining({ channel: 'thumbnails', message: { type: 'make' } }), 7],
    ],
  )
}, 60_000)

test.each(['CHANNELS_TABLE', 'CHANNELS_DELIVERY_QUEUE_URL', 'CHANNELS_MANAGEMENT_ENDPOINT'])(
  'without %s it says which to set',
  async (name) => {
    const layer = channelLayerFromEnvironment({ ...complete, [name]: undefined })

    await expect(layer).rejects.toThrow(ConfigurationError)
    await expect(layer).rejects.toThrow(`environment variable ${name} is not set: set it on the function, or`)
  },
)

test('the memory layer is refused: those groups are in another process', async () => {
  await expect(channelLayerFromEnvironment({ ...complete, CHANNELS_LAYER: 'memory' })).rejects.toThrow(
    'those connections and groups are in the memory of the process that serves them',
  )
})

test('a profile that is named stands before the keys of the environment, as in the SDK', () => {
  expect(readLayerEnvironment(complete).credentials).toEqual({ accessKeyId: 'test', secretAccessKey: 'test' })
  expect(readLayerEnvironment({ ...complete, AWS_PROFILE: 'mine' }).credentials).toBeUndefined()
})

test('the addresses of single services stand before the one of all', () => {
  const env = { ...complete, AWS_ENDPOINT_URL: 'http://127.0.0.1:1' }

  expect(readLayerEnvironment(env)).toMatchObject({
    dynamodbEndpoint: 'http://127.0.0.1:1',
    sqsEndpoint: 'http://127.0.0.1:1',
  })
  expect(
    readLayerEnvironment({
      ...env,
      AWS_ENDPOINT_URL_DYNAMODB: 'http://127.0.0.1:2',
      AWS_ENDPOINT_URL_SQS: 'http://127.0.0.1:3',
    }),
  ).toMatchObject({ dynamodbEndpoint: 'http://127.0.0.1:2', sqsEndpoint: 'http://127.0.0.1:3' })
})

test('SQS is called where CHANNELS_SQS_ENDPOINT says, unless an emulator takes its place', () => {
  const env = { ...complete, CHANNELS_SQS_ENDPOINT: 'https://sqs.eu-west-1.api.aws' }
  const endpointWith = (more: Variables): string | undefined =>
    readLayerEnvironment({ ...env, ...more }).sqsEndpoint

  expect(endpointWith({})).toBe('https://sqs.eu-west-1.api.aws')
  expect(endpointWith({ AWS_ENDPOINT_URL: 'http://127.0.0.1:1' })).toBe('http://127.0.0.1:1')
  expect(endpointWith({ AWS_ENDPOINT_URL_SQS: 'http://127.0.0.1:2' })).toBe('http://127.0.0.1:2')
  expect(() => endpointWith({ CHANNELS_SQS_ENDPOINT: 'sqs.eu-west-1.api.aws' })).toThrow(
    'environment variable CHANNELS_SQS_ENDPOINT is "sqs.eu-west-1.api.aws", which is no URL: set it to',
  )
})

test('a queue is reached at CHANNELS_SQS_ENDPOINT, whatever host its URL names', async () => {
  await using queue = await startSQSStub()
  const queueUrl = 'https://sqs.invalid/000000000000/thumbnails'
  await using layer = await channelLayerFromEnvironment({
    ...complete,
    CHANNELS_WORKER_QUEUES: JSON.stringify({ thumbnails: queueUrl }),
    CHANNELS_SQS_ENDPOINT: queue.url,
  })

  await layer.send('thumbnails', { type: 'make' })

  expect(queue.taken).toHaveLength(1)
}, 60_000)
