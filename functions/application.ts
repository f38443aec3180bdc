import { type FetchEnvironment, ProtocolTypeRouter, UrlRouter } from '../shared/index.ts'
import { websocketRoutes } from '../examples/chat/routing.ts'

/** The deployed application: replace the routes by your own. */
export const application = ProtocolTypeRouter({
  http: serveViews,
  websocket: UrlRouter(websocketRoutes),
})

/** Loaded by the first request: the other functions would pay for Hono with some 6 ms of each cold start. */
async function serveViews(request: Request, env: FetchEnvironment): Promise<Response> {
  const { views } = await import('../examples/chat/views.ts')
  return views.fetch(request, env)
}
