import { createDeliveryHandler, type DeliveryHandler } from '../shared/gateway/index.ts'
import { application } from './application.ts'
import { runtime } from './runtime.ts'

/** The delivery queue: frames and events that had to wait, and fan-outs that ran out of time. */
export const handler: DeliveryHandler = createDeliveryHandler(application, runtime)
