import { describe, expect, test } from 'vitest'
import {
  allowedHostsOf,
  environmentCredentials,
  readEnvironment,
  websocketUrlOf,
} from '../../../shared/lambda/environment.ts'
import { environmentNames } from '../../../shared/lambda/environment-names.ts'

const complete = {
  AWS_REGION: 'eu-west-1',
  CHANNELS_TABLE: 'channels',
  CHANNELS_DELIVERY_QUEUE_URL: 'https://sqs.eu-west-1.amazonaws.com/1/delivery',
}

test('three variables are enough: DynamoDB, production, info', () => {
  expect(readEnvironment(complete)).toMatchObject({
    layer: 'dynamodb',
    table: 'channels',
    deliveryQueueUrl: complete.CHANNELS_DELIVERY_QUEUE_URL,
    managementEndpoint: undefined,
    isDevelopment: false,
    logLevel: 'info',
    service: 'lambda-channels',
    region: 'eu-west-1',
  })
})

test.each(Object.keys(complete))('without %s it says which to set', (name) => {
  expect(() => readEnvironment({ ...complete, [name]: undefined })).toThrow(
    `environment variable ${name} is not set: set it on the function`,
  )
  expect(() => readEnvironment({ ...complete, [name]: '' })).toThrow(name)
})

test.each([
  [environmentNames.layer, 'valkey', 'dynamodb, redis, memory'],
  [environmentNames.environment, 'prod', 'production, development'],
  [environmentNames.logLevel, 'verbose', 'info, debug, warn, error'],
])('%s cannot be "%s", and the error lists what it can be', (name, value, choices) => {
  expect(() => readEnvironment({ ...complete, [name]: value })).toThrow(
    `environment variable ${name} is "${value}": set it to one of ${choices}`,
  )
})

describe('the Redis layer', () => {
  const { CHANNELS_TABLE: _table, ...others } = complete
  const redis = { ...others, CHANNELS_LAYER: 'redis' }

  test('needs a URL and no table; a prefix is optional', () => {
    const env = { ...redis, CHANNELS_REDIS_URL: 'rediss://cache.example.com:6379?cluster=true' }

    expect(readEnvironment(env)).toMatchObject({
      layer: 'redis',
      redisUrl: env.CHANNELS_REDIS_URL,
      redisPrefix: undefined,
    })
    expect(readEnvironment({ ...env, CHANNELS_REDIS_PREFIX: 'chat' })).toMatchObject({ redisPrefix: 'chat' })
  })

  test('without a URL says which variable to set', () => {
    expect(() => readEnvironment(redis)).toThrow(
      'environment variable CHANNELS_REDIS_URL is not set: set it on the function',
    )
  })

  const url = 'rediss://cache.example.com:6379?cluster=true'

  test.each([
    [{ CHANNELS_REDIS_CACHE_NAME: 'cache' }, { cacheName: 'cache', isServerless: true }],
    [{ CHANNELS_REDIS_REPLICATION_GROUP: 'group' }, { cacheName: 'group', isServerless: false }],
  ])('logs in to ElastiCache with %j', (place, cache) => {
    const env = { ...redis, CHANNELS_REDIS_URL: url, CHANNELS_REDIS_IAM_USER: 'chat', ...place }

    expect(readEnvironment(env)).toMatchObject({ redisIam: { userName: 'chat', ...cache } })
    expect(readEnvironment({ ...redis, CHANNELS_REDIS_URL: url })).toMatchObject({ redisIam: undefined })
  })

  test.each([
    [{ CHANNELS_REDIS_IAM_USER: 'chat' }, /is "chat", and none of .*CACHE_NAME and .*GROUP is set: set one/],
    [
      {
        CHANNELS_REDIS_IAM_USER: 'chat',
        CHANNELS_REDIS_CACHE_NAME: 'a',
        CHANNELS_REDIS_REPLICATION_GROUP: 'b',
      },
      /is "chat", and both of .* is set: set one of them/,
    ],
    [{ CHANNELS_REDIS_CACHE_NAME: 'a' }, /CHANNELS_REDIS_IAM_USER is not set/],
  ])('does not guess how to log in to ElastiCache with %j', (login, message) => {
    expect(() => readEnvironment({ ...redis, CHANNELS_REDIS_URL: url, ...login })).toThrow(message)
  })

  test.each(['cache.example.com:secret', 'http://user:secret@host', 'redis://', 'redis://u:secret@h:port'])(
    'cannot be at %j: the error says how to write it, and shows no password',
    (url) => {
      const read = () => readEnvironment({ ...redis, CHANNELS_REDIS_URL: url })

      expect(read).toThrow(
        /^environment variable CHANNELS_REDIS_URL is no URL of a redis server.*set it to redis:\/\//,
      )
      expect(read).not.toThrow(/secret/)
    },
  )
})

test('keys of encryption have commas between them, and none means that nothing is encrypted', () => {
  const keys = (text?: string): unknown =>
    readEnvironment({ ...complete, CHANNELS_SYMMETRIC_ENCRYPTION_KEYS: text }).symmetricEncryptionKeys

  expect(keys()).toBeUndefined()
  expect(keys('')).toBeUndefined()
  expect(keys('new key, old key')).toEqual(['new key', 'old key'])
})

test('memory is refused in Lambda, where no two containers share it', () => {
  const env = { ...complete, CHANNELS_LAYER: 'memory' }

  expect(readEnvironment(env).layer).toBe('memory')
  expect(() => readEnvironment({ ...env, AWS_LAMBDA_FUNCTION_NAME: 'websocket' })).toThrow(
    /"memory" in Lambda/,
  )
})

test('the management endpoint comes from our variable before the SDK’s', () => {
  const sdk = { ...complete, AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI: 'http://127.0.0.1:1' }

  expect(readEnvironment(sdk).managementEndpoint).toBe('http://127.0.0.1:1')
  expect(readEnvironment({ ...sdk, CHANNELS_MANAGEMENT_ENDPOINT: 'https://x/y' }).managementEndpoint).toBe(
    'https://x/y',
  )
})

test('a management endpoint at AWS is redirected as AWS’s SDKs are, to the path that emulators have for an API', () => {
  const deployed = {
    ...complete,
    CHANNELS_MANAGEMENT_ENDPOINT: 'https://abc123.execute-api.eu-west-1.amazonaws.com/prod',
  }
  const everything = { ...deployed, AWS_ENDPOINT_URL: 'http://127.0.0.1:4566/' }
  const service = { ...everything, AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI: 'http://127.0.0.1:1/dev' }
  const elsewhere = { ...everything, CHANNELS_MANAGEMENT_ENDPOINT: 'http://127.0.0.1:8000/prod' }

  expect(readEnvironment(deployed).managementEndpoint).toBe(deployed.CHANNELS_MANAGEMENT_ENDPOINT)
  for (const slash of ['', '/']) {
    const CHANNELS_MANAGEMENT_ENDPOINT = `${deployed.CHANNELS_MANAGEMENT_ENDPOINT}${slash}`
    expect(readEnvironment({ ...everything, CHANNELS_MANAGEMENT_ENDPOINT }).managementEndpoint).toBe(
      'http://127.0.0.1:4566/_aws/execute-api/abc123/prod',
    )
  }
  expect(readEnvironment(service).managementEndpoint).toBe('http://127.0.0.1:1/dev')
  expect(readEnvironment(elsewhere).managementEndpoint).toBe('http://127.0.0.1:8000/prod')
})

test('credentials are those of the environment, with a session token where there is one', async () => {
  const keys = { AWS_ACCESS_KEY_ID: 'id', AWS_SECRET_ACCESS_KEY: 'key' }

  expect(await environmentCredentials(keys)).toEqual({ accessKeyId: 'id', secretAccessKey: 'key' })
  expect(await environmentCredentials({ ...keys, AWS_SESSION_TOKEN: 'token' })).toEqual({
    accessKeyId: 'id',
    secretAccessKey: 'key',
    sessionToken: 'token',
  })
  await expect(environmentCredentials({})).rejects.toThrow('AWS_ACCESS_KEY_ID is not set')
})

describe('the queues of workers', () => {
  const name = environmentNames.workerQueues
  const url = 'https://sqs.eu-west-1.amazonaws.com/1/thumbnails'

  test('are read by channel; without the variable there are none', () => {
    const env = { ...complete, [name]: JSON.stringify({ 'thumbnails-generate': url, '*': `${url}-all` }) }

    expect(readEnvironment(env).workerQueueUrls).toEqual({ 'thumbnails-generate': url, '*': `${url}-all` })
    expect(readEnvironment(complete).workerQueueUrls).toEqual({})
    expect(readEnvironment({ ...complete, [name]: '' }).workerQueueUrls).toEqual({})
  })

  test.each(['thumbnails', '["a"]', 'null', '7', '{"a":'])('cannot be %s', (text) => {
    expect(() => readEnvironment({ ...complete, [name]: text })).toThrow(
      `environment variable CHANNELS_WORKER_QUEUES is ${text}, which is no JSON object: set it to JSON with the URL of a queue by worker channel`,
    )
  })

  test.each(['thumbnails', '', 7, null, 'https://', 'arn:aws:sqs:eu-west-1:1:thumbnails'])(
    'need a URL, which %j is not',
    (bad) => {
      const env = { ...complete, [name]: JSON.stringify({ printer: bad }) }

      expect(() => readEnvironment(env)).toThrow(
        `environment variable CHANNELS_WORKER_QUEUES has ${JSON.stringify(bad)} for "printer", which is no URL`,
      )
    },
  )
})

test('the hosts of pages have commas between them; without the variable there are none', () => {
  const hosts = (text?: string): readonly string[] =>
    allowedHostsOf({ [environmentNames.allowedHosts]: text })

  expect(hosts('chat.example, .chat.example:8443,')).toEqual(['chat.example', '.chat.example:8443'])
  expect([hosts(), hosts(''), hosts(' , ')]).toEqual([[], [], []])
})

describe('the URL of the sockets', () => {
  const url = (text?: string): string | undefined => websocketUrlOf({ [environmentNames.websocketUrl]: text })

  test('is told where pages have another origin', () => {
    expect(url('wss://a1.execute-api.eu-west-1.amazonaws.com/prod')).toBe(
      'wss://a1.execute-api.eu-west-1.amazonaws.com/prod',
    )
    expect([url(), url('')]).toEqual([undefined, undefined])
  })

  test.each(['https://chat.example/prod', 'chat.example', 'wss://', 'wss://a:b'])(
    'cannot be %j, and the error says how to write it',
    (text) => {
      expect(() => url(text)).toThrow(
        `environment variable CHANNELS_WEBSOCKET_URL is "${text}", which is no URL of a WebSocket: set it to wss://host/stage`,
      )
    },
  )
})
