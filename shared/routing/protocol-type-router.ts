import type { Application, Scope, WebsocketScope } from '../application.ts'
import { RouteNotFoundError } from '../errors.ts'

/** One application per protocol. */
export interface ProtocolApplications<Http extends Scope, Channel extends Scope> {
  readonly websocket: Application<WebsocketScope>
  readonly http?: Application<Http>
  readonly channel?: Application<Channel>
}

type OfType<Type extends string, S extends Scope> = S & { readonly type: Type }

/**
 * An application that hands each event to the application registered for its `scope.type`.
 *
 * The one for `websocket` gets the scope that the server builds: what it needs beyond that (a user, a session)
 * has to be added by middleware inside, or it does not compile.
 *
 * @throws {@link RouteNotFoundError} when called with a scope of any other type
 */
export function ProtocolTypeRouter<Http extends Scope = never, Channel extends Scope = never>(
  applications: ProtocolApplications<Http, Channel>,
): Application<WebsocketScope | OfType<'http', NoInfer<Http>> | OfType<'channel', NoInfer<Channel>>> {
  // A Map, since a scope type such as "constructor" must not find anything.
  const byType = new Map<string, Application<never>>(Object.entries(applications))
  return async (scope, message, send) => {
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
}
