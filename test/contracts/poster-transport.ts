import { expect, it, vi } from 'vitest'
import { MessageTooLargeError } from '../../shared/errors.ts'
import { MAX_MESSAGE_BYTES } from '../../shared/limits.ts'
import { responseText } from '../support/connections-stub.ts'
import { type Given, ID, INFO } from './poster-fixture.ts'

const OK = responseText({ status: 200 })

/** Which responses are understood, and when a socket is used again. */
export function responses(given: Given): void {
  it('uses a socket again for the next post', async () => {
    await using fixture = await given()
    for (const text of ['one', 'two', 'three']) await fixture.poster.post(ID, text)
    expect(fixture.stub.socketsOpened).toBe(1)
  })

  it('opens a new socket where the peer closes each after its response', async () => {
    const raw = responseText({ status: 200, headers: { Connection: 'close' } })
    await using fixture = await given(() => ({ raw, then: 'close' }))
    for (const text of ['one', 'two', 'three']) await fixture.poster.post(ID, text)
    expect(fixture.stub.bodies).toEqual(['one', 'two', 'three'])
    expect(fixture.stub.socketsOpened).toBe(3)
  })

  it('reads a chunked body that comes in pieces', async () => {
    const text = JSON.stringify(INFO)
    const [first, second] = [text.slice(0, 20), text.slice(20)]
    const chunk = (part: string): string => `${part.length.toString(16)}\r\n${part}\r\n`
    const head = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n'
    const raw = [head, chunk(first).slice(0, 9), chunk(first).slice(9) + chunk(second), '0\r\n', '\r\n']
    await using fixture = await given(() => ({ raw }))
    expect(await fixture.poster.get(ID)).toMatchObject({ sourceIp: '203.0.113.7' })
    expect(await fixture.poster.get(ID)).toMatchObject({ sourceIp: '203.0.113.7' })
    expect(fixture.stub.socketsOpened).toBe(1)
  })

  it('reads a response that comes byte by byte', async () => {
    const raw = OK.split('')
    await using fixture = await given(() => ({ raw }))
    await fixture.poster.post(ID, 'one')
    expect(fixture.stub.requests).toHaveLength(1)
  })

  it('reads a response that ends with its socket', async () => {
    const raw = `HTTP/1.1 200 OK\r\n\r\n${JSON.stringify(INFO)}`
    await using fixture = await given(() => ({ raw, then: 'close' }))
    expect(await fixture.poster.get(ID)).toMatchObject({ sourceIp: '203.0.113.7' })
    expect(fixture.stub.requests).toHaveLength(1)
  })

  it('skips an interim response', async () => {
    await using fixture = await given(() => ({ raw: `HTTP/1.1 100 Continue\r\n\r\n${OK}` }))
    await fixture.poster.post(ID, 'one')
    await fixture.poster.post(ID, 'two')
    expect(fixture.stub.bodies).toEqual(['one', 'two'])
  })
}

/** What the service sees. */
export function arrivals(given: Given): void {
  it.each(['e_d2EewNLPECIGw=', 'JC1dgf9yoAMCK-g=', '--__--==', 'a b/c%3D'])(
    'names the connection %s in the path, encoded once',
    async (id) => {
      await using fixture = await given()
      await fixture.poster.post(id, 'hello')
      const path = fixture.stub.requests[0]?.path ?? ''
      expect(path.startsWith('/prod/@connections/')).toBe(true)
      expect(decodeURIComponent(path.slice('/prod/@connections/'.length))).toBe(id)
      expect(path).not.toMatch(/[=%]$|%25(?!3D)/)
    },
  )

  it.each([
    ['ASCII', 'hello'],
    ['Latin-1', 'Grüße, señor'],
    ['characters of 2, 3 and 4 bytes', 'é – 漢字 – 👩‍👩‍👧'],
    ['line breaks and NUL', 'a\r\n\r\nb\u0000c'],
    ['nothing', ''],
    ['a full message', 'x'.repeat(MAX_MESSAGE_BYTES)],
    ['a full message of 3 byte characters', '漢'.repeat(Math.floor(MAX_MESSAGE_BYTES / 3))],
  ])('delivers %s byte for byte', async (_, text) => {
    await using fixture = await given()
    await fixture.poster.post(ID, text)
    expect(fixture.stub.requests[0]?.body.equals(Buffer.from(text))).toBe(true)
  })

  it.each(['x'.repeat(MAX_MESSAGE_BYTES + 1), '漢'.repeat(43_691)])(
    'refuses a message that is too large before anything is sent',
    async (text) => {
      await using fixture = await given()
      await expect(fixture.poster.post(ID, text)).rejects.toBeInstanceOf(MessageTooLargeError)
      expect(fixture.stub.socketsOpened).toBe(0)
    },
  )

  it('delivers each of 2000 posts made at once, exactly once', async () => {
    await using fixture = await given(undefined, 25_000)
    const ids = Array.from({ length: 2000 }, (_, index) => `id${index}=`)
    await Promise.all(ids.map((id) => fixture.poster.post(id, `to ${id}`)))
    expect(fixture.stub.bodies.toSorted()).toEqual(ids.map((id) => `to ${id}`).toSorted())
  })

  it('sends each of many texts to its own connection', async () => {
    await using fixture = await given(undefined, 25_000)
    const ids = Array.from({ length: 200 }, (_, index) => `id${index}`)
    await Promise.all(ids.map((id) => fixture.poster.post(id, `to ${id}`)))
    for (const request of fixture.stub.requests) {
      expect(request.body.toString()).toBe(`to ${request.path.slice('/prod/@connections/'.length)}`)
    }
  })
}

/** What an abort ends. */
export function aborting(given: Given): void {
  it('sends nothing if the signal is aborted before', async () => {
    await using fixture = await given()
    const reason = new Error('too late')
    await expect(fixture.poster.post(ID, 'hello', { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
    expect(fixture.stub.requests).toHaveLength(0)
  })

  it('ends a post that waits for its response', async () => {
    await using fixture = await given(() => 'hang', 25_000)
    const controller = new AbortController()
    const reason = new Error('too late')
    const settled = Promise.allSettled([fixture.poster.post(ID, 'hello', { signal: controller.signal })])
    await vi.waitFor(() => expect(fixture.stub.requests).toHaveLength(1), 10_000)
    controller.abort(reason)
    expect(await settled).toEqual([{ status: 'rejected', reason }])
    expect(fixture.stub.requests).toHaveLength(1)
  })

  it('ends posts that wait for their turn, and serves the next ones', async () => {
    await using fixture = await given(() => 'hang', 25_000)
    const controller = new AbortController()
    const reason = new Error('too late')
    const posts = Array.from({ length: 500 }, () =>
      fixture.poster.post(ID, 'no', { signal: controller.signal }),
    )
    const settled = Promise.allSettled(posts)
    await vi.waitFor(() => expect(fixture.stub.requests.length).toBeGreaterThan(0), 10_000)
    fixture.stub.script = () => ({ status: 200 })
    controller.abort(reason)
    const outcomes = await settled
    const arrived = fixture.stub.requests.length
    await fixture.poster.post(ID, 'yes')
    expect(
      outcomes.filter((each) => each.status === 'rejected' && each.reason === reason).length,
    ).toBeGreaterThan(300)
    expect(arrived).toBeLessThan(500)
    expect(fixture.stub.bodies.at(-1)).toBe('yes')
  })

  it('leaves posts with another signal alone', async () => {
    const controller = new AbortController()
    await using fixture = await given(
      (request) => (request.body.toString() === 'no' ? 'hang' : { status: 200 }),
      25_000,
    )
    const other = new AbortController()
    const settled = Promise.allSettled([fixture.poster.post(ID, 'no', { signal: controller.signal })])
    const posts = Array.from({ length: 20 }, () => fixture.poster.post(ID, 'yes', { signal: other.signal }))
    controller.abort()
    expect(await settled).toMatchObject([{ status: 'rejected' }])
    await Promise.all(posts)
    expect(fixture.stub.bodies.filter((body) => body === 'yes')).toHaveLength(20)
  })
}
