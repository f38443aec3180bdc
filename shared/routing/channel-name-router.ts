import type { Application, ChannelScope, Scope } from '../application.ts'
import { ConfigurationError, RouteNotFoundError } from '../errors.ts'
import { requireWorkerChannelName } from '../names.ts'
import { markWorkerChannels, type WorkerGuarantee } from '../worker-channels.ts'

const GUARANTEES: readonly unknown[] = ['at-least-once', 'at-most-once'] satisfies WorkerGuarantee[]

/** One worker channel that says more than which application serves it. */
export interface WorkerRoute<S extends Scope = ChannelScope> {
  readonly application: Application<S>
  /** Default `at-least-once`. */
  readonly guarantee?: WorkerGuarantee
}

/** The applications of worker channels, by name. */
export type WorkerRoutes<S extends Scope = ChannelScope> = Readonly<
  Record<string, Application<S> | WorkerRoute<S>>
>

/**
 * An application that hands each job to the application registered for its channel: the `channel` side of
 * `ProtocolTypeRouter`. `channelLayer.send` to one of these names puts a job into the channel's queue, from anywhere.
 *
 * A job runs at least once: again if it fails, until it is a dead letter. With `guarantee: 'at-most-once'` it runs once,
 * and is lost if it fails.
 *
 * @example
 * ```ts
 * ChannelNameRouter({
 *   'thumbnails-generate': ThumbnailConsumer.asApplication(),
 *   'statistics': { application: StatisticsConsumer.asApplication(), guarantee: 'at-most-once' },
 * })
 * ```
 *
 * @throws {@link InvalidNameError} if a name is not that of a worker channel
 * @throws {@link ConfigurationError} for a guarantee that there is not, or what is no application
 * @throws {@link RouteNotFoundError} when called with a channel that is not registered
 */
export function ChannelNameRouter<S extends Scope = ChannelScope>(routes: WorkerRoutes<S>): Application<S> {
  // A Map, since a channel called "constructor" must not find anything.
  const byName = new Map(Object.entries(routes).map(([name, route]) => [name, requireRoute(name, route)]))
  const router: Application<S> = async (scope, message, send) => {
    const { type, channel } = scope as Scope & Partial<ChannelScope>
    const route = channel === undefined ? undefined : byName.get(channel)
    if (route === undefined) {
      throw new RouteNotFoundError(
        `no application for ${channel === undefined ? `a scope of type "${type}"` : `worker channel "${channel}"`}: ${known([...byName.keys()])}`,
      )
    }
    await route.application(scope, message, send)
  }
  const guarantees = new Map(Array.from(byName, ([name, { guarantee }]) => [name, guarantee]))
  return markWorkerChannels(router, guarantees)
}

function requireRoute<S extends Scope>(
  name: string,
  route: Application<S> | WorkerRoute<S>,
): Required<WorkerRoute<S>> {
  requireWorkerChannelName(name)
  const { application, guarantee = 'at-least-once' } =
    typeof route === 'function' ? { application: route } : route
  if (typeof application !== 'function') {
    throw new ConfigurationError(
      `worker channel "${name}" has no application, but ${application === null ? 'null' : `a value of type ${typeof application}`}: give ChannelNameRouter what asApplication() returns`,
    )
  }
  if (!GUARANTEES.includes(guarantee)) {
    throw new ConfigurationError(
      `worker channel "${name}" has the guarantee ${JSON.stringify(guarantee)}: use "at-least-once" or "at-most-once"`,
    )
  }
  return { application, guarantee }
}

function known(names: readonly string[]): string {
  if (names.length === 0) return 'none is registered; add it to ChannelNameRouter'
  return `registered are ${names.map((name) => `"${name}"`).join(', ')}; correct the name, or add it to ChannelNameRouter`
}
