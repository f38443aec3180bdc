import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import {
  isPassing,
  NoAnswer,
  NoToken,
  redisFailure,
} from '../../../../shared/backends/redis/redis-failure.ts'
import { StoreError } from '../../../../shared/errors.ts'

const context = { attempt: 'load connection "a"', server: 'redis at 127.0.0.1:6379', timeoutMs: 5_000 }

function reply(message: string): Error {
  return Object.assign(new Error(message), { name: 'ReplyError' })
}

function withCode(code: string): Error {
  return Object.assign(new Error(`failed with ${code}`), { code })
}

function named(name: string, message: string): Error {
  return Object.assign(new Error(message), { name })
}

describe('a failure of Redis', () => {
  it.each([
    reply('LOADING Redis is loading the dataset in memory'),
    reply('TRYAGAIN Multiple keys request during rehashing of slot'),
    reply('CLUSTERDOWN Hash slot not served'),
    reply("READONLY You can't write against a read only replica."),
    reply("OOM command not allowed when used memory > 'maxmemory'."),
    reply('ERR max number of clients reached'),
    reply('ERR Error running script (call to f_0): @user_script:1: LOADING Redis is loading'),
    withCode('ECONNREFUSED'),
    withCode('ECONNRESET'),
    withCode('ENOTFOUND'),
    withCode('ETIMEDOUT'),
    new Error('Command timed out'),
    new Error('Connection is closed.'),
    new Error('None of startup nodes is available'),
    named('MaxRetriesPerRequestError', 'Reached the max retries per request limit (which is 0).'),
    named('ClusterAllFailedError', 'Failed to refresh slots cache.'),
    named('AbortError', 'Command aborted due to connection close'),
    new NoAnswer('no connection in time'),
  ])('can be tried again after %s', (error) => {
    expect(redisFailure(error, context)).toMatchObject({ retryable: true, cause: error })
  })

  it.each([
    reply('NOAUTH Authentication required.'),
    reply('WRONGPASS invalid username-password pair or user is disabled.'),
    reply("NOPERM this user has no permissions to run the 'hgetall' command"),
    reply('WRONGTYPE Operation against a key holding the wrong kind of value'),
    reply('ERR Error running script (call to f_0): @user_script:2: WRONGTYPE Operation against a key'),
    reply('ERR unknown command'),
    withCode('DEPTH_ZERO_SELF_SIGNED_CERT'),
    withCode('CERT_HAS_EXPIRED'),
    withCode('ERR_TLS_CERT_ALTNAME_INVALID'),
    withCode('ERR_SSL_WRONG_VERSION_NUMBER'),
    new TypeError('client.hgetall is not a function'),
    'not an error',
  ])('cannot be helped by trying again after %s', (error) => {
    expect(redisFailure(error, context).retryable).toBe(false)
  })

  it('names the attempt, the server, what happened and what to do', () => {
    const { message } = redisFailure(reply('NOAUTH Authentication required.'), context)

    expect(message).toBe(
      'could not load connection "a": redis at 127.0.0.1:6379 wants a password: set username and password (NOAUTH Authentication required.; at most 5000 ms)',
    )
  })

  it('tells why there was no connection, rather than that there was none', () => {
    const connectFailure = withCode('ECONNREFUSED')

    const failure = redisFailure(new NoAnswer('no connection in time'), { ...context, connectFailure })

    expect(failure.cause).toBe(connectFailure)
    expect(failure.message).toContain('failed with ECONNREFUSED')
  })

  it('tells why a node of a cluster failed, rather than that all did', () => {
    const all = Object.assign(named('ClusterAllFailedError', 'Failed to refresh slots cache.'), {
      lastNodeError: withCode('ECONNREFUSED'),
    })

    expect(redisFailure(all, context).message).toContain('failed with ECONNREFUSED')
  })

  it.each([
    reply('WRONGPASS invalid username-password pair or user is disabled.'),
    reply("NOPERM this user has no permissions to run the 'cluster|slots' command"),
    new NoToken('no AWS credentials to sign with: signed out'),
  ])('of a cluster cannot be helped by trying again when its nodes say %s', (lastNodeError) => {
    const all = Object.assign(named('ClusterAllFailedError', 'Failed to refresh slots cache.'), {
      lastNodeError,
    })

    const failure = redisFailure(all, context)

    expect(failure.retryable).toBe(false)
    expect(failure.message).toContain(lastNodeError.message)
  })

  it.each([
    ['WRONGPASS no', 'auth', ['ada', 'secret']],
    [
      "OOM command not allowed when used memory > 'maxmemory'.",
      'evalsha',
      ['sha', '1', 'k', '{"token":"secret"}'],
    ],
    ["NOPERM this user has no permissions to run the 'set' command", 'set', ['session:secret', 'secret']],
  ])(
    'shows no argument of a command that was answered with %s, of one server or of a node',
    (text, name, args) => {
      const refusal = (): Error => Object.assign(reply(text), { command: { name, args } })
      const all = Object.assign(named('ClusterAllFailedError', 'all'), { lastNodeError: refusal() })
      const connectFailure = refusal()

      for (const failure of [
        redisFailure(refusal(), context),
        redisFailure(all, context),
        redisFailure(new NoAnswer('no connection in time'), { ...context, connectFailure }),
      ]) {
        expect(inspect(failure, { depth: 10 })).not.toContain('secret')
        expect(inspect(failure, { depth: 10 })).toContain(name)
      }
    },
  )

  it.each([null, undefined])('can be %s, which somebody threw', (nothing) => {
    expect(isPassing(nothing)).toBe(false)
    expect(redisFailure(nothing, context).message).toContain(`(${String(nothing)}; at most 5000 ms)`)
  })

  it('by a login that has expired says that credentials expire', () => {
    const { message } = redisFailure(
      reply('WRONGPASS invalid username-password pair or user is disabled.'),
      context,
    )

    expect(message).toContain('with iam, the role needs elasticache:Connect')
    expect(message).toContain('credentials that have not expired')
  })

  it('leaves a failure alone that is one of ours already', () => {
    const failure = new StoreError('told', { retryable: false })

    expect(redisFailure(failure, context)).toBe(failure)
  })
})
