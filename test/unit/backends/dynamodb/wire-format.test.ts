import { expect, it } from 'vitest'
import { fromWire, toWire } from '../../../../shared/backends/dynamodb/wire-format.ts'

it.each([
  ['an array of bytes', Uint8Array.of(0, 1, 255)],
  ['a Buffer', Buffer.of(0, 1, 255)],
  ['a part of a larger one', Buffer.of(9, 0, 1, 255, 9).subarray(1, 4)],
])('%s is base64 on the wire, and bytes again behind it', (_, bytes) => {
  const wire = toWire({ Item: { scope: { B: bytes }, state: { M: { a: { B: bytes } } } } })

  expect(wire).toBe('{"Item":{"scope":{"B":"AAH/"},"state":{"M":{"a":{"B":"AAH/"}}}}}')
  const { Item } = fromWire(wire) as { Item: Record<string, { B: Uint8Array }> }
  expect(Item['scope']?.B).toBeInstanceOf(Uint8Array)
  expect([...(Item['scope']?.B ?? [])]).toEqual([0, 1, 255])
})

it.each([
  { Item: { scope: { S: '{"B":"AAH/"}' } } },
  { Item: { state: { M: { B: { S: 'AAH/' } } } } },
  { Item: { state: { M: { B: { M: { B: { N: '1' } } } } } } },
  { Responses: { B: [{ pk: { S: 'B' } }] } },
])('text stays text, whatever is called B: %j', (message) => {
  expect(fromWire(toWire(message))).toEqual(message)
  // The same where there are bytes as well.
  const mixed = { ...message, bytes: { B: Uint8Array.of(1) } }
  expect(fromWire(toWire(mixed))).toMatchObject(message)
})
