import { expect, test } from 'vitest'
import {
  isJsonValue,
  queueJson,
  requireJsonObject,
  requireMessage,
  requireMessageSize,
} from '../../../shared/codec.ts'
import { InvalidMessageError, MessageTooLargeError } from '../../../shared/errors.ts'

class Money {
  readonly amount = 1
}

const cyclic: Record<string, unknown> = { type: 'a' }
cyclic['self'] = { again: cyclic }

test.each([
  ['a Date', new Date(0), 'a Date, which JSON cannot carry: send toISOString() or getTime()'],
  ['a Map', new Map(), 'a Map, which JSON cannot carry: send an array or a plain object'],
  ['a Set', new Set(), 'a Set, which JSON cannot carry: send an array or a plain object'],
  ['bytes', new Uint8Array(1), 'a Uint8Array, which JSON cannot carry: send it as a base64 string'],
  ['a bigint', 12n, 'the bigint 12, which JSON cannot carry: send it as a string'],
  ['NaN', Number.NaN, 'NaN, which JSON cannot carry: send plain'],
  ['Infinity', Number.POSITIVE_INFINITY, 'Infinity, which JSON cannot carry'],
  ['a function', () => 1, 'a function, which JSON cannot carry'],
  ['a symbol', Symbol('x'), 'a symbol, which JSON cannot carry'],
  ['an object of a class', new Money(), 'a Money, which JSON cannot carry'],
  ['an Error', new Error('x'), 'a Error, which JSON cannot carry'],
])('%s is refused, with its path and what to do', (_, value, text) => {
  expect(() => requireMessage({ type: 'a', list: [{ value }] })).toThrow(InvalidMessageError)
  expect(() => requireMessage({ type: 'a', list: [{ value }] })).toThrow(`message.list[0].value is ${text}`)
})

test.each([
  ['undefined in an array', [1, undefined], 'message.list[1] is undefined'],
  // oxlint-disable-next-line no-sparse-arrays
  ['a hole in an array', [1, , 3], 'message.list[1] is undefined'],
])('%s is refused: JSON would make it null', (_, list, text) => {
  expect(() => requireMessage({ type: 'a', list })).toThrow(text)
})

test('a key whose value is undefined is left out', () => {
  expect(Object.keys(requireMessage({ type: 'a', b: undefined, c: { d: undefined } }))).toEqual(['type', 'c'])
})

test('-0, which JSON lacks, is 0', () => {
  expect(Object.is(requireMessage({ type: 'a', zero: -0 })['zero'], 0)).toBe(true)
})

test('an object that contains itself is refused, with its path', () => {
  expect(() => requireMessage(cyclic)).toThrow(
    'message.self.again refers to an object that contains it: send the id instead',
  )
})

test('an object that is there twice, side by side, is no cycle', () => {
  const shared = { a: 1 }

  expect(requireMessage({ type: 'a', x: shared, y: [shared, shared] })).toEqual({
    type: 'a',
    x: { a: 1 },
    y: [{ a: 1 }, { a: 1 }],
  })
})

test('what a client nests a thousand deep is refused, and exhausts neither stack nor memory', () => {
  const deep: unknown = JSON.parse(`${'['.repeat(5_000)}${']'.repeat(5_000)}`)

  expect(() => requireMessage({ type: 'a', deep })).toThrow(
    /nested more than 100 deep: send something flatter$/,
  )
  expect(isJsonValue(deep)).toBe(false)
})

test('what is nested 90 deep passes', () => {
  const deep: unknown = JSON.parse(`${'{"a":'.repeat(90)}1${'}'.repeat(90)}`)

  expect(requireMessage({ type: 'a', deep })['deep']).toEqual(deep)
})

test.each([
  [undefined, 'message is undefined'],
  [null, 'message is null'],
  ['chat.message', 'message is a string'],
  [['chat.message'], 'message is a Array'],
  [new Map([['type', 'a']]), 'message is a Map'],
  [() => ({ type: 'a' }), 'message is a function'],
])('%o is no message', (value, text) => {
  expect(() => requireMessage(value)).toThrow(`${text}: send a plain object with a "type"`)
})

test.each([
  [{}, 'message type is undefined'],
  [{ type: '' }, 'message type is a string'],
  [{ type: 42 }, 'message type is 42'],
  [{ type: ['a'] }, 'message type is a Array'],
])('%j has no type', (value, text) => {
  expect(() => requireMessage(value)).toThrow(text)
})

test.each(['websocket.connect', 'websocket.anything', 'http.request', 'lifespan.startup'])(
  '"%s" is reserved',
  (type) => {
    expect(() => requireMessage({ type })).toThrow(/which only the server may send: choose another prefix/)
  },
)

test.each(['websocket', 'websockets.a', 'https.a', 'chat.websocket.a'])('"%s" is not reserved', (type) => {
  expect(requireMessage({ type })).toEqual({ type })
})

test('a message is a copy: what its sender changes later does not travel', () => {
  const list = [1]
  const message = requireMessage({ type: 'a', list })
  list.push(2)

  expect(message['list']).toEqual([1])
})

test('objects without a prototype are plain objects', () => {
  expect(requireMessage(Object.assign(Object.create(null) as object, { type: 'a' }))).toEqual({ type: 'a' })
})

test('requireJsonObject names the path that it is given', () => {
  expect(() => requireJsonObject([], 'state')).toThrow('state is a Array: use a plain object')
  expect(() => requireJsonObject({ at: new Date(0) }, 'state')).toThrow('state.at is a Date')
})

test('a frame is measured in bytes', () => {
  expect(() => requireMessageSize('€'.repeat(10), 30)).not.toThrow()
  expect(() => requireMessageSize(`${'€'.repeat(10)}a`, 30)).toThrow(MessageTooLargeError)
  expect(() => requireMessageSize('a'.repeat(31), 30)).toThrow('frame has 31 bytes, 30 is the most')
  expect(() => requireMessageSize('a'.repeat(30), 30)).not.toThrow()
})

test('an event is measured in bytes of its JSON, and the error says what to do', () => {
  const fits = { type: 'a', text: '\n'.repeat(65_525) }
  expect(Buffer.byteLength(JSON.stringify(fits))).toBe(131_072)

  expect(requireMessage(fits)).toEqual(fits)
  expect(() => requireMessage({ ...fits, text: `${fits.text}€` })).toThrow(MessageTooLargeError)
  expect(() => requireMessage({ ...fits, text: `${fits.text}€` })).toThrow(
    'message "a" has 131075 bytes as JSON, 131072 is the most a channel layer carries: send an id from which',
  )
})

test('a queue is given only characters that SQS takes, and reads what was written', () => {
  const strange = [
    '\ufffe',
    '\uffff',
    '\ufdd0',
    '\u{1fffe}',
    '\u{10ffff}',
    '\ud800',
    '\u0000',
    '🦆',
    '\ufffd',
  ]
  const text = queueJson({ frames: strange, ['\uffff']: 1 })

  // https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html
  expect(text).toMatch(/^[\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]*$/u)
  expect(text).not.toMatch(/\p{Noncharacter_Code_Point}/u)
  expect(JSON.parse(text)).toEqual({ frames: strange, ['\uffff']: 1 })
})
