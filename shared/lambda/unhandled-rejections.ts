import type { EventEmitter } from 'node:events'
import type { Metrics } from '../gateway/index.ts'
import type { Logger } from '../logger.ts'

/**
 * From now on a promise of the application that rejects while nobody awaits it is logged and counted as
 * `unhandledRejection`; the process goes on.
 *
 * Otherwise the process would end, and with it an invocation that may be serving other connections: by Node, if nobody
 * listens, as on Lambda since Node 24; before that, by Lambda's own listener, which is removed. All other listeners stay, and
 * are called, those of another runtime too. Calls of the library itself never get here, see {@link Connection.track}.
 */
export function surviveRejections(
  { logger, metrics }: { readonly logger: Logger; readonly metrics: Metrics },
  target: EventEmitter = process,
): void {
  for (const listener of target.listeners('unhandledRejection')) {
    if (isLambdas(listener)) target.off('unhandledRejection', listener as () => void)
  }
  target.on('unhandledRejection', (error: unknown) => {
    metrics.count('unhandledRejection', 1)
    logger.error('a promise was rejected that nobody awaits: await it, or catch what it rejects with', {
      error,
    })
  })
}

/**
 * Says whether it is the listener of Lambda's runtime. It has no name, and tools that are loaded before the function may have
 * come first, so it is known by what it does: it tells Lambda, and exits.
 *
 * https://github.com/aws/aws-lambda-nodejs-runtime-interface-client/blob/1597e2a953108547187d2e879271bab911f459eb/src/index.mjs
 */
function isLambdas(listener: unknown): boolean {
  return /\berrorCallbacks\.unhandledRejection\(/.test(String(listener))
}
