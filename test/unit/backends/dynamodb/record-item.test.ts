import { expect, it } from 'vitest'
import { itemOfRecord, recordOfItem, stateEntry } from '../../../../shared/backends/dynamodb/record-item.ts'
import type { Item } from '../../../../shared/backends/dynamodb/transport.ts'
import { ValueCodec } from '../../../../shared/stores/value-codec.ts'
import { binarySerializer } from '../../../support/binary-serializer.ts'

it.each(['count', 'a.b', 'size', '0', 'é☃😀', 'k'.repeat(255)])('stores a state under its key: %s', (key) => {
  expect(stateEntry(key, [1])).toEqual({ name: key, value: [1] })
})

// DynamoDB takes none of these as an attribute's name, or would not give it back; the embedded one is laxer.
it.each(['', '__proto__', '~', '\ud83d', 'a\udc00', 'k'.repeat(256), 'k'.repeat(70_000)])(
  'stores a state under a hash where DynamoDB would not take the key',
  (key) => {
    const { name, value } = stateEntry(key, [1])

    expect(name).toMatch(/^~[A-Za-z0-9_-]{43}$/)
    expect(value).toEqual([key, [1]])
  },
)

it('gives keys that differ in half a character names that differ', () => {
  const names = ['\ud800', '\ud801', '\ufffd', ''].map((key) => stateEntry(key, 1).name)

  expect(new Set(names).size).toBe(4)
})

it('stores no empty set of groups, which DynamoDB refuses', () => {
  const record = {
    connectionId: 'a',
    scope: {},
    state: {},
    version: 0,
    groups: [],
    connectedAt: 1,
    expiresAt: 2,
  }
  const item = itemOfRecord(record, new ValueCodec())

  expect(item).not.toHaveProperty('groups')
  expect(recordOfItem('a', item, new ValueCodec())).toEqual(record)
})

const record = {
  connectionId: 'a',
  scope: { user: 'Ada' },
  state: { secret: 'Lovelace' },
  version: 0,
  groups: [],
  connectedAt: 1,
  expiresAt: 2,
}

it('stores JSON as text, and what is bytes as bytes', () => {
  const text = itemOfRecord(record, new ValueCodec())
  const binary = itemOfRecord(record, new ValueCodec({ serializer: binarySerializer }))

  expect(text['scope']).toEqual({ S: '{"user":"Ada"}' })
  expect(text['state']?.M).toEqual({ secret: { S: '"Lovelace"' } })
  expect(binary['scope']?.B).toBeInstanceOf(Uint8Array)
  expect(binary['state']?.M?.['secret']?.B).toBeInstanceOf(Uint8Array)
})

it('says which value it is that cannot be read', () => {
  const item = itemOfRecord(record, new ValueCodec())

  const read = (changes: Item) => () => recordOfItem('a', { ...item, ...changes }, new ValueCodec())

  expect(read({ scope: { S: '1' } })).toThrow(
    'connection "a", scope could not be read: what is stored is a number',
  )
  expect(read({ scope: { S: '{' } })).toThrow('connection "a", scope could not be read: what is stored made')
  expect(read({ state: { M: { cart: { S: '{' } } } })).toThrow(
    'connection "a", state key "cart" could not be',
  )
})
