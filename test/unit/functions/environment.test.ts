import { expect, test } from 'vitest'
import { environmentCredentials, environmentNames, readEnvironment } from '../../../functions/environment.ts'

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
  [environmentNames.layer, 'redis', 'dynamodb, memory'],
  [environmentNames.environment, 'prod', 'production, development'],
  [environmentNames.logLevel, 'verbose', 'info, debug, warn, error'],
])('%s cannot be "%s", and the error lists what it can be', (name, value, choices) => {
  expect(() => readEnvironment({ ...complete, [name]: value })).toThrow(
    `environment variable ${name} is "${value}": set it to one of ${choices}`,
  )
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
