import { createSerialHandler, type SerialHandler } from '../shared/gateway/index.ts'
import { application } from './application.ts'
import { runtime } from './runtime.ts'

/** The FIFO queue of `ordering: 'serial'`: frames and `$disconnect`, in the order of each connection. */
export const handler: SerialHandler = createSerialHandler(application, runtime)
