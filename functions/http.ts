import { createHttpHandler, type HttpHandler } from '../shared/gateway/index.ts'
import { application } from './application.ts'
import { runtime } from './runtime.ts'

/** The requests of an HTTP API: the views, which may send to groups. */
export const handler: HttpHandler = createHttpHandler(application, runtime)
