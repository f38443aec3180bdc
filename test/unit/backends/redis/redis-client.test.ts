import type { Cluster, Redis } from 'ioredis'
import { describe, expect, it } from 'vitest'
import type { RedisIamOptions } from '../../../../shared/backends/redis/iam-login.ts'
import { createRedisClient, type RedisClientOptions } from '../../../../shared/backends/redis/redis-client.ts'
import { ConfigurationError } from '../../../../shared/errors.ts'

/** The options that ioredis was given. Nothing connects: clients are lazy. */
function optionsOf(options: RedisClientOptions): Redis['options'] {
  const client = createRedisClient(options) as Redis
  client.disconnect()
  return client.options
}

function clusterOptionsOf(options: RedisClientOptions): Cluster['options'] {
  const client = createRedisClient(options) as Cluster
  expect(client.isCluster).toBe(true)
  return client.options
}

const iam: RedisIamOptions = {
  userName: 'chat',
  cacheName: 'cache',
  region: 'eu-west-1',
  credentials: async () => ({ accessKeyId: 'id', secretAccessKey: 'secret' }),
}

describe('the address', () => {
  it('is taken from a URL', () => {
    expect(optionsOf({ url: 'redis://ada:p%40ss%2Fword@example.com:6400/3' })).toMatchObject({
      host: 'example.com',
      port: 6_400,
      db: 3,
      username: 'ada',
      password: 'p@ss/word',
      tls: undefined,
    })
  })

  it.each([
    ['redis://example.com', { host: 'example.com', port: 6_379, db: 0 }],
    ['redis://[::1]:6400/', { host: '::1', port: 6_400 }],
    ['redis://:secret@127.0.0.1', { host: '127.0.0.1', password: 'secret', username: null }],
    ['rediss://example.com', { host: 'example.com', tls: {} }],
  ])('has defaults in %s', (url, expected) => {
    expect(optionsOf({ url })).toMatchObject(expected)
  })

  it('is taken from host and port, with the options of TLS', () => {
    expect(optionsOf({ host: 'example.com', port: 1, tls: { servername: 'other' } })).toMatchObject({
      host: 'example.com',
      port: 1,
      tls: { servername: 'other' },
    })
  })

  it('keeps the options of TLS beside a URL', () => {
    expect(optionsOf({ url: 'rediss://example.com', tls: { ca: 'pem' } }).tls).toEqual({ ca: 'pem' })
  })

  it('is asked of sentinels, by TLS too where the server has it', () => {
    const options = optionsOf({
      sentinels: [{ host: 's1' }, { host: 's2', port: 1 }],
      sentinelName: 'mymaster',
      sentinelPassword: 'sentinel secret',
      password: 'server secret',
      tls: true,
    })

    expect(options).toMatchObject({
      sentinels: [
        { host: 's1', port: 26_379 },
        { host: 's2', port: 1 },
      ],
      name: 'mymaster',
      sentinelPassword: 'sentinel secret',
      password: 'server secret',
      tls: {},
      sentinelTLS: {},
      enableTLSForSentinelMode: true,
    })
  })

  it('of a cluster keeps the name that the certificate has', () => {
    const { redisOptions, dnsLookup } = clusterOptionsOf({
      url: 'rediss://u:p@cache.example.com:1?cluster=true',
    })
    const found: unknown[] = []
    dnsLookup?.('cache.example.com', (...answer) => found.push(...answer))

    expect(redisOptions).toMatchObject({ username: 'u', password: 'p', tls: {} })
    expect(found).toEqual([null, 'cache.example.com'])
  })

  it.each<[string, RedisClientOptions, string]>([
    ['nothing', {}, 'name no server: give one of url, host, sentinels and cluster'],
    ['two places', { host: 'a', cluster: [{ host: 'b' }] }, 'name host and cluster'],
    ['a URL and a host', { url: 'redis://a?cluster=true', host: 'b' }, 'name host and cluster'],
    ['an empty cluster', { cluster: [] }, 'list no address'],
    ['sentinels without a name', { sentinels: [{ host: 'a' }] }, 'set the name that the sentinels watch'],
    ['a database of a cluster', { cluster: [{ host: 'a' }], database: 1 }, 'use another prefix instead'],
    [
      'no time to connect',
      { host: 'a', connectTimeoutMs: 0 },
      'connectTimeoutMs is 0: use a whole number from 1',
    ],
    [
      'two logins',
      { url: 'rediss://ada:secret@a', iam },
      'have iam and a username or password: give one of them',
    ],
    ['a login with IAM in clear text', { url: 'redis://a', iam }, 'write rediss: in the url'],
    [
      'a login with IAM by sentinels',
      { sentinels: [{ host: 'a' }], sentinelName: 'b', tls: true, iam },
      'ElastiCache has none',
    ],
    [
      'no user to log in as',
      { url: 'rediss://a', iam: { ...iam, userName: '' } },
      'iam.userName of the redis client is "": use the name of ElastiCache',
    ],
    [
      'the address of a cache for its name',
      { url: 'rediss://a', iam: { ...iam, cacheName: 'a.serverless.euw1.cache.amazonaws.com' } },
      'iam.cacheName of the redis client is "a.serverless',
    ],
    ['no region', { url: 'rediss://a', iam: { ...iam, region: '' } }, 'not the name of a region'],
    ['no time to answer', { host: 'a', commandTimeoutMs: NaN }, 'commandTimeoutMs is NaN'],
    ['no URL', { url: '127.0.0.1' }, 'is no URL'],
    ['a URL of something else', { url: 'http://:secret@a' }, 'begins with "http:"'],
    ['a URL without a host', { url: 'redis:///1' }, 'has no host'],
    ['a path in a URL', { url: 'redis://:secret@a/b' }, 'has "/b" where the number of a database belongs'],
    ['a parameter that is not known', { url: 'redis://:secret@a?clutser=true' }, 'has "clutser"'],
  ])('is refused when options have %s', (_, options, message) => {
    expect(() => createRedisClient(options)).toThrow(ConfigurationError)
    expect(() => createRedisClient(options)).toThrow(message)
    expect(() => createRedisClient(options)).not.toThrow('secret')
  })
})

describe('a client', () => {
  it('connects when it is used first, and queues and resends nothing', () => {
    expect(optionsOf({ host: 'a' })).toMatchObject({
      lazyConnect: true,
      enableOfflineQueue: false,
      autoResendUnfulfilledCommands: false,
      maxRetriesPerRequest: 0,
    })
  })

  it('bounds each connection and each answer', () => {
    expect(optionsOf({ host: 'a' })).toMatchObject({ connectTimeout: 2_000, commandTimeout: 2_000 })
    expect(optionsOf({ host: 'a', connectTimeoutMs: 1, commandTimeoutMs: 2 })).toMatchObject({
      connectTimeout: 1,
      commandTimeout: 2,
      socketTimeout: 2,
    })
  })

  it('reconnects for ever, soon at first, within a second at last, and never at one time with all others', () => {
    const { retryStrategy } = optionsOf({ host: 'a' })
    const pauses = (times: number) => Array.from({ length: 100 }, () => Number(retryStrategy?.(times)))

    expect(Math.max(...pauses(1))).toBeLessThanOrEqual(40)
    expect(Math.max(...pauses(1_000_000))).toBeLessThanOrEqual(1_000)
    expect(Math.min(...pauses(1_000_000))).toBeGreaterThanOrEqual(500)
    expect(new Set(pauses(1_000)).size).toBeGreaterThan(10)
  })

  it('leaves a server that has become a replica', () => {
    const { reconnectOnError } = optionsOf({ host: 'a' })

    expect(reconnectOnError?.(new Error("READONLY You can't write against a read only replica."))).toBe(true)
    expect(reconnectOnError?.(new Error('ERR other'))).toBe(false)
  })
})
