import fc from 'fast-check'
import { expect, test } from 'vitest'
import { FrameMeter, textMessage } from '../../../local/frame.ts'

function header(firstByte: number, size: number, isMasked: boolean): Buffer {
  const mask = isMasked ? 0x80 : 0
  const key = Buffer.alloc(isMasked ? 4 : 0, 0xff)
  if (size < 126) return Buffer.concat([Buffer.from([firstByte, mask | size]), key])
  if (size < 65_536) return Buffer.concat([Buffer.from([firstByte, mask | 126, size >> 8, size & 0xff]), key])
  const long = Buffer.alloc(10)
  long[0] = firstByte
  long[1] = mask | 127
  long.writeBigUInt64BE(BigInt(size), 2)
  return Buffer.concat([long, key])
}

function frame(firstByte: number, size: number, isMasked = true): Buffer {
  return Buffer.concat([header(firstByte, size, isMasked), Buffer.alloc(size, 0x82)])
}

const harmless = fc
  .record({
    firstByte: fc.constantFrom(0x81, 0x01, 0x80, 0x00, 0x89, 0x8a),
    size: fc.oneof(fc.integer({ min: 0, max: 130 }), fc.constantFrom(125, 126, 127, 32_767, 32_768)),
    isMasked: fc.boolean(),
  })
  .map(({ firstByte, size, isMasked }) => ({ firstByte, bytes: frame(firstByte, size, isMasked) }))

const refused = fc.constantFrom(
  { code: 1003, bytes: frame(0x82, 3) },
  { code: 1003, bytes: frame(0x02, 0) },
  { code: 1009, bytes: frame(0x81, 32_769) },
  { code: 1009, bytes: frame(0x00, 70_000) },
  { code: 1009, bytes: header(0x81, 2 ** 40, true) },
)

test('the meter finds the refused frame and counts the messages before it, however the bytes are cut', () => {
  fc.assert(
    fc.property(
      fc.array(harmless, { maxLength: 6 }),
      refused,
      fc.array(fc.integer({ min: 1, max: 40_000 }), { minLength: 1, maxLength: 20 }),
      (before, { code, bytes }, cuts) => {
        const meter = new FrameMeter()
        const stream = Buffer.concat([...before.map((item) => item.bytes), bytes])
        let at = 0
        for (let turn = 0; at < stream.length; turn += 1) {
          const size = cuts[turn % cuts.length] ?? 1
          meter.read(stream.subarray(at, at + size))
          at += size
        }
        const messages = before.filter(({ firstByte }) => firstByte === 0x81 || firstByte === 0x80).length
        expect(meter.violation).toMatchObject({ code, messagesBefore: messages })
      },
    ),
    { numRuns: 200 },
  )
})

test('the meter lets everything else pass', () => {
  fc.assert(
    fc.property(fc.array(harmless, { maxLength: 10 }), (frames) => {
      const meter = new FrameMeter()
      expect(meter.read(Buffer.concat(frames.map(({ bytes }) => bytes)))).toBeUndefined()
    }),
    { numRuns: 100 },
  )
})

test('an outbound message is one unmasked final frame up to 32 KB', () => {
  expect(textMessage(Buffer.from('hi'))).toEqual(Buffer.from([0x81, 2, 0x68, 0x69]))
  expect(textMessage(Buffer.alloc(0))).toEqual(Buffer.from([0x81, 0]))
  expect(textMessage(Buffer.alloc(126)).subarray(0, 4)).toEqual(Buffer.from([0x81, 126, 0, 126]))
  expect(textMessage(Buffer.alloc(32_768)).length).toBe(32_768 + 4)
})

test('a longer one is cut into fragments of 32 KB', () => {
  const bytes = textMessage(Buffer.alloc(65_537, 0x61))

  const first = 0
  const second = 4 + 32_768
  const third = 2 * second
  expect([bytes[first], bytes[second], bytes[third]]).toEqual([0x01, 0x00, 0x80])
  expect(bytes.subarray(third)).toEqual(Buffer.from([0x80, 1, 0x61]))
})
