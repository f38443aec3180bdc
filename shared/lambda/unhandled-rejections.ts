import type { EventEmitter } from 'node:events'
import type { Metrics } from '../gateway/index.ts'
import type { Logger } from '../logger.ts'

/**
 * From now on a promise of the application that rejects while nobody awaits it is logged and counted as
 * `unhandledRejection`; the process goes on.
 *
 * Lambda's own listener would end the process, and with it an invocation that may be serving other connections. It is
 * removed: it was added before this module was loaded. Calls of the library itself never get here, see
 * {@link Connection.track}.
 */
export function surviveRejections(
  { logger, metrics }: { readonly logger: Logger; readonly metrics: Metrics },
  target: EventEmitter = process,
): void {
  target.removeAllListeners('unhandledRejection')
  target.on('unhandledRejection', (error: unknown) => {
    metrics.count('unhandledRejection', 1)
    logger.error('a promise was rejected that nobody awaits: await it, or catch what it rejects with', {
      error,
    })
  })
}
