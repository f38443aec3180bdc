import { describe, expect, it } from 'vitest'
import { IamToken } from '../../../../shared/backends/redis/iam-login.ts'
import { NoToken } from '../../../../shared/backends/redis/redis-failure.ts'
import type { AwsCredentials, CredentialsProvider } from '../../../../shared/http/credentials-cache.ts'
import { ManualClock } from '../../../../shared/testing/manual-clock.ts'

const CREDENTIALS: AwsCredentials = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret' }

function tokenOf(credentials: CredentialsProvider, clock: ManualClock): IamToken {
  return new IamToken({ userName: 'chat', cacheName: 'cache', region: 'eu-west-1', credentials, clock })
}

/** Does not answer the first call, ever. */
function hangingOnce(): CredentialsProvider {
  let calls = 0
  return () => ((calls += 1) === 1 ? new Promise(() => {}) : Promise.resolve(CREDENTIALS))
}

describe('a token', () => {
  it('is given up by all who wait for credentials that do not come, and made when they do', async () => {
    const clock = new ManualClock()
    const token = tokenOf(hangingOnce(), clock)

    const prepared = Promise.allSettled([token.prepare(2_000), token.prepare(2_000)])
    await clock.advance(2_000)
    const failure = {
      status: 'rejected',
      reason: expect.objectContaining({
        name: 'NoToken',
        message: 'no AWS credentials to sign with: iam.credentials has not answered within 2000 ms',
      }),
    }
    expect(await prepared).toEqual([failure, failure])
    expect(() => String(token)).toThrow(NoToken)

    await token.prepare(2_000)
    expect(String(token)).toContain('AKIDEXAMPLE')
  })

  it('leaves no timer behind when there are credentials, or an error', async () => {
    const clock = new ManualClock()

    await tokenOf(async () => CREDENTIALS, clock).prepare(2_000)
    await expect(
      tokenOf(() => Promise.reject(new Error('signed out')), clock).prepare(2_000),
    ).rejects.toThrow('signed out')

    expect(clock.sleeping).toBe(0)
  })
})
