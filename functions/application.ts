import {
  allowedHostsOriginValidator,
  type FetchEnvironment,
  ProtocolTypeRouter,
  UrlRouter,
} from '../shared/index.ts'
import { websocketRoutes } from '../examples/chat/routing.ts'
import { readAllowedHosts } from './environment.ts'

/**
 * The deployed application: replace the routes by your own.
 *
 * Pages connect from the hosts in `CHANNELS_ALLOWED_HOSTS`; in development, where it is not set, from this machine. What is
 * no page, such as an app or wscat, has no origin and connects.
 */
export const application = ProtocolTypeRouter({
  http: serveViews,
  websocket: allowedHostsOriginValidator(UrlRouter(websocketRoutes), {
    allowedHosts: readAllowedHosts(),
    allowsNoOrigin: true,
  }),
})

/** Loaded by the first request: the other functions would pay for Hono with some 6 ms of each cold start. */
async function serveViews(request: Request, env: FetchEnvironment): Promise<Response> {
  const { views } = await import('../examples/chat/views.ts')
  return views.fetch(request, env)
}
