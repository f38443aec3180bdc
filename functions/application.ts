import {
  allowedHostsOriginValidator,
  ChannelNameRouter,
  type FetchEnvironment,
  ProtocolTypeRouter,
  UrlRouter,
} from '../shared/index.ts'
import { allowedHostsOf, websocketUrlOf } from '../shared/lambda/index.ts'
import { websocketRoutes, workerRoutes } from '../examples/chat/routing.ts'

/**
 * The deployed application: replace the routes by your own.
 *
 * Pages connect from the hosts in `CHANNELS_ALLOWED_HOSTS`; in development, where it is not set, from this machine. What is
 * no page, such as an app or wscat, has no origin and connects.
 */
export const application = ProtocolTypeRouter({
  http: serveViews,
  websocket: allowedHostsOriginValidator(UrlRouter(websocketRoutes), {
    allowedHosts: allowedHostsOf(process.env),
    allowsNoOrigin: true,
  }),
  channel: ChannelNameRouter(workerRoutes),
})

let views: ReturnType<typeof loadViews> | undefined

async function serveViews(request: Request, env: FetchEnvironment): Promise<Response> {
  views ??= loadViews()
  return (await views).fetch(request, env)
}

/** Called by the first request: the other functions would pay for Hono with some 6 ms of each cold start. */
async function loadViews() {
  const websocketUrl = websocketUrlOf(process.env)
  const { createViews } = await import('../examples/chat/views.ts')
  return createViews(websocketUrl === undefined ? {} : { websocketUrl })
}
