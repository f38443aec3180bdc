import { describe, expect, test } from 'vitest'
import { redisOptionsFromEnvironment } from '../../../shared/environment/redis-options.ts'
import { ConfigurationError } from '../../../shared/errors.ts'

const env = {
  CHANNELS_LAYER: 'redis',
  CHANNELS_REDIS_URL: 'rediss://cache.example.com:6379?cluster=true',
  AWS_REGION: 'eu-west-1',
  AWS_ACCESS_KEY_ID: 'id',
  AWS_SECRET_ACCESS_KEY: 'secret',
  AWS_SESSION_TOKEN: 'token',
}
const iam = { CHANNELS_REDIS_IAM_USER: 'chat', CHANNELS_REDIS_CACHE_NAME: 'my-cache' }

describe('the options of a Redis client from an environment', () => {
  test('are its URL, for sessions on the server of the layer', () => {
    expect(redisOptionsFromEnvironment(env)).toEqual({ url: env.CHANNELS_REDIS_URL })
  })

  test('have the role of the function for a login to ElastiCache', async () => {
    const options = redisOptionsFromEnvironment({ ...env, ...iam })

    expect(options).toMatchObject({
      url: env.CHANNELS_REDIS_URL,
      iam: { userName: 'chat', cacheName: 'my-cache', isServerless: true, region: 'eu-west-1' },
    })
    expect(await options.iam?.credentials()).toEqual({
      accessKeyId: 'id',
      secretAccessKey: 'secret',
      sessionToken: 'token',
    })
  })

  test.each([
    [{ AWS_REGION: '' }, 'CHANNELS_REDIS_IAM_USER is "chat", and there is no AWS_REGION to log in'],
    [
      { AWS_ACCESS_KEY_ID: '' },
      'there is no AWS_ACCESS_KEY_ID to log in to ElastiCache with: Lambda sets both',
    ],
    [{ CHANNELS_LAYER: 'dynamodb', CHANNELS_TABLE: 'a' }, 'CHANNELS_LAYER is "dynamodb", which has no redis'],
  ])('cannot be had with %j', (changes, message) => {
    const read = (): unknown => redisOptionsFromEnvironment({ ...env, ...iam, ...changes })

    expect(read).toThrow(ConfigurationError)
    expect(read).toThrow(message)
  })
})
