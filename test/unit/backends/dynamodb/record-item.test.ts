import { expect, it } from 'vitest'
import { itemOfRecord, recordOfItem, stateEntry } from '../../../../shared/backends/dynamodb/record-item.ts'

it.each(['count', 'a.b', 'size', '0', 'é☃😀', 'k'.repeat(255)])('stores a state under its key: %s', (key) => {
  expect(stateEntry(key, [1])).toEqual({ name: key, text: '[1]' })
})

// DynamoDB takes none of these as an attribute's name, or would not give it back; the embedded one is laxer.
it.each(['', '__proto__', '~', '\ud83d', 'a\udc00', 'k'.repeat(256), 'k'.repeat(70_000)])(
  'stores a state under a hash where DynamoDB would not take the key',
  (key) => {
    const { name, text } = stateEntry(key, [1])

    expect(name).toMatch(/^~[A-Za-z0-9_-]{43}$/)
    expect(text.isWellFormed()).toBe(true)
    expect(JSON.parse(text)).toEqual([key, [1]])
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
  const item = itemOfRecord(record)

  expect(item).not.toHaveProperty('groups')
  expect(recordOfItem('a', item)).toEqual(record)
})
