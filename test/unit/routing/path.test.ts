import { describe, expect, test } from 'vitest'
import { ConfigurationError } from '../../../shared/errors.ts'
import type { Converter } from '../../../shared/routing/converters.ts'
import { createPath, path, rePath } from '../../../shared/routing/path.ts'
import type { RouteMatch } from '../../../shared/routing/route-table.ts'
import { UrlRouter } from '../../../shared/routing/url-router.ts'

const application = (): Promise<void> => Promise.resolve()
const router = UrlRouter([])

function match(pattern: string, text: string, kwargs?: object): RouteMatch | undefined {
  return path(pattern, application, kwargs).match(text)
}

function kwargs(pattern: string, text: string): unknown {
  return match(pattern, text)?.kwargs
}

describe('path()', () => {
  test('a pattern without parameters matches itself and nothing else', () => {
    expect(kwargs('ws/chat/', 'ws/chat/')).toEqual({})
    expect(kwargs('ws/chat/', 'ws/chat/x')).toBeUndefined()
    expect(kwargs('ws/chat/', 'x/ws/chat/')).toBeUndefined()
    expect(kwargs('', '')).toEqual({})
  })

  test('a trailing slash counts, either way', () => {
    expect(kwargs('ws/chat/', 'ws/chat')).toBeUndefined()
    expect(kwargs('ws/chat', 'ws/chat/')).toBeUndefined()
  })

  test('characters that mean something in a regular expression are literal', () => {
    expect(kwargs('a.b+(c)*[d]{2}|e\\', 'a.b+(c)*[d]{2}|e\\')).toEqual({})
    expect(kwargs('a.b/', 'axb/')).toBeUndefined()
    expect(kwargs('a|b/', 'a')).toBeUndefined()
  })

  test('<name> means <str:name>, which takes anything but a slash', () => {
    expect(kwargs('chat/<room>/', 'chat/caf\u00e9 1/')).toEqual({ room: 'caf\u00e9 1' })
    expect(kwargs('chat/<str:room>/', 'chat/lobby/')).toEqual({ room: 'lobby' })
    expect(kwargs('chat/<str:room>/', 'chat/a/b/')).toBeUndefined()
    expect(kwargs('chat/<str:room>/', 'chat//')).toBeUndefined()
  })

  test('int takes digits and gives a number', () => {
    expect(kwargs('<int:id>', '0042')).toEqual({ id: 42 })
    expect(kwargs('<int:id>', '-1')).toBeUndefined()
    expect(kwargs('<int:id>', '1.5')).toBeUndefined()
    expect(kwargs('<int:id>', '\u0661\u0662')).toBeUndefined()
  })

  test('int has no match for a number that a number cannot tell from its neighbours', () => {
    expect(kwargs('<int:id>', '9007199254740991')).toEqual({ id: 9007199254740991 })
    expect(kwargs('<int:id>', '9007199254740993')).toBeUndefined()
  })

  test('slug takes ASCII letters, digits, - and _', () => {
    expect(kwargs('<slug:s>', 'a-B_9')).toEqual({ s: 'a-B_9' })
    expect(kwargs('<slug:s>', 'caf\u00e9')).toBeUndefined()
  })

  test('uuid takes lower case only', () => {
    const uuid = '075194d3-6885-417e-a8a8-6c931e272f00'
    expect(kwargs('<uuid:id>', uuid)).toEqual({ id: uuid })
    expect(kwargs('<uuid:id>', uuid.toUpperCase())).toBeUndefined()
  })

  test('path takes slashes too, and at least one character', () => {
    expect(kwargs('files/<path:p>', 'files/a/b.txt')).toEqual({ p: 'a/b.txt' })
    expect(kwargs('files/<path:p>', 'files/')).toBeUndefined()
  })

  test.each([
    ['<int:a>', '1'],
    ['<slug:a>', 'x'],
    ['<uuid:a>', '075194d3-6885-417e-a8a8-6c931e272f00'],
    ['<path:a>', 'x'],
    ['<str:a>/', 'x/'],
  ])('%s lets no line break through at its end', (pattern, text) => {
    expect(kwargs(pattern, text)).toBeDefined()
    expect(kwargs(pattern, `${text}\n`)).toBeUndefined()
  })

  test('own kwargs are merged over the captures', () => {
    expect(match('<room>/', 'lobby/', { room: 'fixed', extra: [1] })?.kwargs).toEqual({
      room: 'fixed',
      extra: [1],
    })
  })

  test('a path has no positional args', () => {
    expect(match('<room>', 'lobby')?.args).toEqual([])
  })

  test('names such as constructor and __proto__ are ordinary parameters', () => {
    const found = kwargs('<constructor>/<__proto__>', 'a/b')
    expect(Object.entries(found ?? {})).toEqual([
      ['constructor', 'a'],
      ['__proto__', 'b'],
    ])
  })

  test('over a router it matches a prefix and leaves the rest', () => {
    const route = path('rooms/<room>/', router)
    expect(route.match('rooms/lobby/members/1')).toEqual({
      args: [],
      kwargs: { room: 'lobby' },
      remaining: 'members/1',
    })
    expect(route.match('x/rooms/lobby/')).toBeUndefined()
  })

  test.each([
    ['rooms/<str: room>/', 'has white space at 11'],
    ['my rooms/', 'has white space at 2'],
    ['rooms/<year:y>/', 'uses the converter "year"'],
    ['rooms/<constructor:y>/', 'uses the converter "constructor"'],
    ['rooms/<:y>/', 'uses the converter ""'],
    ['<room>/<int:room>/', 'uses the parameter "room" more than once'],
    ['<str:1room>/', 'has a parameter named "1room"'],
    ['<str:my-room>/', 'has a parameter named "my-room"'],
    ['<a:b:c>/', 'has a parameter named "b:c"'],
    ['<>/', 'has a parameter named ""'],
    ['rooms/<room/', 'has a "<" or ">" on its own'],
    ['rooms/room>/', 'has a "<" or ">" on its own'],
    ['^rooms/', 'looks like a regular expression'],
    ['rooms/$', 'looks like a regular expression'],
    ['(?P<room>x)/', 'looks like a regular expression'],
  ])('%s is refused: %s', (pattern, problem) => {
    expect(() => path(pattern, application)).toThrow(ConfigurationError)
    expect(() => path(pattern, application)).toThrow(`path "${pattern}" ${problem}`)
  })
})

describe('createPath()', () => {
  const year: Converter<Date> = {
    regex: /[0-9]{4}|now/,
    toValue: (text) => {
      if (text === '0000') return undefined
      if (text === 'now') throw new RangeError('no clock here')
      return new Date(`${text}-01-01T00:00:00Z`)
    },
  }
  const datePath = createPath({ year })

  test('a custom converter makes the value', () => {
    expect(datePath('<year:y>/', application).match('2026/')?.kwargs).toEqual({
      y: new Date('2026-01-01T00:00:00Z'),
    })
    expect(datePath('<year:y>/', application).match('20261/')).toBeUndefined()
  })

  test('a converter that returns undefined, or throws, is no match', () => {
    expect(datePath('<year:y>/', application).match('0000/')).toBeUndefined()
    expect(datePath('<year:y>/', application).match('now/')).toBeUndefined()
  })

  test('the built-in converters stay known, unless one is replaced', () => {
    const bigPath = createPath({ int: { regex: /[0-9]+/, toValue: BigInt } })
    expect(datePath('<int:n>', application).match('7')?.kwargs).toEqual({ n: 7 })
    expect(bigPath('<int:n>', application).match('9007199254740993')?.kwargs).toEqual({
      n: 9007199254740993n,
    })
    expect(bigPath('<slug:n>', application).match('a')?.kwargs).toEqual({ n: 'a' })
  })

  test('its converters are known to its own paths alone', () => {
    expect(() => path('<year:y>/', application)).toThrow('uses the converter "year"')
  })

  test('a regex that captures does not shift the parameters', () => {
    const pairPath = createPath({ pair: { regex: /(a+)-(b+)/, toValue: (text: string) => text } })
    expect(pairPath('<pair:one>/<int:two>', application).match('aa-b/3')?.kwargs).toEqual({
      one: 'aa-b',
      two: 3,
    })
  })

  test('a regex with flags, and a name that cannot be written, are refused', () => {
    expect(() => createPath({ hex: { regex: /[a-f]+/i, toValue: String } })).toThrow(
      'converter "hex" has the regex /[a-f]+/i with flags',
    )
    expect(() => createPath({ 'a>b': { regex: /x/, toValue: String } })).toThrow('converter name "a>b"')
  })
})

describe('rePath()', () => {
  test('a pattern that ends in $ has to match the whole path, ^ or not', () => {
    const route = rePath(/ws\/chat\/(?<room>\w+)\/$/, application)
    expect(route.match('ws/chat/lobby/')?.kwargs).toEqual({ room: 'lobby' })
    expect(route.match('junk/ws/chat/lobby/')).toBeUndefined()
    expect(route.match('ws/chat/lobby/\n')).toBeUndefined()
  })

  test('the whole path is meant even with the flag m, and by every alternative', () => {
    expect(rePath(/^chat$/m, application).match('x\nchat')).toBeUndefined()
    expect(rePath(/a|b$/, application).match('ax')).toBeUndefined()
    expect(rePath(/a|b$/, application).match('a')).toBeDefined()
  })

  test('any other pattern is searched for anywhere, and the rest remains', () => {
    expect(rePath(/bar/, application).match('foo/bar/baz')?.remaining).toBe('/baz')
  })

  test('over a router a pattern ending in $ is searched for too', () => {
    expect(rePath(/^pre\/$/, router).match('pre/')?.remaining).toBe('')
    expect(rePath(/foo\/$/, router).match('pre/foo/')?.remaining).toBe('')
  })

  test('named groups become kwargs, and positional ones are then dropped', () => {
    const found = rePath(/^(\w+)\/(?<room>\w+)\/$/, application).match('chat/lobby/')
    expect(found).toEqual({ args: [], kwargs: { room: 'lobby' }, remaining: '' })
  })

  test('a named group that took no part is left out, and args stay empty', () => {
    const found = rePath(/^chat\/(?:(?<room>\w+)\/)?(x)?$/, application).match('chat/')
    expect(found).toMatchObject({ args: [], kwargs: {} })
    expect(Object.keys(found?.kwargs ?? {})).toEqual([])
  })

  test('without named groups the positional ones are args, an absent one empty', () => {
    expect(rePath(/^(\w+)\/(x)?(\d+)\/$/, application).match('chat/7/')?.args).toEqual(['chat', '', '7'])
  })

  test('\\w is ASCII, so a room name that no group could have is no match', () => {
    expect(rePath(/^chat\/(?<room>\w+)\/$/, application).match('chat/caf\u00e9/')).toBeUndefined()
  })

  test('own kwargs are merged over the captures', () => {
    expect(rePath(/^(?<room>\w+)$/, application, { room: 'fixed', n: 1 }).match('x')?.kwargs).toEqual({
      room: 'fixed',
      n: 1,
    })
  })

  test('flags that keep state between matches are refused', () => {
    expect(() => rePath(/x/g, application)).toThrow('rePath /x/g has the flag "g"')
    expect(() => rePath(/x/y, application)).toThrow(ConfigurationError)
  })

  test('matching twice gives the same', () => {
    const route = rePath(/^(?<room>\w+)\/$/i, application)
    expect(route.match('a/')).toEqual(route.match('a/'))
  })
})
