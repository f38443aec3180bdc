import { describe, expect, it, vi } from 'vitest'
import { ConfigurationError } from '../../../shared/errors.ts'
import { FastPoster, type FastPosterOptions } from '../../../shared/gateway/fast-poster.ts'
import { posterContract } from '../../contracts/poster.ts'
import { ConnectionsStub } from '../../support/connections-stub.ts'
import { HastyClock } from '../../support/hasty-clock.ts'
import { testCertificate } from '../../support/test-certificate.ts'

const CREDENTIALS = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret', sessionToken: 'token' }

posterContract('FastPoster', ({ ca, ...options }) =>
  makePoster({ ...options, ...(ca === undefined ? {} : { tls: { ca } }) }),
)

describe('FastPoster sockets', { timeout: 30_000 }, () => {
  it('queues 10 000 posts over at most maxSockets sockets', async () => {
    await using stub = await ConnectionsStub.start()
    const poster = makePoster({ endpoint: stub.endpoint, maxSockets: 5, timeoutMs: 25_000 })
    await Promise.all(Array.from({ length: 10_000 }, (_, index) => poster.post(`id${index}`, 'hello')))
    poster.destroy()
    expect(new Set(stub.requests.map((request) => request.path)).size).toBe(10_000)
    expect(stub.socketsOpened).toBe(5)
  })

  it('opens more than 64 sockets when responses are slow', async () => {
    await using stub = await ConnectionsStub.start()
    stub.script = () => 'hang'
    const poster = makePoster({ endpoint: stub.endpoint, maxSockets: 150, timeoutMs: 25_000 })
    const controller = new AbortController()
    const posts = Array.from({ length: 1000 }, () =>
      poster.post('id', 'hello', { signal: controller.signal }),
    )
    const settled = Promise.allSettled(posts)
    await vi.waitFor(() => expect(stub.socketsOpen).toBe(150), 20_000)
    controller.abort()
    await settled
    expect(stub.socketsOpened).toBe(150)
  })

  it('opens no more than 64 sockets while the event loop itself is the bottleneck', async () => {
    await using stub = await ConnectionsStub.start()
    const poster = makePoster({ endpoint: stub.endpoint, timeoutMs: 25_000 })
    await Promise.all(Array.from({ length: 3000 }, (_, index) => poster.post(`id${index}`, 'hello')))
    poster.destroy()
    expect(stub.socketsOpened).toBeLessThanOrEqual(64)
  })

  it('closes no socket that is at work by destroy', async () => {
    await using stub = await ConnectionsStub.start()
    stub.script = () => 'hang'
    const poster = makePoster({ endpoint: stub.endpoint, maxTries: 1, timeoutMs: 25_000 })
    const controller = new AbortController()
    const settled = Promise.allSettled([poster.post('id', 'hello', { signal: controller.signal })])
    await vi.waitFor(() => expect(stub.requests).toHaveLength(1), 10_000)
    poster.destroy()
    controller.abort('the test is over')
    expect(await settled).toEqual([{ status: 'rejected', reason: 'the test is over' }])
  })

  it('does not use a socket again that was idle for 20 seconds of wall time', async () => {
    await using stub = await ConnectionsStub.start()
    const clock = new HastyClock()
    const poster = makePoster({ endpoint: stub.endpoint, clock })
    await poster.post('id', 'one')
    clock.time += 19_000
    await poster.post('id', 'two')
    clock.time += 21_000
    await poster.post('id', 'three')
    poster.destroy()
    expect(stub.requests.map((request) => request.socket)).toEqual([1, 1, 2])
  })

  it('gives a socket up before the peer says that it will', async () => {
    await using stub = await ConnectionsStub.start()
    stub.script = () => ({ status: 200, headers: { 'Keep-Alive': 'timeout=5' } })
    const clock = new HastyClock()
    const poster = makePoster({ endpoint: stub.endpoint, clock })
    await poster.post('id', 'one')
    clock.time += 3000
    await poster.post('id', 'two')
    clock.time += 4500
    await poster.post('id', 'three')
    poster.destroy()
    expect(stub.requests.map((request) => request.socket)).toEqual([1, 1, 2])
  })

  it('tries again at once, and on a fresh socket, when a kept-alive one turns out to be dead', async () => {
    await using stub = await ConnectionsStub.start()
    const clock = new HastyClock()
    const poster = makePoster({ endpoint: stub.endpoint, clock, maxTries: 2 })
    await Promise.all(Array.from({ length: 8 }, () => poster.post('id', 'warm')))
    const sockets = stub.socketsOpened
    stub.script = (request) => (request.socket <= sockets ? 'reset' : { status: 200 })
    await poster.post('id', 'after the thaw')
    poster.destroy()
    expect(stub.bodies.filter((body) => body === 'after the thaw')).toHaveLength(2)
    expect(clock.sleeps).toEqual([])
  })

  it('does not trust a socket that sent more than was asked for', async () => {
    await using stub = await ConnectionsStub.start()
    const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'
    stub.script = () => ({ raw: `${ok}${ok.replace('200', '410')}` })
    const poster = makePoster({ endpoint: stub.endpoint })
    await poster.post('id', 'one')
    await poster.post('id', 'two')
    expect(stub.socketsOpened).toBe(2)
  })

  it('fails all that wait when no connection can be made', async () => {
    const stub = await ConnectionsStub.start()
    const { endpoint } = stub
    await stub[Symbol.asyncDispose]()
    const poster = makePoster({ endpoint, clock: new HastyClock() })
    const outcomes = await Promise.allSettled(Array.from({ length: 1000 }, () => poster.post('id', 'hello')))
    expect(outcomes.every((each) => each.status === 'rejected')).toBe(true)
  })

  it.skipIf(!testCertificate())('resumes TLS sessions', async () => {
    const certificate = testCertificate()
    await using stub = await ConnectionsStub.start(certificate)
    const poster = makePoster({ endpoint: stub.endpoint, tls: { ca: certificate?.cert ?? '' } })
    await poster.post('id', 'one')
    poster.destroy()
    await poster.post('id', 'two')
    poster.destroy()
    expect([stub.socketsOpened, stub.socketsResumed]).toEqual([2, 1])
  })

  it.skipIf(!testCertificate())('refuses a certificate that it has no reason to trust', async () => {
    await using stub = await ConnectionsStub.start(testCertificate())
    const poster = makePoster({ endpoint: stub.endpoint, clock: new HastyClock() })
    await expect(poster.post('id', 'one')).rejects.toThrow(/self-signed/)
    expect(stub.requests).toHaveLength(0)
  })
})

describe('FastPoster calls that have not begun', { timeout: 30_000 }, () => {
  it('end with the reason of their signal, and are never sent', async () => {
    await using stub = await ConnectionsStub.start()
    stub.script = () => 'hang'
    const poster = makePoster({ endpoint: stub.endpoint, maxSockets: 1, timeoutMs: 25_000 })
    const [held, dropped] = [new AbortController(), new AbortController()]
    const posts = Array.from({ length: 10 }, () => poster.post('id', 'hello', { signal: held.signal }))
    const last = poster.post('last', 'hello', { signal: dropped.signal })
    await vi.waitFor(() => expect(stub.requests).toHaveLength(1), 10_000)

    dropped.abort('dropped')

    await expect(last).rejects.toBe('dropped')
    stub.script = () => ({ status: 200 })
    held.abort('held')
    await Promise.allSettled(posts)
    await poster.post('next', 'hello')
    poster.destroy()
    expect(stub.requests.map(({ path }) => path.split('/').at(-1))).toEqual(['id', 'next'])
  })

  it('are not held up by calls that wait for their next try', async () => {
    await using stub = await ConnectionsStub.start()
    stub.script = ({ path }) => ({ status: path.includes('slow') ? 429 : 200 })
    const { promise: wait, resolve: goOn } = Promise.withResolvers<void>()
    const poster = makePoster({
      endpoint: stub.endpoint,
      maxSockets: 1,
      maxTries: 2,
      clock: { now: () => Date.now(), sleep: () => wait },
    })
    const slow = Array.from({ length: 5 }, (_, index) => poster.post(`slow${index}`, 'hello'))
    const settled = Promise.allSettled(slow)

    await Promise.all(Array.from({ length: 15 }, (_, index) => poster.post(`fast${index}`, 'hello')))

    goOn()
    expect(new Set((await settled).map(({ status }) => status))).toEqual(new Set(['rejected']))
    poster.destroy()
  })

  it('all learn that there are no credentials', async () => {
    const poster = makePoster({
      endpoint: 'http://127.0.0.1:1/prod',
      maxSockets: 1,
      credentials: async () => Promise.reject(new Error('no role')),
      clock: new HastyClock(),
    })
    const posts = Array.from({ length: 20 }, () => poster.post('id', 'hello'))
    for (const { reason } of (await Promise.allSettled(posts)) as PromiseRejectedResult[]) {
      expect(reason).toMatchObject({ message: expect.stringContaining('no role') })
    }
  })
})

describe('FastPoster credentials', () => {
  it('asks the provider once for many posts', async () => {
    await using stub = await ConnectionsStub.start()
    const credentials = vi.fn(async () => CREDENTIALS)
    const poster = makePoster({ endpoint: stub.endpoint, credentials })
    await Promise.all(Array.from({ length: 50 }, () => poster.post('id', 'hello')))
    await poster.post('id', 'hello')
    poster.destroy()
    expect(credentials).toHaveBeenCalledTimes(1)
    expect(stub.requests[0]?.headers.get('x-amz-security-token')).toBe('token')
  })

  it('renews credentials before they expire', async () => {
    await using stub = await ConnectionsStub.start()
    const clock = new HastyClock()
    const credentials = vi.fn(async () => ({ ...CREDENTIALS, expiration: new Date(clock.time + 3_600_000) }))
    const poster = makePoster({ endpoint: stub.endpoint, credentials, clock })
    await poster.post('id', 'hello')
    clock.time += 3_500_000
    await poster.post('id', 'hello')
    expect(credentials).toHaveBeenCalledTimes(1)
    clock.time += 50_000
    await poster.post('id', 'hello')
    poster.destroy()
    expect(credentials).toHaveBeenCalledTimes(2)
  })

  it('posts again with newer credentials after a 403, and loses no frame to expired ones', async () => {
    await using stub = await ConnectionsStub.start()
    stub.script = ({ headers }) => ({ status: headers.get('x-amz-security-token') === 'old' ? 403 : 200 })
    const credentials = vi.fn(async () => ({ ...CREDENTIALS, sessionToken: 'new' }))
    credentials.mockResolvedValueOnce({ ...CREDENTIALS, sessionToken: 'old' })
    const poster = makePoster({ endpoint: stub.endpoint, credentials, maxTries: 1 })

    await Promise.all([poster.post('a=', 'hello'), poster.post('b=', 'hello')])

    poster.destroy()
    expect(credentials).toHaveBeenCalledTimes(2)
    expect(stub.requests).toHaveLength(4)
  })

  it('asks for new credentials after a 403, and sends none twice', async () => {
    await using stub = await ConnectionsStub.start()
    stub.script = (_, index) => ({ status: index === 0 ? 403 : 200 })
    const credentials = vi.fn(async () => CREDENTIALS)
    const poster = makePoster({ endpoint: stub.endpoint, credentials })
    await expect(poster.post('id', 'hello')).rejects.toMatchObject({ status: 403 })
    expect(stub.requests).toHaveLength(1)
    expect(credentials).toHaveBeenCalledTimes(2)
    await poster.post('id', 'hello')
    poster.destroy()
  })

  it('says that there were no credentials, after trying again', async () => {
    await using stub = await ConnectionsStub.start()
    const credentials = vi.fn(async () => {
      throw new Error('the role is missing')
    })
    const poster = makePoster({ endpoint: stub.endpoint, credentials, clock: new HastyClock() })
    await expect(poster.post('id', 'hello')).rejects.toThrow(/credentials.*the role is missing/)
    expect(credentials).toHaveBeenCalledTimes(4)
    expect(stub.requests).toHaveLength(0)
  })

  it('refuses credentials that would forge a header, without quoting them', async () => {
    await using stub = await ConnectionsStub.start()
    const credentials = async (): Promise<typeof CREDENTIALS> => ({
      ...CREDENTIALS,
      sessionToken: 'a\r\nhost: b',
    })
    const failure = makePoster({ endpoint: stub.endpoint, credentials }).post('id', 'hello')
    await expect(failure).rejects.toBeInstanceOf(ConfigurationError)
    await expect(failure).rejects.not.toThrow('host: b')
    expect(stub.requests).toHaveLength(0)
  })

  it('signs when the request is sent, so that a retry has the time of the retry', async () => {
    await using stub = await ConnectionsStub.start()
    const clock = new HastyClock(Date.UTC(2026, 10, 22, 8, 0, 0))
    stub.script = (_, index) => {
      clock.time += 3_600_000
      return { status: index === 0 ? 500 : 200 }
    }
    const poster = makePoster({ endpoint: stub.endpoint, clock })
    await poster.post('id', 'hello')
    poster.destroy()
    expect(stub.requests.map((request) => request.headers.get('x-amz-date'))).toEqual([
      '20261122T080000Z',
      '20261122T090000Z',
    ])
  })
})

describe('FastPoster options', () => {
  it.each([
    [{ maxSockets: 0 }, 'maxSockets is 0'],
    [{ timeoutMs: -1 }, 'timeoutMs is -1'],
    [{ maxTries: 1.5 }, 'maxTries is 1.5'],
    [{ endpoint: 'wss://abc.execute-api.eu-west-1.amazonaws.com/prod' }, 'not an http or https URL'],
    [{ endpoint: 'https://ws.example.com/prod' }, 'does not name its region'],
  ])('refuses %o', (options, message) => {
    const make = (): FastPoster => makePoster({ endpoint: 'http://127.0.0.1:1/prod', ...options })
    expect(make).toThrow(ConfigurationError)
    expect(make).toThrow(message)
  })
})

function makePoster(options: Partial<FastPosterOptions> & { readonly endpoint: string }): FastPoster {
  return new FastPoster({ credentials: async () => CREDENTIALS, timeoutMs: 10_000, ...options })
}
