import { describe, expect, it } from 'vitest'
import { ConfigurationError, StoreError } from '../../../shared/errors.ts'
import type { JsonValue } from '../../../shared/message.ts'
import {
  ValueCodec,
  type ValueCodecOptions,
  type ValueSerializer,
} from '../../../shared/stores/value-codec.ts'
import { binarySerializer } from '../../support/binary-serializer.ts'

const symmetricEncryptionKeys = ['a key of at least 16 characters']
const place = 'connection "abc=", state key "cart"'

/** Text that a store in text could take for one of its own marks. */
const markedText: ValueSerializer = {
  serialize: (value) => `b64.${JSON.stringify(value)}`,
  deserialize: (stored: string) => JSON.parse(stored.slice('b64.'.length)) as JsonValue,
}

const setups: readonly (readonly [string, ValueCodecOptions])[] = [
  ['JSON', {}],
  ['bytes', { serializer: binarySerializer }],
  ['text of its own', { serializer: markedText }],
  ['JSON, encrypted', { symmetricEncryptionKeys }],
  ['bytes, encrypted', { serializer: binarySerializer, symmetricEncryptionKeys }],
  ['text of its own, encrypted', { serializer: markedText, symmetricEncryptionKeys }],
]

describe.each(setups)('a codec of %s', (_, options) => {
  it.each([null, true, 0, -1.5, '', 'b64.', 'txt.', 'é ☃ 😀', [], {}, { a: [1, { b: 'c' }] }])(
    'gives %j back, from a store of bytes and from one of text',
    (value) => {
      const codec = new ValueCodec(options)

      expect(codec.decode(codec.encode(value, place), place)).toEqual(value)
      expect(codec.decodeText(codec.encodeText(value, place), place)).toEqual(value)
    },
  )
})

describe('a value codec', () => {
  it('keeps JSON as it is by default, so that one can read the store', () => {
    expect(new ValueCodec().encode({ a: 1 }, place)).toBe('{"a":1}')
    expect(new ValueCodec().encodeText({ a: 1 }, place)).toBe('{"a":1}')
  })

  it('encrypts what is serialized, and binds it to its place', () => {
    const codec = new ValueCodec({ symmetricEncryptionKeys })
    const stored = codec.encodeText({ secret: 'Lovelace' }, place)

    expect(stored).toMatch(/^b64\.[\w-]+$/)
    expect(Buffer.from(stored.slice(4), 'base64url').includes('Lovelace')).toBe(false)
    expect(() => codec.decodeText(stored, 'connection "abc=", scope')).toThrow(/copied from elsewhere/)
  })

  it('keeps a copy of bytes, so that a serializer may use its buffer again', () => {
    const buffer = Buffer.alloc(1)
    const codec = new ValueCodec({
      serializer: {
        serialize: (value) => buffer.fill(Number(value)),
        deserialize: (bytes: Uint8Array) => bytes[0] ?? null,
      },
    })

    const [one, two] = [codec.encode(1, place), codec.encode(2, place)]

    expect([codec.decode(one, place), codec.decode(two, place)]).toEqual([1, 2])
  })

  it.each(setups.slice(0, 3))('does not take %s in clear where there are keys', (_, { serializer }) => {
    const options = serializer === undefined ? {} : { serializer }
    const stored = new ValueCodec(options).encode({ a: 1 }, place)

    const read = () => new ValueCodec({ ...options, symmetricEncryptionKeys }).decode(stored, place)

    expect(read).toThrow(StoreError)
    expect(read).toThrow(`${place} is stored in clear, and this store takes encrypted values only`)
  })

  it.each(setups.slice(3))('does not take %s where there are no keys', (_, options) => {
    const stored = new ValueCodec(options).encode({ a: 1 }, place)

    const read = () => new ValueCodec().decode(stored, place)

    expect(read).toThrow(StoreError)
    expect(read).toThrow(`${place} is stored encrypted, and this store has no symmetricEncryptionKeys: give`)
  })

  it.each([
    ['bytes as JSON', binarySerializer, undefined],
    ['JSON as bytes', undefined, binarySerializer],
    ['text of its own as JSON', markedText, undefined],
  ])('names the value and says what to do where it would read %s', (_, writer, reader) => {
    const stored = new ValueCodec(writer && { serializer: writer }).encode({ a: 1 }, place)

    const read = () => new ValueCodec(reader && { serializer: reader }).decode(stored, place)

    expect(read).toThrow(StoreError)
    expect(read).toThrow(
      /^connection "abc=", state key "cart" could not be read: .*give the store the serializer it was written with/,
    )
  })

  it.each<[string, () => unknown, string]>([
    ['undefined', () => undefined, 'returned undefined'],
    ['an object', () => ({}), 'returned an object'],
    ['a promise', () => Promise.resolve('{}'), 'returned a value of class Promise'],
    ['half a character', () => '"\ud83d"', 'returned a text with half a character'],
    [
      'nothing, but throws',
      () => {
        throw new RangeError('too deep')
      },
      'threw "RangeError: too deep"',
    ],
  ])('writes nothing where serialize() returns %s, and names the value', (_, serialize, problem) => {
    const codec = new ValueCodec({ serializer: { ...binarySerializer, serialize } as ValueSerializer })

    expect(() => codec.encode({ a: 1 }, place)).toThrow(StoreError)
    expect(() => codec.encode({ a: 1 }, place)).toThrow(
      `${place} could not be serialized, and was not written: serialize() ${problem}`,
    )
  })

  it.each([
    ['a value of class Date', new Date(0)],
    ['undefined', undefined],
    ['a bigint', 1n],
    ['a value of class Map', new Map()],
  ])('gives nobody %s that deserialize() makes of a value', (kind, made) => {
    const codec = new ValueCodec({
      serializer: { ...binarySerializer, deserialize: () => made as unknown as JsonValue },
    })
    const stored = codec.encode(1, place)

    expect(() => codec.decode(stored, place)).toThrow(`${place} could not be read: what is stored was`)
    expect(() => codec.decode(stored, place)).toThrow(`deserialized to ${kind}, which is not JSON`)
  })

  it.each([
    ['a name', 'msgpack', 'a string'],
    ['null', null, 'null'],
    ['half of one', { serialize: JSON.stringify }, 'an object'],
  ])('refuses %s as a serializer at start-up', (_, serializer, kind) => {
    const make = () => new ValueCodec({ serializer: serializer as unknown as ValueSerializer })

    expect(make).toThrow(ConfigurationError)
    expect(make).toThrow(`serializer is ${kind} without both serialize() and deserialize(): give`)
  })
})
