import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ConfigurationError } from '../../../shared/errors.ts'
import { newSessionId, sessionKeyOf, SessionSigner } from '../../../shared/sessions/session-cookie.ts'

const NEW = 'a new secret of 32 bytes or more.'
const OLD = 'the old secret, of 32 bytes or more'

describe('SessionSigner', () => {
  test('takes back what it has signed, and nothing that another secret has', () => {
    const id = newSessionId()

    expect(new SessionSigner([NEW]).verify(new SessionSigner([NEW]).sign(id))).toBe(id)
    expect(new SessionSigner([NEW]).verify(new SessionSigner([OLD]).sign(id))).toBeUndefined()
  })

  test('takes signatures of older secrets, and signs with the first', () => {
    const id = newSessionId()
    const rotated = new SessionSigner([NEW, OLD])

    expect(rotated.verify(new SessionSigner([OLD]).sign(id))).toBe(id)
    expect(rotated.sign(id)).toBe(new SessionSigner([NEW]).sign(id))
  })

  test('takes no id without a signature, with another one, and no signature of another id', () => {
    const signer = new SessionSigner([NEW])
    const [mine, yours] = [newSessionId(), newSessionId()]
    const signature = signer.sign(mine).slice(44)

    for (const forged of [
      mine,
      `${mine}.`,
      `${mine}.${'A'.repeat(43)}`,
      `${yours}.${signature}`,
      `.${signature}`,
    ])
      expect(signer.verify(forged)).toBeUndefined()
  })

  test('takes no cookie in which a single character is another', () => {
    const signer = new SessionSigner([NEW])
    const cookie = signer.sign(newSessionId())

    const forged = [...cookie.split('').keys()].flatMap((at) =>
      ['A', 'B', '-', '_', '.', '=', ' ', 'é'].map(
        (other) => cookie.slice(0, at) + other + cookie.slice(at + 1),
      ),
    )
    const taken = forged.filter((value) => signer.verify(value) !== undefined)

    expect(new Set(taken)).toEqual(new Set(forged.includes(cookie) ? [cookie] : []))
  })

  test('takes nothing that it has not signed, and never throws', () => {
    const signer = new SessionSigner([NEW, OLD])
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: 'binary' }),
          fc
            .tuple(fc.base64String({ minLength: 40, maxLength: 46 }), fc.base64String({ minLength: 40 }))
            .map(([id, signature]) => `${id}.${signature}`),
        ),
        (cookie) => signer.verify(cookie) === undefined,
      ),
    )
  })

  test.each([
    ['no secrets', undefined, /has no secrets/],
    ['an empty list', [], /has no secrets/],
    ['a variable that is not set', [undefined], /secrets\[0\] of sessionMiddleware is undefined/],
    ['a short secret', [NEW, 'short'], /secrets\[1\] of sessionMiddleware has 5 bytes/],
  ])('refuses %s, and says how to make one', (_, secrets, message) => {
    const make = (): SessionSigner => new SessionSigner(secrets as string[])

    expect(make).toThrow(ConfigurationError)
    expect(make).toThrow(message)
    expect(make).toThrow(/randomBytes\(32\)/)
  })

  test('does not show a secret that it refuses', () => {
    expect(() => new SessionSigner(['hunter2'])).not.toThrow(/hunter2/)
  })
})

test('no id comes twice, and a key does not tell its id', () => {
  const ids = Array.from({ length: 1_000 }, () => newSessionId())

  expect(new Set(ids).size).toBe(ids.length)
  for (const id of ids) {
    expect(id).toMatch(/^[\w-]{43}$/)
    expect(sessionKeyOf(id)).not.toContain(id.slice(0, 8))
    expect(sessionKeyOf(id)).toBe(sessionKeyOf(id))
  }
})
