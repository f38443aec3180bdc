import { execFile } from 'node:child_process'
import { inspect, promisify } from 'node:util'
import { afterEach, describe, expect, it } from 'vitest'
import type { RedisIamOptions } from '../../shared/backends/redis/iam-login.ts'
import type { RedisClient } from '../../shared/backends/redis/redis-calls.ts'
import { RedisChannelStore } from '../../shared/backends/redis/redis-channel-store.ts'
import { createRedisClient } from '../../shared/backends/redis/redis-client.ts'
import { systemClock } from '../../shared/clock.ts'
import type { AwsCredentials } from '../../shared/http/credentials-cache.ts'
import { ManualClock } from '../../shared/testing/manual-clock.ts'
import { startTestCache, type TestCache } from '../support/elasticache.ts'
import { hasRedis } from '../support/redis.ts'
import { referenceQuery } from '../support/reference-signature.ts'
import { testCertificate } from '../support/test-certificate.ts'

// A call that fails does so before its test is over, which then stops what it started.
const SLOW = 20_000
const TEST_TIMEOUT = 120_000
const START = Date.UTC(2026, 10, 22, 8, 5, 3)
const REGION = 'eu-west-1'
const CREDENTIALS: AwsCredentials = {
  accessKeyId: 'AKIDEXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
  sessionToken: 'IQoJb3JpZ2luX2VjaB/+==',
}

/** The token that AWS's own signer makes for the user `chat` of the cache `my-cache`. */
async function tokenAt(nowMs: number, credentials: AwsCredentials = CREDENTIALS): Promise<string> {
  const host = 'my-cache'
  const query = { Action: 'connect', User: 'chat', ResourceType: 'ServerlessCache' }
  const request = { service: 'elasticache', region: REGION, host, query, expiresSeconds: 900 }
  const { 'X-Amz-Signature': signature, ...signed } = await referenceQuery({ ...request, credentials, nowMs })
  const sorted = Object.entries(signed).toSorted(([one], [other]) => (one < other ? -1 : 1))
  const text = [...sorted, ['X-Amz-Signature', signature]]
    .map(([name, value]) => `${String(name)}=${encodeURIComponent(String(value))}`)
    .join('&')
  return `${host}/?${text}`
}

describe.skipIf(!hasRedis() || !testCertificate())(
  'a login with AWS credentials',
  { timeout: TEST_TIMEOUT },
  () => {
    const clients: RedisClient[] = []

    afterEach(() => {
      for (const client of clients.splice(0)) client.disconnect()
    })

    function makeStore(cache: TestCache, iam: Partial<RedisIamOptions> = {}): RedisChannelStore {
      const client = createRedisClient({
        url: cache.url,
        tls: { ca: cache.ca },
        commandTimeoutMs: 30_000,
        iam: {
          userName: 'chat',
          cacheName: 'My-Cache',
          region: REGION,
          credentials: async () => CREDENTIALS,
          clock: new ManualClock(START),
          ...iam,
        },
      })
      clients.push(client)
      return new RedisChannelStore({ client, timeoutMs: SLOW })
    }

    it.each([
      ['one server', false],
      ['a cluster', true],
    ])('to %s has a token of its own for each connection', async (_, isCluster) => {
      await using cache = await startTestCache({ isCluster })
      const clock = new ManualClock(START)
      const store = makeStore(cache, { clock })

      cache.acceptOnly(await tokenAt(START))
      expect(await store.load('a')).toBeUndefined()

      for (let hour = 1; hour <= 3; hour += 1) {
        await clock.advance(3_600_000)
        cache.acceptOnly(await tokenAt(START + hour * 3_600_000))
        cache.cut()
        expect(await store.load('a')).toBeUndefined()
      }
    })

    it.each([
      ['one server', false],
      ['a cluster', true],
    ])('to %s is made for connections that block, too', async (_, isCluster) => {
      await using cache = await startTestCache({ isCluster })
      const clock = new ManualClock(START)
      const store = makeStore(cache, { clock })
      cache.acceptOnly(await tokenAt(START))
      await store.load('a')

      await clock.advance(3_600_000)
      cache.acceptOnly(await tokenAt(START + 3_600_000))
      const taking = store.messages.take('a!b')
      await store.messages.put('a!b', { type: 'hello' }, { capacity: 1, expiresAtMs: Date.now() + SLOW })

      expect(await taking).toEqual({ type: 'hello' })
    })

    it('asks for credentials again when they expire', async () => {
      await using cache = await startTestCache()
      const clock = new ManualClock(START)
      const provided: AwsCredentials[] = [
        { ...CREDENTIALS, expiration: new Date(START + 600_000) },
        { ...CREDENTIALS, accessKeyId: 'AKIDNEXT', expiration: new Date(START + 9_999_000) },
      ]
      const [first, second] = provided
      const credentials = async (): Promise<AwsCredentials> => provided.shift() ?? CREDENTIALS
      const store = makeStore(cache, { clock, credentials })
      cache.acceptOnly(await tokenAt(START, first))
      await store.load('a')

      await clock.advance(600_000)
      cache.acceptOnly(await tokenAt(START + 600_000, second))
      cache.cut()

      expect(await store.load('a')).toBeUndefined()
    })

    it.each([
      ['one server', false],
      ['a cluster', true],
    ])('to %s that is refused says what to look at, and works when it is allowed', async (_, isCluster) => {
      await using cache = await startTestCache({ isCluster })
      const store = makeStore(cache)
      cache.acceptOnly('something else')

      const failure: unknown = await store.load('a').catch((error: unknown) => error)
      expect(failure).toMatchObject({
        retryable: false,
        message: expect.stringContaining('the role needs elasticache:Connect on the cache and the user'),
      })
      expect(inspect(failure, { depth: 10 })).not.toContain('X-Amz-Signature')

      cache.acceptOnly(await tokenAt(START))
      await expect.poll(() => store.load('a'), { timeout: SLOW, interval: 100 }).toBeUndefined()
    })

    it.each([
      ['one server', false],
      ['a cluster', true],
    ])('to %s says that there are no credentials, and works when there are', async (_, isCluster) => {
      await using cache = await startTestCache({ isCluster })
      cache.acceptOnly(await tokenAt(START))
      let isSignedOut = true
      const credentials = async (): Promise<AwsCredentials> => {
        if (isSignedOut) throw new Error('the session of this profile is over: sign in')
        return CREDENTIALS
      }
      const store = makeStore(cache, { credentials })

      await expect(store.load('a')).rejects.toThrow(
        /^could not load connection "a": .* iam\.credentials .*the session of this profile is over: sign in/,
      )

      isSignedOut = false
      await expect.poll(() => store.load('a'), { timeout: SLOW, interval: 100 }).toBeUndefined()
    })

    it.each([
      ['one server', false, /iam\.credentials has not answered within 2000 ms/],
      // What asks the nodes for their slots tries again by itself, and may do so in time.
      ['a cluster', true, /^undefined$|iam\.credentials has not answered within 2000 ms/],
    ])('to %s gives up credentials that do not come, and asks again', async (_, isCluster, told) => {
      await using cache = await startTestCache({ isCluster })
      // Whatever is signed, and whenever.
      cache.ask('ACL', 'SETUSER', 'chat', 'nopass')
      const answers: Promise<AwsCredentials>[] = [new Promise(() => {})]
      const credentials = async (): Promise<AwsCredentials> => await (answers.shift() ?? CREDENTIALS)
      const store = makeStore(cache, { credentials, clock: systemClock })

      const first = await store.load('a').catch((error: unknown) => error)
      expect(String(first)).toMatch(told)

      await expect.poll(() => store.load('a'), { timeout: SLOW, interval: 100 }).toBeUndefined()
    })

    it(
      'is what the variables of the environment ask for',
      async () => {
        await using cache = await startTestCache({ isCluster: true })
        const listConnections = async (
          env: Record<string, string>,
        ): Promise<{ stdout: string; stderr: string }> =>
          await promisify(execFile)(process.execPath, ['cli/main.ts', 'connections'], {
            env: {
              PATH: process.env['PATH'],
              NODE_EXTRA_CA_CERTS: cache.caPath,
              CHANNELS_LAYER: 'redis',
              CHANNELS_REDIS_URL: cache.url,
              CHANNELS_REDIS_IAM_USER: 'chat',
              CHANNELS_REDIS_CACHE_NAME: 'my-cache',
              AWS_REGION: REGION,
              ...env,
            },
          })
        const credentials = { AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE', AWS_SECRET_ACCESS_KEY: 'secret' }
        cache.acceptOnly('something else')

        await expect(listConnections({})).rejects.toThrow(
          /there is no AWS_ACCESS_KEY_ID to log in to ElastiCache/,
        )
        await expect(listConnections(credentials)).rejects.toThrow(/refuses this username and password/)

        // Whatever is signed at that moment.
        cache.ask('ACL', 'SETUSER', 'chat', 'nopass')
        cache.ask('HSET', 'channels:c:{a=}', 'expiresAt', '9999999999', 'connectedAt', '1')
        const { stdout, stderr } = await listConnections(credentials)
        expect(stdout + stderr).toContain('a=')
      },
      SLOW,
    )
  },
)
