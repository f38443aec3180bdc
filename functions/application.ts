import { ProtocolTypeRouter, UrlRouter } from '../shared/index.ts'
import { websocketRoutes } from '../examples/chat/routing.ts'

/** The deployed application: replace the routes by your own. */
export const application = ProtocolTypeRouter({
  websocket: UrlRouter(websocketRoutes),
})
