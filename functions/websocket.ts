import { createWebsocketHandler, type WebsocketHandler } from '../shared/gateway/index.ts'
import { application } from './application.ts'
import { runtime } from './runtime.ts'

/** `$connect`, `$default` and `$disconnect`. */
export const handler: WebsocketHandler = createWebsocketHandler(application, runtime)
