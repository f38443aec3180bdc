import fc from 'fast-check'
import { expect, test } from 'vitest'
import { isJsonValue, requireJsonObject, requireMessage } from '../../shared/codec.ts'
import { InvalidMessageError } from '../../shared/errors.ts'

const key = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 8 }),
  fc.constantFrom('__proto__', 'constructor', 'type', 'toJSON', ''),
)
const { json } = fc.letrec<{ json: unknown; object: Record<string, unknown> }>((tie) => ({
  json: fc.oneof(
    { maxDepth: 4 },
    fc.constant(null),
    fc.boolean(),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.string({ unit: 'binary' }),
    fc.array(tie('json'), { maxLength: 4 }),
    tie('object'),
  ),
  object: fc
    .array(fc.tuple(key, tie('json')), { maxLength: 4 })
    .map((entries) => Object.fromEntries(entries)),
}))
const object = fc
  .array(fc.tuple(key, json), { maxLength: 6 })
  .map((entries): Record<string, unknown> => Object.fromEntries(entries))
const type = fc
  .stringMatching(/^[a-z]{1,8}\.[a-z]{1,8}$/)
  .filter((name) => !/^(?:http|websocket|lifespan)\./.test(name))

test('what a layer accepts comes back from JSON unchanged', () => {
  fc.assert(
    fc.property(object, type, (payload, name) => {
      const message = requireMessage({ ...payload, type: name })
      expect(JSON.parse(JSON.stringify(message))).toEqual(message)
      expect(JSON.stringify(message)).toBe(JSON.stringify(requireMessage(message)))
      expect(Object.keys(message).toSorted()).toEqual(Object.keys({ ...payload, type: name }).toSorted())
    }),
    { numRuns: 500 },
  )
})

test('a copy shares no object with what it was made of, and nothing on it is inherited', () => {
  fc.assert(
    fc.property(object, (payload) => {
      const copy = requireJsonObject(payload, 'state')
      const shared = Object.entries(copy).filter(
        ([name, value]) => typeof value === 'object' && value !== null && value === payload[name],
      )
      expect(shared).toEqual([])
      expect(Object.getPrototypeOf(copy)).toBe(Object.prototype)
    }),
  )
})

test('isJsonValue says yes to exactly what JSON gives back', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        json,
        fc.anything({
          withBigInt: true,
          withDate: true,
          withMap: true,
          withSet: true,
          withSparseArray: true,
        }),
      ),
      (value) => {
        if (!isJsonValue(value)) return
        const text = JSON.stringify(value)
        expect(JSON.stringify(JSON.parse(text))).toBe(text)
      },
    ),
    { numRuns: 500 },
  )
})

test('a value that is not JSON is refused with the path that leads to it', () => {
  const bad = fc.constantFrom(
    new Date(0),
    new Map(),
    new Set(),
    1n,
    Number.NaN,
    -Infinity,
    () => 1,
    Symbol('x'),
    new Uint8Array(1),
  )
  const step = fc.oneof(fc.nat(3), fc.stringMatching(/^[a-z]{1,5}$/))

  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 6 }), bad, (steps, value) => {
      let payload: unknown = value
      let path = ''
      for (const each of steps.toReversed()) {
        payload = typeof each === 'number' ? [...Array<number>(each).fill(0), payload] : { [each]: payload }
        path = (typeof each === 'number' ? `[${each}]` : `.${each}`) + path
      }
      const refuse = (): unknown => requireMessage({ type: 'a.b', payload })
      expect(refuse).toThrow(InvalidMessageError)
      expect(refuse).toThrow(`message.payload${path} is `)
    }),
  )
})
