import type { LambdaFunction } from './lambda-function.ts'
import { type RouteSelector, routeSelector } from './route-selection.ts'

/** What the routes of the API are made of. */
export interface RouteOptions {
  /** Serves `$connect`, `$default` and `$disconnect`. */
  readonly websocket: LambdaFunction
  /** Further routes by key; `false` takes one of the three away. */
  readonly routes?: Readonly<Record<string, LambdaFunction | false>>
  /** Default `$request.body.action`. */
  readonly routeSelectionExpression?: string
  /** Keys of routes with a route response: the body that the function returns is sent to the client. */
  readonly twoWayRoutes?: readonly string[]
}

/** A message's route and the function behind it. */
export interface Route {
  readonly key: string
  readonly target: LambdaFunction
  readonly isTwoWay: boolean
}

/** The routes of the API. */
export class Routes {
  readonly #functions: Map<string, LambdaFunction>
  readonly #twoWay: ReadonlySet<string>
  readonly #select: RouteSelector

  constructor(options: RouteOptions) {
    this.#functions = new Map(['$connect', '$default', '$disconnect'].map((key) => [key, options.websocket]))
    for (const [key, target] of Object.entries(options.routes ?? {})) {
      if (target === false) this.#functions.delete(key)
      else this.#functions.set(key, target)
    }
    this.#twoWay = new Set(options.twoWayRoutes)
    this.#select = routeSelector(
      options.routeSelectionExpression ?? '$request.body.action',
      this.#functions.keys(),
    )
  }

  /** The function behind `$connect` or `$disconnect`, if the API has that route. */
  function(key: '$connect' | '$disconnect'): LambdaFunction | undefined {
    return this.#functions.get(key)
  }

  /** The route of a message; `undefined` if none matches and there is no `$default`. */
  forMessage(body: string): Route | undefined {
    const key = this.#select(body) ?? '$default'
    const target = this.#functions.get(key)
    return target && { key, target, isTwoWay: this.#twoWay.has(key) }
  }

  /** All functions, each once. */
  functions(): ReadonlySet<LambdaFunction> {
    return new Set(this.#functions.values())
  }
}
