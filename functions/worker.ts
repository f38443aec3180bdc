import { createWorkerHandler, type WorkerHandler } from '../shared/gateway/index.ts'
import { application } from './application.ts'
import { runtime } from './runtime.ts'

/** Queues of worker channels: jobs for the application's `ChannelNameRouter`. */
export const handler: WorkerHandler = createWorkerHandler(application, runtime)
