import type { Application, Connection, HttpScope, Scope, WebsocketScope } from '../application.ts'
import { handlingsOf, markHandlings } from '../broadcast.ts'
import { isJsonValue } from '../codec.ts'
import { ConfigurationError } from '../errors.ts'
import type { ResponseHead } from '../http-message.ts'
import { isPlainObject, type JsonObject, type JsonValue, type Message } from '../message.ts'
import { StopConsumer } from '../signals.ts'
import { extendScope, type Clashes, type Flat, type Unmet } from './extend-scope.ts'
import { HeldResponse } from './held-response.ts'

/**
 * Wraps an application: what the inner one asks of its scope, less what this middleware adds, is asked of the
 * outside, together with what the middleware needs itself.
 *
 * A plain function `(inner) => async (scope, message, send) => …` is middleware as well; see
 * {@link wrapApplication} for the one thing it should do.
 */
export type Middleware<Needs extends Scope, Adds extends object> = <S extends Scope>(
  inner: Application<S> & Fits<S, Adds>,
) => Application<Flat<Unmet<S, Adds> & Needs>>

type Fits<S, Adds> = [Clashes<S, Adds>] extends [never]
  ? unknown
  : { readonly 'this middleware adds another type to the scope under': Clashes<S, Adds> }

/** What {@link defineMiddleware} takes. */
export interface MiddlewareDefinition<Needs extends Scope, Adds extends object> {
  /** Names the middleware in errors and in what is saved. Unique in the stack, and the same in every deploy. */
  readonly name: string
  /**
   * Runs once per connection, with the full handshake, and returns what the scope gains. Throw
   * {@link DenyConnection} to refuse. For scopes other than `websocket` it runs on every event.
   */
  readonly connect: (scope: Needs) => Adds | Promise<Adds>
  /**
   * Runs on each later event, with what `connect` added and JSON could keep, and returns the rest, made anew.
   * Getters in what it returns stay getters: use them for what costs something to load.
   */
  readonly resume?: (scope: Needs & Partial<Adds>) => Partial<Adds> | Promise<Partial<Adds>>
  /**
   * Runs before the response to an HTTP request goes out, and returns the head that it goes out with: to set a cookie,
   * say. The innermost middleware's runs first. The application inside is done by then, and its response is whole and
   * fits: for what the server answers itself (404 where no route matches, a refusal, 500 for an exception, a response
   * that is not complete or too large) it does not run. Only what fails further out, or later, comes after it.
   */
  readonly respond?: (scope: Needs & Adds, head: ResponseHead) => ResponseHead | Promise<ResponseHead>
}

/**
 * Returns a middleware with two moments: `connect` at the handshake, `resume` at every later event. An HTTP request has
 * `connect` alone, so one that needs no more than a {@link RequestScope} serves both protocols.
 *
 * What `connect` returns is added to a copy of the scope. Its JSON values are saved with the connection and are
 * in the scope of every later event; anything else (an instance, a function, a getter) is not saved and has to
 * come from `resume`. A getter is thus the way to add something that must not be stored, such as a token.
 *
 * A connection that was opened before a deploy added this middleware has nothing saved: only `resume` runs.
 *
 * @throws {@link ConfigurationError} at the handshake, if a key is neither JSON nor left to a `resume`, or if
 * a middleware of the same name wraps this one
 *
 * @example
 * ```ts
 * const localeMiddleware = defineMiddleware({
 *   name: 'locale',
 *   connect: (scope: WebsocketScope) => ({ locale: scope.query['locale'] ?? 'en' }),
 * })
 * ```
 */
export function defineMiddleware<Needs extends Scope, Adds extends object>(
  definition: MiddlewareDefinition<Needs, Adds>,
): Middleware<Needs, Adds> {
  if (typeof definition.name !== 'string' || definition.name === '') {
    throw new ConfigurationError(
      `middleware has no name: give defineMiddleware a "name" that no other middleware has`,
    )
  }
  return (inner: Application<never>): Application<Needs> =>
    wrapApplication(inner, async (scope, message, send) => {
      // `Middleware` asks the outside for Needs and for all that is not added here, so the scope is complete.
      const extended = (await runMiddleware(definition, scope, message)) as Needs & Adds
      const { respond } = definition
      if (respond === undefined || extended.type !== 'http') return inner(extended as never, message, send)
      const hasBody = (extended as Scope as HttpScope).method !== 'HEAD'
      const held = new HeldResponse({ send, respond: (head) => respond(extended, head), hasBody })
      return inHeld(held, () => inner(extended as never, message, (sent) => held.take(sent)))
    })
}

/** Lets the response go when `run` is done; one that stops itself is. */
async function inHeld(held: HeldResponse, run: () => Promise<void>): Promise<void> {
  try {
    await run()
  } catch (error) {
    if (!(error instanceof StopConsumer)) throw error
    await held.finish()
    throw error
  }
  await held.finish()
}

/**
 * Returns `application`, made known as a wrapper of `inner`: a `UrlRouter` outside then sees through it to a
 * `UrlRouter` inside, and matches its path as a prefix, and a group send sees its broadcast handlers.
 * `defineMiddleware` does it by itself; a plain function that is used as middleware should, if it gives every event to
 * `inner`.
 *
 * @example
 * ```ts
 * const timed = (inner: Application<WebsocketScope>): Application<WebsocketScope> =>
 *   wrapApplication(inner, async (scope, message, send) => {
 *     const start = performance.now()
 *     await inner(scope, message, send)
 *     scope.connection.logger.debug('handled', { ms: performance.now() - start })
 *   })
 * ```
 */
export function wrapApplication<S extends Scope>(inner: object, application: Application<S>): Application<S> {
  // What an application says of itself are its own enumerable properties.
  return markHandlings(Object.assign(application, inner), handlingsOf([inner]))
}

/** Names of the middleware that the scope came through. Enumerable, so that a spread of the scope keeps it. */
const APPLIED: unique symbol = Symbol('lambda-channels.middleware')

async function runMiddleware<Needs extends Scope, Adds extends object>(
  definition: MiddlewareDefinition<Needs, Adds>,
  scope: Needs & { readonly [APPLIED]?: readonly string[] },
  message: Message,
): Promise<object> {
  const { name, connect, resume } = definition
  const applied = scope[APPLIED] ?? []
  if (applied.includes(name)) {
    throw new ConfigurationError(
      `middleware "${name}" wraps another middleware of the same name: remove one, or give each its own name`,
    )
  }
  const marked = extendScope(scope, { [APPLIED]: [...applied, name] })

  if (!isWebsocketScope(scope))
    return extendScope(marked, requireAdded(name, 'connect', await connect(scope)))

  if (message.type === 'websocket.connect') {
    const added = requireAdded(name, 'connect', await connect(scope))
    rememberJson(definition, scope.connection, added)
    return extendScope(marked, added)
  }

  const saved = scope.connection.recall(savedKey(name))
  const recalled = extendScope(marked, isPlainObject(saved) ? saved : {})
  if (resume === undefined) return recalled
  // What is saved under this name came out of this middleware's `connect`, hence Partial<Adds>.
  const resumed = await resume(recalled as unknown as Needs & Partial<Adds>)
  return extendScope(recalled, requireAdded(name, 'resume', resumed))
}

function isWebsocketScope(scope: Scope): scope is WebsocketScope {
  return scope.type === 'websocket'
}

/** The prefix keeps a middleware named "path" or "route" apart from the server's and the router's own keys. */
function savedKey(name: string): string {
  return `middleware.${name}`
}

function requireAdded(name: string, hook: string, added: unknown): object {
  if (typeof added === 'object' && added !== null && !Array.isArray(added)) return added
  const kind = added === null ? 'null' : Array.isArray(added) ? 'an array' : typeof added
  throw new ConfigurationError(
    `${hook} of middleware "${name}" returned ${kind}: return an object with what to add to the scope, {} for nothing`,
  )
}

function rememberJson(
  { name, resume }: Pick<MiddlewareDefinition<never, object>, 'name' | 'resume'>,
  connection: Pick<Connection, 'remember'>,
  added: object,
): void {
  const entries: [string, JsonValue][] = []
  for (const [key, property] of Object.entries(Object.getOwnPropertyDescriptors(added))) {
    const value: unknown = property.value
    if (property.get === undefined && value === undefined) continue
    if (property.get === undefined && isJsonValue(value)) entries.push([key, value])
    else if (resume === undefined) throw notKept(name, key)
  }
  if (entries.length === 0) return
  const saved: JsonObject = Object.fromEntries(entries)
  connection.remember(savedKey(name), saved)
}

function notKept(name: string, key: string): ConfigurationError {
  return new ConfigurationError(
    `middleware "${name}" adds "${key}" to the scope, which is not JSON, so later events of the connection would lack it:` +
      ` give the middleware a resume() that makes "${key}" anew, or add plain JSON`,
  )
}
