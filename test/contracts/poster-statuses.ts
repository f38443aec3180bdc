import { expect, it, vi } from 'vitest'
import { ConnectionGoneError, DeliveryError, MessageTooLargeError } from '../../shared/errors.ts'
import type { StubReply } from '../support/connections-stub.ts'
import { type Given, ID, INFO } from './poster-fixture.ts'

/** What each status means. */
export function statuses(given: Given): void {
  it('resolves a post that is answered with 200', async () => {
    await using fixture = await given()
    await fixture.poster.post(ID, 'hello')
    expect(fixture.stub.bodies).toEqual(['hello'])
  })

  it('closes with DELETE and takes 204 for success', async () => {
    await using fixture = await given(() => ({ status: 204 }))
    await fixture.poster.close(ID)
    await fixture.poster.close(ID)
    expect(fixture.stub.requests.map((request) => request.method)).toEqual(['DELETE', 'DELETE'])
  })

  it('tells who closes a connection that it is gone, or is not open yet', async () => {
    await using fixture = await given(() => ({
      status: 410,
      headers: { 'x-amzn-ErrorType': 'GoneException' },
    }))
    await expect(fixture.poster.close(ID)).rejects.toBeInstanceOf(ConnectionGoneError)
    expect(fixture.stub.requests).toHaveLength(1)
  })

  it('names the permission that a refused DELETE needs', async () => {
    await using fixture = await given(() => ({ status: 403 }))
    await expect(fixture.poster.close(ID)).rejects.toThrow(/execute-api:ManageConnections for DELETE/)
  })

  it('gets a connection with its dates in milliseconds', async () => {
    await using fixture = await given(() => ({ status: 200, body: JSON.stringify(INFO) }))
    expect(await fixture.poster.get(ID)).toEqual({
      connectedAt: Date.UTC(2025, 1, 3, 1, 46, 33, 523),
      lastActiveAt: Date.UTC(2025, 1, 3, 1, 46, 36, 76),
      sourceIp: '203.0.113.7',
      userAgent: 'wscat',
    })
  })

  it('gets a connection whose client sent no user agent', async () => {
    const info = { ...INFO, identity: { sourceIp: '203.0.113.7', userAgent: null } }
    await using fixture = await given(() => ({ status: 200, body: JSON.stringify(info) }))
    expect((await fixture.poster.get(ID)).userAgent).toBeUndefined()
  })

  it.each([
    ['with its header and no body', { status: 410, headers: { 'x-amzn-ErrorType': 'GoneException' } }],
    ['without the header', { status: 410 }],
  ])('takes 410 %s for a connection that is gone, at the first try', async (_, reply) => {
    await using fixture = await given(() => reply)
    const failure = fixture.poster.post(ID, 'hello')
    await expect(failure).rejects.toBeInstanceOf(ConnectionGoneError)
    await expect(failure).rejects.toThrow(ID)
    expect(fixture.stub.requests).toHaveLength(1)
  })

  it('takes 413 for a message that is too large, at the first try', async () => {
    await using fixture = await given(() => ({ status: 413, body: '{"message":"too long"}' }))
    await expect(fixture.poster.post(ID, 'hello')).rejects.toBeInstanceOf(MessageTooLargeError)
    expect(fixture.stub.requests).toHaveLength(1)
  })

  it.each([
    [403, 'ForbiddenException'],
    [400, 'BadRequestException'],
  ])('does not try %i again, and quotes what the service said', async (status, type) => {
    const reply = { status, headers: { 'x-amzn-ErrorType': type }, body: '{"message":"the reason"}' }
    await using fixture = await given(() => reply)
    const failure = fixture.poster.post(ID, 'hello')
    await expect(failure).rejects.toBeInstanceOf(DeliveryError)
    await expect(failure).rejects.toMatchObject({ retryable: false, status })
    await expect(failure).rejects.toThrow('the reason')
    expect(fixture.stub.requests).toHaveLength(1)
  })
}

/** What is tried again, and how it ends. */
export function tryingAgain(given: Given): void {
  it('tries 429 again after a wait', async () => {
    await using fixture = await given((_, index) => ({ status: index < 2 ? 429 : 200 }))
    await fixture.poster.post(ID, 'hello')
    expect(fixture.stub.bodies).toEqual(['hello', 'hello', 'hello'])
    expect(fixture.clock.sleeps).toHaveLength(2)
  })

  it('tells of each 429, and of nothing else', async () => {
    const statuses = [429, 503, 429]
    await using fixture = await given((_, index) => ({ status: statuses[index] ?? 200 }))
    await fixture.poster.post(ID, 'hello')
    expect(fixture.throttled).toBe(2)
  })

  it('gives up a 429 that does not end', async () => {
    await using fixture = await given(() => ({ status: 429 }))
    const failure = fixture.poster.post(ID, 'hello')
    await expect(failure).rejects.toBeInstanceOf(DeliveryError)
    await expect(failure).rejects.toMatchObject({ retryable: true, status: 429 })
    expect(fixture.stub.requests).toHaveLength(4)
  })

  it('has fewer posts under way once many connections are throttled', async () => {
    await using fixture = await given()
    const { stub, poster, clock } = fixture
    const seen = new Set<string>()
    stub.script = ({ path }) => {
      clock.time += 1
      const isThrottled = path.includes('throttled') && !seen.has(path)
      seen.add(path)
      return { status: isThrottled ? 429 : 200 }
    }
    await Promise.all(Array.from({ length: 300 }, (_, index) => poster.post(`throttled${index}=`, 'x')))
    const before = stub.requests.length
    await Promise.all(Array.from({ length: 60 }, (_, index) => poster.post(`c${index}=`, 'x')))
    const sockets = new Set(stub.requests.slice(before).map(({ socket }) => socket))
    expect(before).toBe(600)
    expect(sockets.size).toBeLessThan(32)
  })

  it('tries 500 again', async () => {
    await using fixture = await given((_, index) => ({ status: index < 1 ? 500 : 200 }))
    await fixture.poster.post(ID, 'hello')
    expect(fixture.stub.requests).toHaveLength(2)
  })

  it('gives up a try that hangs, tries again, and fails in the end', async () => {
    await using fixture = await given(() => 'hang', 100)
    const failure = fixture.poster.post(ID, 'hello')
    await expect(failure).rejects.toBeInstanceOf(DeliveryError)
    await expect(failure).rejects.toMatchObject({ retryable: true, status: undefined })
    expect(fixture.stub.requests).toHaveLength(4)
  })

  it('succeeds after a try that hung', async () => {
    await using fixture = await given((_, index) => (index < 1 ? 'hang' : { status: 200 }), 300)
    await fixture.poster.post(ID, 'hello')
    expect(fixture.stub.requests.length).toBeGreaterThan(1)
  })

  it.each<[string, StubReply]>([
    ['a reset before the response', 'reset'],
    ['a reset in the middle of the response', { raw: 'HTTP/1.1 200 OK\r\nContent-Le', then: 'reset' }],
    ['half a body', { raw: 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{"a"', then: 'close' }],
    ['garbage', { raw: '220 mail.example ESMTP\r\n\r\n' }],
  ])('tries again after %s', async (_, reply) => {
    await using fixture = await given((__, index) => (index < 1 ? reply : { status: 200 }))
    await fixture.poster.post(ID, 'hello')
    expect(fixture.stub.requests).toHaveLength(2)
  })

  it('fails in the end when every response breaks off', async () => {
    await using fixture = await given(() => ({
      raw: 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{"a"',
      then: 'reset',
    }))
    await expect(fixture.poster.post(ID, 'hello')).rejects.toMatchObject({
      code: 'DELIVERY_FAILED',
      retryable: true,
    })
    expect(fixture.stub.requests).toHaveLength(4)
  })

  it('fails in the end when nobody listens', async () => {
    await using fixture = await given()
    await fixture.stub[Symbol.asyncDispose]()
    await expect(fixture.poster.post(ID, 'hello')).rejects.toMatchObject({
      code: 'DELIVERY_FAILED',
      retryable: true,
    })
  })

  it('survives that idle sockets are closed between two posts', async () => {
    await using fixture = await given()
    await fixture.poster.post(ID, 'one')
    fixture.stub.closeSockets()
    await fixture.poster.post(ID, 'two')
    expect(fixture.stub.bodies).toEqual(['one', 'two'])
  })

  it('can be used again after destroy', async () => {
    await using fixture = await given()
    await fixture.poster.post(ID, 'one')
    fixture.poster.destroy()
    await vi.waitFor(() => expect(fixture.stub.socketsOpen).toBe(0), 10_000)
    await fixture.poster.post(ID, 'two')
    expect(fixture.stub.bodies).toEqual(['one', 'two'])
  })
}
