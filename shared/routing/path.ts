import type { Application, Scope, UrlRoute } from '../application.ts'
import { ConfigurationError } from '../errors.ts'
import type { Clashes, Flat, Unmet } from '../middleware/extend-scope.ts'
import { builtInConverters, type BuiltInConverters, type Converter } from './converters.ts'
import { routesOf, type Route, type RouteMatch } from './route-table.ts'

/**
 * The kwargs that a path pattern gives: `PathParams<'chat/<str:room>/<int:page>'>` is
 * `{ room: string; page: number }`.
 */
export type PathParams<P extends string, Converters = BuiltInConverters> = {
  [T in ParameterIn<P> as NameOf<T>]: ValueOf<ConverterOf<T>, Converters>
}

type ParameterIn<P extends string> = P extends `${string}<${infer T}>${infer Rest}`
  ? T | ParameterIn<Rest>
  : never
type NameOf<T extends string> = T extends `${string}:${infer Name}` ? Name : T
type ConverterOf<T extends string> = T extends `${infer Name}:${string}` ? Name : 'str'
type ValueOf<Name, Converters> = Name extends keyof Converters
  ? Converters[Name] extends Converter<infer Value>
    ? Value
    : never
  : never

type KwargsOf<S> = S extends { readonly urlRoute: { readonly kwargs: infer Kwargs } } ? Kwargs : object

/** The kwargs of one route: its captures, with its own over them. A pattern not known to the compiler fits all. */
type Given<P extends string, Converters, Own> = Flat<
  Omit<string extends P ? Record<string, never> : PathParams<P, Converters>, keyof Own> & Own
>

type Fits<S, Has> = [Clashes<KwargsOf<S>, Has>] extends [never]
  ? unknown
  : { readonly 'this path gives another type to': Clashes<KwargsOf<S>, Has> }

/** The scope that a route needs: its application's, less the kwargs that the route itself gives. */
type Outside<S, Has> = Flat<Omit<S, 'urlRoute'> & StillNeeded<Unmet<KwargsOf<S>, Has>>>
type StillNeeded<Kwargs> =
  Partial<Kwargs> extends Kwargs ? object : { readonly urlRoute: UrlRoute<Flat<Kwargs>> }

type OutsideScope<S extends Scope, Has> = Outside<S, Has> & Scope

/** `path()`, knowing `Converters`. */
export type PathFunction<Converters> = <const P extends string, S extends Scope, Own extends object = object>(
  pattern: P,
  application: Application<S> & Fits<S, Given<P, Converters, Own>>,
  kwargs?: Own,
) => Route<OutsideScope<S, Given<P, Converters, Own>>>

/**
 * A route for paths in Django's syntax: `path('ws/chat/<str:room>/', ChatConsumer.asApplication())`.
 *
 * `<converter:name>` captures one part into `scope.urlRoute.kwargs`, converted; `<name>` is `<str:name>`.
 * Converters: `int`, `str`, `slug`, `uuid`, `path` (see {@link BuiltInConverters}); {@link createPath} adds
 * your own. The whole path must match, and a trailing slash counts. If `application` is a `UrlRouter`, or
 * middleware around one, the pattern matches a prefix and the inner router gets the rest.
 *
 * `kwargs` are merged over the captures. The pattern is how an open connection finds its route again after a
 * deploy: changing it ends the connections that were opened with it.
 *
 * @throws {@link ConfigurationError} if the pattern has white space, an unknown converter, a name that is no
 * identifier, the same name twice, or regular expression syntax
 */
export const path: PathFunction<BuiltInConverters> = createPath({})

/**
 * Returns a `path()` that knows these converters too. One named like a built-in one replaces it.
 *
 * @throws {@link ConfigurationError} if a name is not made of letters, digits and `_`, or a `regex` has flags
 */
export function createPath<Converters extends Readonly<Record<string, Converter<unknown>>>>(
  converters: Converters,
): PathFunction<Flat<Omit<BuiltInConverters, keyof Converters> & Converters>> {
  for (const [name, converter] of Object.entries(converters)) requireConverter(name, converter)
  const known: Readonly<Record<string, Converter<unknown>>> = { ...builtInConverters, ...converters }
  const make = (pattern: string, application: Application<never>, kwargs?: object): Route<never> => {
    const nested = routesOf(application)
    const match = compilePath(pattern, known, nested === undefined)
    return { pattern, application, nested, match: withOwnKwargs(match, kwargs) }
  }
  // The route asks for its application's scope without what UrlRouter adds to it from this very match.
  return make as unknown as PathFunction<Flat<Omit<BuiltInConverters, keyof Converters> & Converters>>
}

/**
 * A route for paths that match a regular expression: `rePath(/^ws\/chat\/(?<room>\w+)\/$/, application)`.
 *
 * As in Channels: named groups become kwargs, and positional ones count only if no group has a name; a
 * pattern that ends in `$` must match the whole path; any other is searched for anywhere in it, so start it with `^`.
 * A named group that took no part is left out; an unnamed one is `''`. If `application` is a `UrlRouter`, or
 * middleware around one, the inner router gets what follows the match.
 *
 * The compiler cannot read the groups: kwargs of type `string` that the application asks for are taken to be
 * there.
 *
 * @throws {@link ConfigurationError} if the expression has the flag `g` or `y`
 */
export function rePath<S extends Scope, Own extends object = object>(
  regex: RegExp,
  application: Application<S>,
  kwargs?: Own,
): Route<OutsideScope<S, Omit<Record<string, string>, keyof Own> & Own>> {
  if (regex.global || regex.sticky) {
    throw new ConfigurationError(
      `rePath ${regex} has the flag "${regex.global ? 'g' : 'y'}", which makes each match depend on the last one: remove the flag`,
    )
  }
  const nested = routesOf(application)
  const match = compileRegex(regex, nested === undefined)
  const route: Route<never> = {
    pattern: String(regex),
    application,
    nested,
    match: withOwnKwargs(match, kwargs),
  }
  // The route asks for its application's scope without what UrlRouter adds to it from this very match.
  return route as Route<OutsideScope<S, Omit<Record<string, string>, keyof Own> & Own>>
}

type Match = (path: string) => RouteMatch | undefined

function withOwnKwargs(match: Match, own: object | undefined): Match {
  if (own === undefined) return match
  return (text) => {
    const found = match(text)
    return found && { ...found, kwargs: { ...found.kwargs, ...own } }
  }
}

function compileRegex(regex: RegExp, isEndpoint: boolean): Match {
  // Look-arounds are the ends of the path whatever the flags; `$` with the flag m would be the end of a line.
  const isWhole = isEndpoint && regex.source.endsWith('$')
  const compiled = isWhole ? new RegExp(`(?<![^])(?:${regex.source})(?![^])`, regex.flags) : regex
  return (text) => {
    const found = compiled.exec(text)
    if (found === null) return undefined
    const [all, ...positional] = found
    const named = Object.entries(found.groups ?? {}).filter(([, group]) => group !== undefined)
    return {
      args: found.groups ? [] : positional.map((group: string | undefined) => group ?? ''),
      kwargs: Object.fromEntries(named),
      remaining: text.slice(found.index + all.length),
    }
  }
}

interface Parameter {
  readonly name: string
  readonly converter: Converter<unknown>
}

function compilePath(
  pattern: string,
  converters: Readonly<Record<string, Converter<unknown>>>,
  isEndpoint: boolean,
): Match {
  requirePlainPattern(pattern)
  const parameters: Parameter[] = []
  let source = '^'
  let end = 0
  for (const found of pattern.matchAll(/<(?:([^<>:]*):)?([^<>]*)>/g)) {
    const [written, converterName = 'str', name = ''] = found
    requireName(pattern, name, parameters)
    const converter = requireKnown(pattern, converterName, converters)
    source += `${literal(pattern, end, found.index)}(?<p${parameters.length}>${converter.regex.source})`
    parameters.push({ name, converter })
    end = found.index + written.length
  }
  source += literal(pattern, end, pattern.length)
  const regex = new RegExp(isEndpoint ? `${source}$` : source)
  return (text) => {
    const found = regex.exec(text)
    const kwargs = found && convert(parameters, found.groups ?? {})
    return found && kwargs ? { args: [], kwargs, remaining: text.slice(found[0].length) } : undefined
  }
}

function convert(
  parameters: readonly Parameter[],
  groups: Readonly<Record<string, string | undefined>>,
): Record<string, unknown> | undefined {
  const entries: [string, unknown][] = []
  for (const [index, { name, converter }] of parameters.entries()) {
    const value = convertOne(converter, groups[`p${index}`] ?? '')
    if (value === undefined) return undefined
    entries.push([name, value])
  }
  return Object.fromEntries(entries)
}

function convertOne(converter: Converter<unknown>, text: string): unknown {
  try {
    return converter.toValue(text)
  } catch {
    // A converter says "not mine" by throwing too, as in Django: BigInt, Temporal and the like throw.
    return undefined
  }
}

function literal(pattern: string, start: number, end: number): string {
  const text = pattern.slice(start, end)
  if (/[<>]/.test(text)) {
    throw badPattern(pattern, 'has a "<" or ">" on its own: write parameters as <converter:name> or <name>')
  }
  return text.replaceAll(/[\\^$.*+?()[\]{}|/]/g, String.raw`\$&`)
}

function requirePlainPattern(pattern: string): void {
  if (typeof pattern !== 'string')
    throw badPattern(String(pattern), `is a ${typeof pattern}: use a string, or rePath()`)
  const space = /\s/.exec(pattern)
  if (space !== null) throw badPattern(pattern, `has white space at ${space.index}: remove it`)
  if (pattern.startsWith('^') || pattern.endsWith('$') || pattern.includes('(?')) {
    throw badPattern(
      pattern,
      'looks like a regular expression: path() takes <converter:name>; use rePath() for a RegExp',
    )
  }
}

function requireName(pattern: string, name: string, earlier: readonly Parameter[]): void {
  if (!/^[a-zA-Z_$][\w$]*$/.test(name)) {
    throw badPattern(
      pattern,
      `has a parameter named "${name}": use a letter or "_", then letters, digits and "_"`,
    )
  }
  if (earlier.some((parameter) => parameter.name === name)) {
    throw badPattern(pattern, `uses the parameter "${name}" more than once: give each its own name`)
  }
}

function requireKnown(
  pattern: string,
  name: string,
  converters: Readonly<Record<string, Converter<unknown>>>,
): Converter<unknown> {
  const converter = Object.hasOwn(converters, name) ? converters[name] : undefined
  if (converter !== undefined) return converter
  const known = Object.keys(converters).join(', ')
  throw badPattern(pattern, `uses the converter "${name}": known are ${known}; createPath() adds others`)
}

function requireConverter(name: string, { regex }: Converter<unknown>): void {
  if (!/^\w+$/.test(name)) {
    throw new ConfigurationError(
      `converter name "${name}" cannot be written in a path: use letters, digits and "_"`,
    )
  }
  if (regex.flags !== '') {
    throw new ConfigurationError(
      `converter "${name}" has the regex ${regex} with flags, which would be lost inside a path: write it without flags`,
    )
  }
}

function badPattern(pattern: string, problem: string): ConfigurationError {
  return new ConfigurationError(`path "${pattern}" ${problem}`)
}
