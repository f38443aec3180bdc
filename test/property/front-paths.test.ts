import fc from 'fast-check'
import { expect, test } from 'vitest'
import { FRONT_PATHS_CODE } from '../../cdk/front-paths.ts'
import { handshakeTarget, type HandshakeTarget } from '../../local/handshake-url.ts'
import { runViewerRequest } from '../support/cloudfront-function.ts'

const rules = { stage: 'prod', socketPathPrefix: '/ws/' }

/** What a URL may be made of, and what it is made of by those who do not escape. */
const piece = fc.oneof(
  fc.constantFrom(
    '/',
    'chat',
    'lobby',
    '+',
    ';',
    ':',
    '@',
    '!',
    '~',
    "'",
    '(',
    '*',
    '"',
    '<',
    '\\',
    '^',
    '|',
    '..',
  ),
  fc.constantFrom(
    '%',
    '%2',
    '%zz',
    '%25',
    '%2B',
    '%26',
    '%2F',
    '%3F',
    '%23',
    '%00',
    '%C3%A9',
    '%FF',
    '%F0%9F%98%80',
  ),
  fc.string({ unit: 'grapheme', maxLength: 4 }).map(encodeURIComponent),
)
const text = fc.array(piece, { maxLength: 10 }).map((pieces) => pieces.join(''))
const pathText = fc
  .array(fc.oneof(piece, fc.constantFrom('&', '=', '&path=')), { maxLength: 10 })
  .map((pieces) => `/ws/${pieces.join('')}`)

/** One name in two spellings would be two fields to CloudFront, which is free to order them; `path` must not care. */
const name = fc.oneof(
  fc.constantFrom('token', 'a', 'b', '7', 'path', '%70ath', 'p%61%74h', '__proto__', ''),
  fc.string({ unit: 'grapheme', maxLength: 3 }).map(encodeURIComponent),
)
const query = fc.array(
  fc.oneof(
    fc.tuple(name, text).map(([key, value]) => `${key}=${value}`),
    name,
  ),
  { maxLength: 5 },
)

test('behind the function, API Gateway sees what the local gateway makes of the same URL', () => {
  fc.assert(
    fc.property(pathText, query, (path, pairs) => {
      const target = pairs.length === 0 ? path : `${path}?${pairs.join('&')}`
      const behindFront = handshakeTarget(`/prod${runViewerRequest(FRONT_PATHS_CODE, target)}`, rules)

      expect(sorted(behindFront)).toEqual(sorted(handshakeTarget(target, rules)))
    }),
    { numRuns: 1000 },
  )
})

/** Values in their order, names in any. */
function sorted(target: HandshakeTarget): unknown {
  if (target.kind === 'forbidden') return target
  return [...target.query].toSorted(([a], [b]) => (a < b ? -1 : 1))
}
