import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { InvalidMessageError } from '../../../shared/errors.ts'
import { deleteCookie, parseCookies, serializeCookie, setCookie } from '../../../shared/middleware/cookies.ts'

describe('parseCookies', () => {
  test.each([
    ['a=1; b=2', { a: '1', b: '2' }],
    ['a=1;b=2', { a: '1', b: '2' }],
    [' a = 1 ;\tb=2\t', { a: '1', b: '2' }],
    ['token=a=b==', { token: 'a=b==' }],
    ['empty=', { empty: '' }],
    ['quoted="a b"', { quoted: 'a b' }],
    ['half="a', { half: '"a' }],
    ['one="', { one: '"' }],
    ['name=J%C3%BCrgen%20%26', { name: 'Jürgen &' }],
    ['discount=50%; broken=%E0%A4', { discount: '50%', broken: '%E0%A4' }],
    ['flag; =nameless; a=1', { a: '1' }],
    ['', {}],
    [';;;', {}],
  ])('reads %j as a browser means it', (header, cookies) => {
    expect({ ...parseCookies([header]) }).toEqual(cookies)
  })

  test('reads several headers', () => {
    expect({ ...parseCookies(['a=1', 'b=2; c=3']) }).toEqual({ a: '1', b: '2', c: '3' })
  })

  test('takes the first of several cookies of one name, which is the one with the longest path', () => {
    expect({ ...parseCookies(['a=own; a=inherited', 'a=other']) }).toEqual({ a: 'own' })
  })

  test('has no cookie that was not sent, whatever its name', () => {
    const cookies = parseCookies(['a=1'])

    for (const name of ['constructor', 'toString', '__proto__', 'hasOwnProperty'])
      expect(cookies[name]).toBeUndefined()
  })

  test('keeps a cookie that is called __proto__ as a cookie', () => {
    expect(parseCookies(['__proto__=x'])['__proto__']).toBe('x')
    expect(({} as Record<string, unknown>)['x']).toBeUndefined()
  })

  test('takes no name with another white space than space and tab for the name without it', () => {
    for (const space of ['\u00a0', '\u2000', '\u3000', '\ufeff', '\v', '\u0085'])
      expect(parseCookies([`${space}sessionid=forged; __Host-a${space}=forged`])['sessionid']).toBeUndefined()
  })

  test('never throws, and gives text only, whatever is sent', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.oneof(
            fc.string({ unit: 'binary' }),
            fc.string({ unit: fc.constantFrom('a', '=', ';', '"', '%', ' ', '\t', '\\') }),
          ),
        ),
        (headers) => {
          for (const [name, value] of Object.entries(parseCookies(headers))) {
            expect(name).not.toBe('')
            expect(typeof value).toBe('string')
          }
        },
      ),
    )
  })
})

describe('serializeCookie', () => {
  test('sets a path and SameSite, and nothing else that was not asked for, as Channels', () => {
    expect(serializeCookie('theme', 'dark')).toBe('theme=dark; Path=/; SameSite=Lax')
  })

  test('writes all attributes', () => {
    const cookie = serializeCookie('theme', 'dark', {
      maxAgeSeconds: 60,
      expires: new Date(Date.UTC(2026, 0, 2, 3, 4, 5)),
      path: '/chat',
      domain: '.example.com',
      secure: true,
      httpOnly: true,
      sameSite: 'none',
    })

    expect(cookie).toBe(
      'theme=dark; Max-Age=60; Expires=Fri, 02 Jan 2026 03:04:05 GMT; Path=/chat; Domain=.example.com; Secure; HttpOnly; SameSite=None',
    )
  })

  test.each([
    ['a name with a space', () => serializeCookie('a b', '')],
    ['an empty name', () => serializeCookie('', '')],
    ['a name that begins another cookie', () => serializeCookie('a;b', '')],
    ['a line break in a name', () => serializeCookie('a\r\nset-cookie: b', '')],
    ['an attribute in the path', () => serializeCookie('a', '', { path: '/; Domain=evil.example' })],
    ['a line break in the path', () => serializeCookie('a', '', { path: '/\r\nx: y' })],
    ['a relative path', () => serializeCookie('a', '', { path: 'chat' })],
    ['an attribute in the domain', () => serializeCookie('a', '', { domain: 'a.example; Path=/' })],
    ['a lone surrogate', () => serializeCookie('a', '\ud800')],
    ['a broken age', () => serializeCookie('a', '', { maxAgeSeconds: 1.5 })],
    ['a date that is none', () => serializeCookie('a', '', { expires: new Date('never') })],
    ['an unknown sameSite', () => serializeCookie('a', '', { sameSite: 'Lax; Domain=x' as 'lax' })],
    ['SameSite=None without Secure', () => serializeCookie('a', '', { sameSite: 'none' })],
    ['__Secure- without Secure', () => serializeCookie('__Secure-a', '')],
    ['__Host- with a domain', () => serializeCookie('__Host-a', '', { secure: true, domain: 'a.example' })],
    ['__Host- with a path', () => serializeCookie('__Host-a', '', { secure: true, path: '/chat' })],
    ['more than browsers keep', () => serializeCookie('a', 'x'.repeat(4_095))],
  ])('refuses %s', (_, make) => {
    expect(make).toThrow(InvalidMessageError)
  })

  test('any value comes back as it was, and never ends the header or begins another attribute', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 200 }), (value) => {
        fc.pre(value.isWellFormed())
        const header = serializeCookie('a', value)
        const [pair = '', ...attributes] = header.split('; ')

        expect(header).toMatch(/^[\x21-\x7e ]*$/)
        expect(attributes).toEqual(['Path=/', 'SameSite=Lax'])
        expect(parseCookies([pair])['a']).toBe(value)
      }),
    )
  })
})

describe('the head of a response', () => {
  const head = { status: 200, headers: [['content-type', 'text/plain']] as const }

  test('gets one cookie more, and keeps the others', () => {
    const both = setCookie(setCookie(head, 'a', '1'), 'b', '2', { httpOnly: true })

    expect(both).toEqual({
      status: 200,
      headers: [
        ['content-type', 'text/plain'],
        ['set-cookie', 'a=1; Path=/; SameSite=Lax'],
        ['set-cookie', 'b=2; Path=/; HttpOnly; SameSite=Lax'],
      ],
    })
    expect(head.headers).toHaveLength(1)
  })

  test('deletes a cookie where it was set', () => {
    const { headers } = deleteCookie(head, 'a', { path: '/chat', domain: 'example.com' })

    expect(headers.at(-1)).toEqual([
      'set-cookie',
      'a=; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Path=/chat; Domain=example.com; SameSite=Lax',
    ])
  })
})
