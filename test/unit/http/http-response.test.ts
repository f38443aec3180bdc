import { crc32 } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type HttpResponse, ResponseParser } from '../../../shared/http/http-response.ts'

const MAX_BODY_BYTES = 65_536
const OK = 'HTTP/1.1 200 OK\r\n'

describe('ResponseParser', () => {
  it('reads the same responses however they are cut into pieces', () => {
    const stream = [
      `${OK}Content-Length: 5\r\n\r\nhello`,
      'HTTP/1.1 204 No Content\r\n\r\n',
      `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n${OK}Content-Length: 0\r\n\r\n`,
      `${OK}Transfer-Encoding: chunked\r\n\r\n3;name=value\r\nabc\r\nA\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\n`,
      'HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n',
      `HTTP/1.1 410 Gone\r\nContent-Length: 4\r\nConnection: close\r\n\r\ngrü`,
    ]
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 50 }), (sizes) => {
        const parser = new ResponseParser(MAX_BODY_BYTES)
        const responses = stream.flatMap((text) => feed(parser, Buffer.from(text), sizes))
        expect(responses.map(({ status, body, keepAlive }) => [status, body, keepAlive])).toEqual([
          [200, 'hello', true],
          [204, '', true],
          [200, '', true],
          [200, 'abc0123456789', true],
          [304, '', true],
          [410, 'grü', false],
        ])
      }),
    )
  })

  it('does not keep a piece that may be overwritten', () => {
    const parser = new ResponseParser(MAX_BODY_BYTES)
    for (const text of [`${OK}Content-`, 'Length: 4\r\n\r\nab']) {
      const piece = Buffer.from(text)
      expect(parser.push(piece)).toBeUndefined()
      piece.fill('#')
    }
    expect(parser.push(Buffer.from('cd'))?.body).toBe('abcd')
  })

  it('reads a body without a length up to the end of the socket, which is then used up', () => {
    const parser = new ResponseParser(MAX_BODY_BYTES)
    expect(parser.push(Buffer.from(`${OK}\r\nhel`))).toBeUndefined()
    expect(parser.push(Buffer.from('lo'))).toBeUndefined()
    expect(parser.end()).toMatchObject({ body: 'hello', keepAlive: false })
  })

  it('does not take the end of the socket for the end of a body with a length', () => {
    const parser = new ResponseParser(MAX_BODY_BYTES)
    parser.push(Buffer.from(`${OK}Content-Length: 5\r\n\r\nhel`))
    expect(parser.end()).toBeUndefined()
  })

  it.each([
    ['with a length', (body: Buffer) => [`${OK}Content-Length: ${body.length}\r\n\r\n`, body]],
    [
      'in one chunk',
      (body: Buffer) => [
        `${OK}Transfer-Encoding: chunked\r\n\r\n${body.length.toString(16)}\r\n`,
        body,
        '\r\n0\r\n\r\n',
      ],
    ],
  ])('reads a body of 5 MB %s, out of a buffer that is overwritten', (_, render) => {
    const text = 'grüße '.repeat(700_000)
    const parser = new ResponseParser(8_000_000)
    const data = Buffer.concat(render(Buffer.from(text)).map((part) => Buffer.from(part)))
    expect(data.length).toBeGreaterThan(4_900_000)
    const buffer = Buffer.alloc(65_536)
    const responses: HttpResponse[] = []
    for (let from = 0; from < data.length; from += buffer.length) {
      const bytes = data.copy(buffer, 0, from)
      const response = parser.push(buffer.subarray(0, bytes))
      if (response) responses.push(response)
    }
    expect(responses.map(({ body }) => body === text)).toEqual([true])
  })

  it('checks the checksum that AWS sends, however the body comes', () => {
    const body = '{"Item":{}}'
    const [start, end] = [body.slice(0, 4), body.slice(4)]
    const chunks = `4\r\n${start}\r\n${end.length}\r\n${end}\r\n0\r\n\r\n`
    for (const framed of [
      `Content-Length: 11\r\n\r\n${body}`,
      `Transfer-Encoding: chunked\r\n\r\n${chunks}`,
    ]) {
      const head = (checksum: number | string): Buffer =>
        Buffer.from(`${OK}X-Amz-Crc32: ${checksum}\r\n${framed}`)
      const push = (checksum: number | string): unknown =>
        new ResponseParser(MAX_BODY_BYTES).push(head(checksum))
      expect(push(crc32(body))).toMatchObject({ body })
      expect(() => push(crc32('another'))).toThrow('damaged')
      expect(() => push('none')).toThrow('x-amz-crc32')
    }
  })

  it('tells bytes beyond a response', () => {
    const parser = new ResponseParser(MAX_BODY_BYTES)
    expect(parser.push(Buffer.from(`${OK}Content-Length: 0\r\n\r\nHT`))?.status).toBe(200)
    expect(parser.hasStarted).toBe(true)
  })

  it.each([
    ['1.1', '', true],
    ['1.1', 'Connection: Close\r\n', false],
    ['1.1', 'Connection: upgrade, close\r\n', false],
    ['1.0', '', false],
    ['1.0', 'Connection: keep-alive\r\n', true],
  ])('knows whether the socket may be used again: HTTP/%s %j', (version, header, keepAlive) => {
    const text = `HTTP/${version} 200 OK\r\n${header}content-length:0\r\n\r\n`
    expect(new ResponseParser(MAX_BODY_BYTES).push(Buffer.from(text))?.keepAlive).toBe(keepAlive)
  })

  it('knows how long the peer keeps an idle socket', () => {
    const text = `${OK}Keep-Alive: max=5, timeout=7\r\nContent-Length: 0\r\n\r\n`
    expect(new ResponseParser(MAX_BODY_BYTES).push(Buffer.from(text))?.keepAliveMs).toBe(7000)
  })

  it.each([
    ['another protocol', 'SSH-2.0-OpenSSH_9.2\r\n'],
    ['a status line without a status', 'HTTP/1.1 OK\r\n\r\n'],
    ['HTTP/2', 'HTTP/2 200\r\n\r\n'],
    ['an upgrade', 'HTTP/1.1 101 Switching Protocols\r\n\r\n'],
    ['a header without a colon', `${OK}nonsense\r\n\r\n`],
    ['a header without a name', `${OK}: value\r\n\r\n`],
    ['a folded header', `${OK}A: b\r\n c: d\r\n\r\n`],
    ['two lengths', `${OK}Content-Length: 1\r\nContent-Length: 2\r\n\r\nab`],
    ['a negative length', `${OK}Content-Length: -1\r\n\r\n`],
    ['an unknown transfer-encoding', `${OK}Transfer-Encoding: gzip\r\n\r\n`],
    ['a chunk size that is none', `${OK}Transfer-Encoding: chunked\r\n\r\nxyz\r\n`],
    ['a chunk that is longer than it says', `${OK}Transfer-Encoding: chunked\r\n\r\n2\r\nabcd\r\n`],
    ['endless headers', `${OK}${'A: b\r\n'.repeat(4000)}`],
    ['headers that are too large', `${OK}A: ${'b'.repeat(20_000)}\r\n\r\n`],
    ['a body that is too large', `${OK}Content-Length: 99999\r\n\r\n`],
    ['chunks that are too large', `${OK}Transfer-Encoding: chunked\r\n\r\nFFFFFF\r\n`],
    ['a body that does not end', `${OK}\r\n${'x'.repeat(70_000)}`],
  ])('refuses %s', (_, text) => {
    expect(() => new ResponseParser(MAX_BODY_BYTES).push(Buffer.from(text))).toThrow(
      expect.objectContaining({ kind: 'garbage' }),
    )
  })
})

function feed(parser: ResponseParser, data: Buffer, sizes: readonly number[]): HttpResponse[] {
  const responses: HttpResponse[] = []
  for (let from = 0, index = 0; from < data.length; index += 1) {
    const to = from + (sizes[index % sizes.length] ?? 1)
    const response = parser.push(Buffer.from(data.subarray(from, to)))
    if (response) responses.push(response)
    from = to
  }
  return responses
}
