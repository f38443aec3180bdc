import type { Application, Connection, EventContext, Scope, Send, UrlRoute } from '../application.ts'
import { handlingsOf, markHandlings } from '../broadcast.ts'
import { ConfigurationError, RouteNotFoundError } from '../errors.ts'
import type { JsonValue, Message } from '../message.ts'
import { extendScope, type Flat } from '../middleware/extend-scope.ts'
import { markRoutes, RouteTable, type Route, type Step } from './route-table.ts'

/** A scope that can be routed by its path. */
export interface PathScope extends Scope {
  readonly path: string
}

/** What all of `Routes` need of their router's scope. */
type ScopeOf<Routes extends readonly Route<never>[]> = Routes[number] extends Route<infer S> ? S : never

/**
 * An application that runs the first of `routes` that matches `scope.path`, with `scope.urlRoute` set.
 *
 * Leading slashes of the path are ignored. Routers nest: a route whose application is a `UrlRouter`, or
 * middleware around one, matches a prefix and leaves the rest to the inner router; positional captures are
 * joined, kwargs merged, the inner ones over the outer ones. If the inner router has no match, the next routes
 * of the outer one are tried; the whole way is found before any application runs.
 *
 * The match is made once, at `websocket.connect`, and remembered by its patterns: later events go to the same
 * route whatever a deploy put before it.
 *
 * @throws {@link RouteNotFoundError} when called, if no route matches (at the handshake that is a 404), or if
 * the remembered route is not there any more
 */
export function UrlRouter<const Routes extends readonly Route<never>[]>(
  routes: Routes,
): Application<Flat<PathScope & ScopeOf<Routes>>> {
  const table = new RouteTable(routes)
  const router = async (scope: RoutableScope, message: Message, send: Send): Promise<void> => {
    const progress = scope[PROGRESS] ?? start(scope)
    const [step, ...ahead] = wayThrough(table, progress, routeMemory(scope, message, progress.depth))
    const inner = extendScope(scope, {
      urlRoute: mergeRoutes(scope.urlRoute, step),
      [PROGRESS]: { ahead, remaining: step.match.remaining, depth: progress.depth + 1 },
    })
    // path() and rePath() made the scope of the route out of the application's own; it is complete only now.
    await step.route.application(inner as never, message, send)
  }
  const handlings = handlingsOf(routes.map(({ application }) => application))
  // What the routes need beyond a path travels through untouched, which the compiler cannot follow.
  return markHandlings(markRoutes(router, table), handlings) as Application<never> as Application<
    Flat<PathScope & ScopeOf<Routes>>
  >
}

/** How far routing has come. Enumerable on the scope, so that a spread of the scope keeps it. */
const PROGRESS: unique symbol = Symbol('lambda-channels.routing')

interface Progress {
  /** Steps that an outer router found already; empty if it saw no router here. */
  readonly ahead: readonly Step[]
  /** The path, less what outer routers matched. */
  readonly remaining: string
  /** How many routes led here. */
  readonly depth: number
}

interface RoutableScope extends PathScope {
  readonly urlRoute?: UrlRoute
  /** Only a WebSocket's remembers: whatever else is routed is routed on every event. */
  readonly connection: EventContext & Partial<Pick<Connection, 'recall' | 'remember'>>
  readonly [PROGRESS]?: Progress
}

type Way = readonly [Step, ...Step[]]

function start(scope: RoutableScope): Progress {
  if (typeof scope.path !== 'string') {
    throw new ConfigurationError(
      `UrlRouter got a scope of type "${scope.type}" without a path: route that type by something else in ProtocolTypeRouter`,
    )
  }
  return { ahead: [], remaining: scope.path.replace(/^\/+/, ''), depth: 0 }
}

function wayThrough(table: RouteTable, progress: Progress, memory: RouteMemory): Way {
  const { ahead, remaining } = progress
  const [next, ...after] = ahead
  if (next !== undefined && table.has(next.route)) return [next, ...after]

  const patterns = memory.recall()
  if (patterns !== undefined) return follow(table, remaining, patterns)

  const way = requireWay(table.resolve(remaining))
  if (way === undefined) throw noRoute(table, remaining)
  memory.remember(way.map((step) => step.route.pattern))
  return way
}

/** The patterns that this connection was routed by when it was opened. */
interface RouteMemory {
  /** `undefined` while it opens, and for a connection from before the application had a router. */
  recall(): readonly string[] | undefined
  remember(patterns: readonly string[]): void
}

function routeMemory({ connection }: RoutableScope, message: Message, depth: number): RouteMemory {
  const isOpening = message.type === 'websocket.connect'
  // An inner router that a plain function hid from the outer one decides, and remembers, for itself.
  const key = depth === 0 ? 'route' : `route.${depth}`
  return {
    recall: () => (isOpening ? undefined : requirePatterns(key, connection.recall?.(key))),
    remember: (patterns) => (isOpening ? connection.remember?.(key, patterns) : undefined),
  }
}

function follow(table: RouteTable, path: string, patterns: readonly string[]): Way {
  const way = requireWay(table.follow(path, patterns))
  if (way !== undefined) return way
  throw new RouteNotFoundError(
    `path ${shown(path)} was routed by ${chain(patterns)} when its connection was opened, and that route is gone or matches no longer;` +
      ` ${registered(table)}: keep a route until its connections are over, or let the clients connect again`,
  )
}

function requireWay(steps: readonly Step[] | undefined): Way | undefined {
  const [first, ...others] = steps ?? []
  return first && [first, ...others]
}

function requirePatterns(key: string, remembered: JsonValue | undefined): readonly string[] | undefined {
  if (remembered === undefined) return undefined
  if (Array.isArray(remembered) && remembered.every((pattern) => typeof pattern === 'string'))
    return remembered
  throw new ConfigurationError(
    `the connection remembers ${JSON.stringify(remembered)} under "${key}", which is UrlRouter's key: remember it under another key`,
  )
}

function mergeRoutes(outer: UrlRoute | undefined, { match }: Step): UrlRoute {
  return {
    args: [...(outer?.args ?? []), ...match.args],
    kwargs: { ...outer?.kwargs, ...match.kwargs },
  }
}

function noRoute(table: RouteTable, path: string): RouteNotFoundError {
  const hasSlash = table.patterns().some(([first]) => first?.startsWith('/'))
  const hint = hasSlash
    ? 'write patterns without the leading slash'
    : 'check the path, its trailing slash and the parameters'
  return new RouteNotFoundError(`no route for path ${shown(path)}; ${registered(table)}: ${hint}`)
}

const MOST_SHOWN = 20

function registered(table: RouteTable): string {
  const patterns = table.patterns()
  if (patterns.length === 0) return 'no route is registered'
  const more = patterns.length > MOST_SHOWN ? ` and ${patterns.length - MOST_SHOWN} more` : ''
  return `registered are ${patterns.slice(0, MOST_SHOWN).map(chain).join(', ')}${more}`
}

function chain(patterns: readonly string[]): string {
  return patterns.map((pattern) => `"${pattern}"`).join(' + ')
}

function shown(path: string): string {
  return JSON.stringify(path.length > 200 ? `${path.slice(0, 200)}…` : path)
}
