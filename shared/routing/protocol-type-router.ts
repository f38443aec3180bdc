import type { Application, ChannelScope, HttpScope, WebsocketScope } from '../application.ts'
import { handlingsOf, isKnownApplication, markHandlings } from '../broadcast.ts'
import { fetchApplication, type FetchFunction } from '../consumers/fetch-application.ts'
import { ConfigurationError, RouteNotFoundError } from '../errors.ts'
import { markWorkerChannels, workerChannelsOf } from '../worker-channels.ts'

/** What may serve HTTP: views, such as Hono's `app.fetch`, or an application made of a consumer, a router or middleware. */
export type HttpApplication = FetchFunction | Application<HttpScope>

/** One application per protocol. */
export interface ProtocolApplications {
  readonly websocket: Application<WebsocketScope>
  readonly http?: HttpApplication
  /** A `ChannelNameRouter`. */
  readonly channel?: Application<ChannelScope>
}

/**
 * An application that hands each event to the application registered for its `scope.type`.
 *
 * Each gets the scope that the server builds: what it needs beyond that (a user, a session) has to be added by middleware
 * inside, or it does not compile. What serves `http` may be a function from `Request` to `Response` as well.
 *
 * @throws {@link ConfigurationError} for an `http` of three parameters that nothing made known as an application
 * @throws {@link RouteNotFoundError} when called with a scope of a type that has none: a 404 where that is a request
 */
export function ProtocolTypeRouter({
  http,
  channel,
  ...others
}: ProtocolApplications): Application<WebsocketScope | HttpScope | ChannelScope> {
  const all = { ...others, ...(http && { http: httpApplication(http) }), ...(channel && { channel }) }
  // A Map, since a scope type such as "constructor" must not find anything.
  const byType = new Map<string, Application<never>>(Object.entries(all))
  const router: Application = async (scope, message, send) => {
    const application = byType.get(scope.type)
    if (application === undefined) {
      throw new RouteNotFoundError(
        `no application for scope type "${scope.type}": registered are ${[...byType.keys()].map((type) => `"${type}"`).join(', ')};` +
          ` add one under that name to ProtocolTypeRouter`,
      )
    }
    // Looked up under its own type, so it is the scope that this application takes.
    await application(scope as never, message, send)
  }
  if (channel) markWorkerChannels(router, workerChannelsOf(channel))
  // Groups have WebSockets alone for members.
  return markHandlings(router, handlingsOf([others.websocket]))
}

function httpApplication(http: HttpApplication): Application<HttpScope> {
  if (isKnownApplication(http)) return http as Application<HttpScope>
  if (http.length < 3) return fetchApplication(http as FetchFunction)
  throw new ConfigurationError(
    `the http of ProtocolTypeRouter is a function${http.name === '' ? '' : ` "${http.name}"`} of ${http.length} parameters: give it one of (request, env) that returns a Response, or an application of a consumer, a router or middleware; wrapApplication(inner, application) makes one of your own known`,
  )
}
