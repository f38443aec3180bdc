import type { Application, Scope } from '../application.ts'

/** What a pattern found in a path. */
export interface RouteMatch {
  readonly args: readonly string[]
  /** Captures, converted, with the route's own kwargs merged over them. */
  readonly kwargs: Readonly<Record<string, unknown>>
  /** What follows the match: the path of a nested router. */
  readonly remaining: string
}

/**
 * One line of a `UrlRouter`, made by `path()` or `rePath()`.
 *
 * @typeParam S - the scope that the router needs for it
 */
export interface Route<S extends Scope = Scope> {
  /** The pattern as written; a connection remembers its route by it. */
  readonly pattern: string
  readonly application: Application<S>
  /** The routes of the router that `application` is or wraps. Such a route matches a prefix of the path. */
  readonly nested: RouteTable | undefined
  readonly match: (path: string) => RouteMatch | undefined
}

/** One route that matched, on the way from the outermost router to the application. */
export interface Step {
  readonly route: Route<never>
  readonly match: RouteMatch
}

/** The routes of one router, in order. Finds; runs nothing. */
export class RouteTable {
  readonly #routes: readonly Route<never>[]

  constructor(routes: readonly Route<never>[]) {
    this.#routes = routes
  }

  /** Says whether `route` is one of this table. */
  has(route: Route<never>): boolean {
    return this.#routes.includes(route)
  }

  /**
   * The first route that matches `path` to its end, with those of the nested routers that it leads through;
   * a route whose nested router has no match is passed over. `undefined` if there is none.
   */
  resolve(path: string): readonly Step[] | undefined {
    return this.#find(path, this.#routes, (nested, remaining) => nested.resolve(remaining))
  }

  /** As `resolve`, by the routes with these patterns alone: one per router, outermost first. */
  follow(path: string, patterns: readonly string[]): readonly Step[] | undefined {
    const [first, ...rest] = patterns
    // The remembered way must neither end at a nested router nor lead on behind an application.
    const routes = this.#routes.filter(
      (route) => route.pattern === first && (route.nested !== undefined) === rest.length > 0,
    )
    return this.#find(path, routes, (nested, remaining) => nested.follow(remaining, rest))
  }

  /** Every way through this table, as the patterns from the outermost router on. */
  patterns(): readonly (readonly string[])[] {
    return this.#routes.flatMap((route) =>
      (route.nested?.patterns() ?? [[]]).map((inner) => [route.pattern, ...inner]),
    )
  }

  #find(
    path: string,
    routes: readonly Route<never>[],
    findNested: (nested: RouteTable, remaining: string) => readonly Step[] | undefined,
  ): readonly Step[] | undefined {
    for (const route of routes) {
      const match = route.match(path)
      if (match === undefined) continue
      const further = route.nested === undefined ? [] : findNested(route.nested, match.remaining)
      if (further !== undefined) return [{ route, match }, ...further]
    }
    return undefined
  }
}

const ROUTES: unique symbol = Symbol('lambda-channels.routes')

/** Marks `application` as a router over `table`. Middleware passes the mark on to what wraps it. */
export function markRoutes<A extends object>(application: A, table: RouteTable): A {
  return Object.assign(application, { [ROUTES]: table })
}

/** The routes of the router that `application` is or wraps. */
export function routesOf(application: object): RouteTable | undefined {
  const table: unknown = Reflect.get(application, ROUTES)
  return table instanceof RouteTable ? table : undefined
}
