import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ConfigurationError } from '../../shared/errors.ts'
import { originMatcher } from '../../shared/security/origin-pattern.ts'

// The oracle reads origins by the URL class alone, and compares what that makes of them.

const host = fc.oneof(
  fc.constantFrom(
    'chat.example',
    'a.chat.example',
    'evilchat.example',
    'chat.example.evil',
    'localhost',
    'CHAT.example',
  ),
  fc.constantFrom('127.0.0.1', '[::1]', '[2001:db8::1]', 'xn--bcher-kva.example'),
  fc.domain(),
  fc.ipV4(),
)
const scheme = fc.constantFrom('http', 'https', 'HTTPS')
const port = fc.oneof(
  fc.constant(undefined),
  fc.constantFrom(80, 443, 3000, 8443),
  fc.integer({ min: 1, max: 65_535 }),
)
const origin = fc
  .tuple(scheme, host, port)
  .map(([of, at, number]) => `${of}://${at}${number === undefined ? '' : `:${number}`}`)

function isSameOrigin(left: string, right: string): boolean {
  return new URL(left).origin === new URL(right).origin
}

test('a whole origin allows exactly the origins that the URL class calls the same', () => {
  fc.assert(
    fc.property(origin, origin, (pattern, sent) => {
      const isAllowed = originMatcher([pattern])

      expect(isAllowed(sent)).toBe(isSameOrigin(pattern, sent))
      expect(isAllowed(pattern)).toBe(true)
    }),
  )
})

test('a host allows it with any scheme and port, and no other host', () => {
  fc.assert(
    fc.property(host, origin, (pattern, sent) => {
      const { hostname } = new URL(`http://${pattern}`)

      expect(originMatcher([pattern])(sent)).toBe(new URL(sent).hostname === hostname)
    }),
  )
})

test('a host with a leading dot allows what ends in it at a dot, and no other host', () => {
  fc.assert(
    fc.property(fc.constantFrom('chat.example', 'example', 'localhost'), origin, (domain, sent) => {
      const labels = new URL(sent).hostname.split('.')
      const isWithin = labels.some((_, start) => labels.slice(start).join('.') === domain)

      expect(originMatcher([`.${domain}`])(sent)).toBe(isWithin)
    }),
  )
})

const almost = fc
  .tuple(
    origin,
    fc.nat(40),
    fc.oneof(
      fc.string({ maxLength: 3 }),
      fc.constantFrom('@', '/', '\\', '#', '?', '\n', '%00', '.', ':', ', '),
    ),
  )
  .map(([sent, at, inserted]) => sent.slice(0, at) + inserted + sent.slice(at))

test('whatever is sent as origin, nothing is thrown, and only what a browser would write can be allowed', () => {
  const isAllowed = originMatcher([
    'chat.example',
    '.chat.example',
    'localhost',
    'https://127.0.0.1',
    '[::1]:3000',
  ])
  fc.assert(
    fc.property(fc.oneof(fc.string(), almost, fc.webUrl()), (sent) => {
      if (!isAllowed(sent)) return

      const url = new URL(sent)
      const written = url.port === '' && /:\d+$/.test(sent) ? sent.replace(/:\d+$/, '') : sent
      // Not `origin`: of the schemes of apps that is "null".
      expect(written.toLowerCase()).toBe(`${url.protocol}//${url.host}`.toLowerCase())
      expect(url.hostname.toLowerCase()).toMatch(/^(localhost|127\.0\.0\.1|\[::1\]|(.*\.)?chat\.example)$/)
    }),
    { numRuns: 2_000 },
  )
})

test('whatever is given as a pattern, it is refused or allows no malformed origin', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), almost), (pattern) => {
      fc.pre(pattern !== '*' && pattern !== 'null')
      const isAllowed = matcherOrRefusal(pattern)

      expect(isAllowed(undefined)).toBe(false)
      expect(isAllowed('null')).toBe(false)
      expect(isAllowed('https://chat.example/')).toBe(false)
    }),
    { numRuns: 1_000 },
  )
})

/** The matcher of a pattern; one that allows nothing, if the pattern is refused as it has to be. */
function matcherOrRefusal(pattern: string): ReturnType<typeof originMatcher> {
  try {
    return originMatcher([pattern])
  } catch (error) {
    if (error instanceof ConfigurationError && error.message.includes('matches no origin')) return () => false
    throw error
  }
}
