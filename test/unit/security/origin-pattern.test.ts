import { describe, expect, test } from 'vitest'
import { ConfigurationError } from '../../../shared/errors.ts'
import { originMatcher } from '../../../shared/security/origin-pattern.ts'

function matches(pattern: string, origin: string | undefined): boolean {
  return originMatcher([pattern])(origin)
}

describe('a pattern with a scheme is exactly that origin', () => {
  test.each([
    ['https://chat.example', 'https://chat.example'],
    ['https://chat.example', 'https://chat.example:443'],
    ['https://chat.example:443', 'https://chat.example'],
    ['http://chat.example', 'http://chat.example:80'],
    ['http://localhost:3000', 'http://localhost:3000'],
    ['HTTPS://Chat.Example', 'https://chat.example'],
    ['https://chat.example', 'HTTPS://CHAT.EXAMPLE'],
    ['https://bücher.example', 'https://xn--bcher-kva.example'],
    ['https://[2001:db8:0:0:0:0:0:1]', 'https://[2001:db8::1]'],
    ['https://[2001:DB8::1]:8443', 'https://[2001:db8::1]:8443'],
    ['capacitor://localhost', 'capacitor://localhost'],
    ['chrome-extension://abcdefghijklmnop', 'chrome-extension://abcdefghijklmnop'],
  ])('%s allows %s', (pattern, origin) => {
    expect(matches(pattern, origin)).toBe(true)
  })

  test.each([
    ['https://chat.example', 'http://chat.example'],
    ['https://chat.example', 'https://chat.example:8443'],
    ['http://chat.example', 'http://chat.example:443'],
    ['https://chat.example', 'https://www.chat.example'],
    ['https://chat.example', 'https://chat.example.evil.example'],
    ['https://chat.example', 'https://evilchat.example'],
    ['https://chat.example', 'https://chat.example.'],
    ['http://localhost:3000', 'http://localhost:30000'],
    ['http://localhost', 'capacitor://localhost'],
    ['capacitor://localhost', 'capacitor://localhost:80'],
  ])('%s refuses %s', (pattern, origin) => {
    expect(matches(pattern, origin)).toBe(false)
  })
})

describe('a pattern without a scheme is that host', () => {
  test.each([
    ['chat.example', 'https://chat.example'],
    ['chat.example', 'http://chat.example:8000'],
    ['localhost:3000', 'http://localhost:3000'],
    ['localhost:3000', 'https://localhost:3000'],
    ['localhost:443', 'https://localhost'],
    ['127.0.0.1', 'http://127.0.0.1:8000'],
    ['[::1]', 'http://[::1]:8000'],
    ['[::1]:8000', 'http://[::1]:8000'],
    ['BÜCHER.example', 'https://xn--bcher-kva.example'],
  ])('%s allows %s', (pattern, origin) => {
    expect(matches(pattern, origin)).toBe(true)
  })

  test.each([
    ['chat.example', 'https://www.chat.example'],
    ['chat.example', 'https://notchat.example'],
    ['localhost:3000', 'http://localhost'],
    ['localhost:3000', 'http://localhost:3001'],
    ['localhost:80', 'https://localhost'],
    ['127.0.0.1', 'http://127.0.0.10'],
    ['[::1]', 'http://[::11]'],
  ])('%s refuses %s', (pattern, origin) => {
    expect(matches(pattern, origin)).toBe(false)
  })
})

describe('a leading dot is the domain with all its subdomains', () => {
  test.each([
    ['.chat.example', 'https://chat.example'],
    ['.chat.example', 'https://a.chat.example:8000'],
    ['.chat.example', 'https://a.b.chat.example'],
    ['https://.chat.example', 'https://a.chat.example'],
    ['.chat.example:8000', 'http://a.chat.example:8000'],
  ])('%s allows %s', (pattern, origin) => {
    expect(matches(pattern, origin)).toBe(true)
  })

  test.each([
    ['.chat.example', 'https://evilchat.example'],
    ['.chat.example', 'https://chat.example.evil.example'],
    ['https://.chat.example', 'http://a.chat.example'],
    ['https://.chat.example', 'https://a.chat.example:8443'],
    ['.chat.example:8000', 'http://a.chat.example'],
  ])('%s refuses %s', (pattern, origin) => {
    expect(matches(pattern, origin)).toBe(false)
  })
})

test.each(['https://chat.example', 'null', 'garbage', undefined])('"*" allows %s', (origin) => {
  expect(matches('*', origin)).toBe(true)
})

test('the origin "null" is allowed only where it is listed', () => {
  expect(matches('null', 'null')).toBe(true)
  expect(matches('.example', 'null')).toBe(false)
  expect(matches('null', 'https://null')).toBe(false)
  expect(matches('null', undefined)).toBe(false)
})

test('a handshake without an origin is refused', () => {
  expect(originMatcher(['chat.example', 'https://chat.example', '.example', 'null'])(undefined)).toBe(false)
})

test.each([
  '',
  'chat.example',
  '//chat.example',
  'https://',
  'https://chat.example/',
  'https://chat.example/path',
  'https://chat.example?x',
  'https://chat.example#x',
  'https://user@chat.example',
  'https://evil.example@chat.example',
  'https://chat.example:',
  'https://chat.example:99999',
  'https://chat.example:abc',
  'https://chat.example:-1',
  'https://chat.example\u0000',
  'https://chat.example\\.evil.example',
  'https://chat.example, https://evil.example',
  'https://chat.example https://evil.example',
  ' https://chat.example',
  'https://chat%2eexample',
  'https://[::1',
  'https://::1',
  'https://[chat.example]',
  'https://[::1]]',
  'https://256.256.256.256',
  'https://[0:0:0:0:0:0:0:1]',
  '://chat.example',
  'https:chat.example',
  'javascript:alert(1)',
])('the malformed origin %j is refused, and nothing is thrown', (origin) => {
  const isAllowed = originMatcher([
    'chat.example',
    '.chat.example',
    'https://chat.example',
    '[::1]',
    '.evil.example',
  ])

  expect(isAllowed(origin)).toBe(false)
})

test.each([
  ['', 'matches no origin: use "https://chat.example"'],
  ['*.chat.example', '"*" stands alone or not at all'],
  ['https://*', '"*" stands alone or not at all'],
  ['https://chat.example/', 'an origin ends with its host and port'],
  ['chat.example/path', 'an origin ends with its host and port'],
  ['https://chat.example:99999', 'a port is 65535 at most'],
  ['localhost:port', 'matches no origin'],
  ['3000', 'matches no origin'],
  ['http://127.1', 'matches no origin'],
  ['::1', 'matches no origin'],
  ['[zz]', 'matches no origin'],
  ['.', 'matches no origin'],
  ['..chat.example', 'matches no origin'],
  ['.127.0.0.1', 'matches no origin'],
  ['.[::1]', 'matches no origin'],
  ['chat example', 'matches no origin'],
  ['https://user@chat.example', 'matches no origin'],
  ['NULL ', 'matches no origin'],
])('the pattern %j is refused when it is given', (pattern, reason) => {
  expect(() => originMatcher([pattern])).toThrow(ConfigurationError)
  expect(() => originMatcher([pattern])).toThrow(
    `origin pattern ${JSON.stringify(pattern)} matches no origin`,
  )
  expect(() => originMatcher([pattern])).toThrow(reason)
})

test('a pattern that is no string is refused when it is given', () => {
  expect(() => originMatcher([/chat/ as unknown as string])).toThrow('origin pattern of type object')
})

test('one of several patterns is enough', () => {
  const isAllowed = originMatcher(['https://a.example', 'b.example'])

  expect(['https://a.example', 'http://b.example', 'http://a.example'].map(isAllowed)).toEqual([
    true,
    true,
    false,
  ])
})
