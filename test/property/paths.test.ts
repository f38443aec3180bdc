import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { WebsocketScope } from '../../shared/application.ts'
import { ChannelsError, RouteNotFoundError } from '../../shared/errors.ts'
import { path, rePath } from '../../shared/routing/path.ts'
import { UrlRouter } from '../../shared/routing/url-router.ts'
import { FakeConnection, fakeScope } from '../support/fake-connection.ts'
import { CallRecorder, ignoreFrames } from '../support/recording-application.ts'

const application = (): Promise<void> => Promise.resolve()

/** One part of a pattern between slashes, the text it matches, and what it captures. */
interface Part {
  readonly pattern: (name: string) => string
  readonly text: string
  readonly value: unknown
}

const literalText = fc.stringMatching(/^[a-z.+*()[\]{}|\\^$?-]{1,8}$/).filter((text) => !text.includes('(?'))
const word = fc.stringMatching(/^[\w-]{1,12}$/)

function parameter(
  converter: string,
  texts: fc.Arbitrary<string>,
  toValue: (text: string) => unknown = (text) => text,
): fc.Arbitrary<Part> {
  return texts.map((text) => ({ pattern: (name) => `<${converter}${name}>`, text, value: toValue(text) }))
}

const anySegment = fc
  .string({ unit: 'binary', minLength: 1, maxLength: 12 })
  .filter((text) => !text.includes('/'))
const part: fc.Arbitrary<Part> = fc.oneof(
  literalText.map((text) => ({ pattern: () => text, text, value: undefined })),
  parameter('', anySegment),
  parameter('str:', anySegment),
  parameter('int:', fc.maxSafeNat().map(String), Number),
  parameter('slug:', word),
  parameter('uuid:', fc.uuid()),
)
const parts = fc.array(part, { minLength: 1, maxLength: 6 })

function patternOf(some: readonly Part[]): string {
  return some.map((one, index) => `${one.pattern(`p${index}`)}/`).join('')
}

function pathOf(some: readonly Part[]): string {
  return some.map((one) => `${one.text}/`).join('')
}

function kwargsOf(some: readonly Part[]): Record<string, unknown> {
  return Object.fromEntries(
    some.flatMap((one, index) => (one.value === undefined ? [] : [[`p${index}`, one.value]])),
  )
}

const validParts = parts.filter((some) => !patternOf(some).startsWith('^'))

/** The code of what `act` throws, the thing itself if it has none, or `undefined`. */
function codeOf(act: () => unknown): unknown {
  try {
    act()
    return undefined
  } catch (error) {
    return error instanceof ChannelsError ? error.code : error
  }
}

describe('a path pattern', () => {
  test('matches the path built from its parameters, and gives them back', () => {
    fc.assert(
      fc.property(validParts, (some) => {
        expect(path(patternOf(some), application).match(pathOf(some))).toEqual({
          args: [],
          kwargs: kwargsOf(some),
          remaining: '',
        })
      }),
    )
  })

  test('that matches a path gives that path when its kwargs are put back', () => {
    fc.assert(
      fc.property(word, fc.string(), (name, text) => {
        const found = path(`${name}/<str:a>/<path:b>`, application).match(text)
        const rebuilt = found && `${name}/${String(found.kwargs['a'])}/${String(found.kwargs['b'])}`
        expect(rebuilt).toBe(found && text)
      }),
    )
  })

  test('has no match where a slash is added or the last one taken away', () => {
    fc.assert(
      fc.property(validParts, (some) => {
        const route = path(patternOf(some), application)
        expect(route.match(`${pathOf(some)}/`)).toBeUndefined()
        expect(route.match(pathOf(some).slice(0, -1))).toBeUndefined()
      }),
    )
  })

  test('matches or not, but never throws, whatever the path', () => {
    const routes = [
      path('<int:a>/<str:b>/<path:c>', application),
      path('<uuid:a>/<slug:b>', application),
      rePath(/^(?<a>\w+)\/(x)?/u, application),
      rePath(/(a)?b$/, application),
    ]
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) => {
        for (const route of routes) route.match(text)
      }),
    )
  })

  test('is refused with a ConfigurationError or works, whatever its text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.string(), (pattern, text) => {
        expect(codeOf(() => path(pattern, application).match(text))).toBeOneOf([undefined, 'CONFIGURATION'])
      }),
    )
  })
})

describe('a UrlRouter', () => {
  const tables = fc.array(validParts, { minLength: 1, maxLength: 6 })

  test('runs the first route that matches, at connect and ever after', async () => {
    await fc.assert(
      fc.asyncProperty(tables, fc.nat(), async (table, choice) => {
        const seen = new CallRecorder()
        const routes = table.map((some, index) => path(patternOf(some), seen.application(String(index))))
        const text = pathOf(table[choice % table.length] ?? [])
        const first = routes.findIndex((route) => route.match(text) !== undefined)
        const scope = fakeScope({ path: `/${text}`, connection: new FakeConnection() })
        // A path that begins with a slash of its own loses it, as in Channels.
        fc.pre(!text.startsWith('/'))

        await UrlRouter(routes)(scope, { type: 'websocket.connect' }, ignoreFrames)
        await UrlRouter(routes)(scope, { type: 'websocket.receive' }, ignoreFrames)

        expect(seen.names).toEqual([String(first), String(first)])
        expect(seen.calls[1]?.scope['urlRoute']).toEqual(seen.calls[0]?.scope['urlRoute'])
      }),
    )
  })

  test('cut in two at any slash routes as one', async () => {
    await fc.assert(
      fc.asyncProperty(validParts, fc.nat(), async (some, choice) => {
        const cut = choice % (some.length + 1)
        const whole = patternOf(some)
        const outer = patternOf(some.slice(0, cut))
        const rest = whole.slice(outer.length)
        fc.pre(!rest.startsWith('^'))
        const seen = new CallRecorder()
        const router = UrlRouter([path(outer, UrlRouter([path(rest, seen.application('inner'))]))])

        await router(fakeScope({ path: `/${pathOf(some)}` }), { type: 'websocket.connect' }, ignoreFrames)

        expect(seen.last.scope['urlRoute']).toEqual({ args: [], kwargs: kwargsOf(some) })
      }),
    )
  })

  test('answers an arbitrary path with an application or a RouteNotFoundError, never with anything else', async () => {
    const seen = new CallRecorder()
    const router = UrlRouter([
      path('<int:a>/', UrlRouter([path('<path:b>', seen.application('x'))])),
      rePath(/^x(?<y>.*)$/, seen.application('y')),
    ])
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'binary' }), async (text) => {
        const scope: WebsocketScope = fakeScope({ path: text })
        const outcome: unknown = await router(scope, { type: 'websocket.connect' }, ignoreFrames).catch(
          (error: unknown) => error,
        )
        expect(outcome === undefined || outcome instanceof RouteNotFoundError).toBe(true)
      }),
    )
  })
})
