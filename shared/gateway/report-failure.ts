import type { Runtime } from './runtime.ts'
import type { ServerContext } from './server-context.ts'

/** Which event an exception came out of. */
export interface FailurePlace {
  readonly context: ServerContext
  /** Whether it is of work that the handler did not wait for. */
  readonly isLate?: boolean
}

/** Logs and counts an exception of the handler of the event at hand, and calls the runtime's `onError`. Never rejects. */
export async function reportFailure(
  { metrics, logger, onError }: Runtime,
  error: unknown,
  { context, isLate = false }: FailurePlace,
): Promise<void> {
  const where = { ...context.place, consumer: context.consumer, type: context.message.type }
  metrics.count('handlerFailed', 1)
  const late = isLate ? ', in work that it did not await' : ''
  logger.error(`${where.consumer ?? 'the application'} failed on "${where.type}"${late}`, { ...where, error })
  try {
    await onError(error, where)
  } catch (failure) {
    logger.error('onError failed', { ...where, error: failure })
  }
}

const UNDELIVERED = {
  frame: { metric: 'frameFailed', text: 'a frame could not be delivered' },
  close: { metric: 'closeFailed', text: 'a connection could not be closed: its socket stays open' },
  event: { metric: 'eventFailed', text: 'an event could not be handled, and is not tried again' },
} as const

/** Logs and counts a frame, a close or an event that cannot reach its connection now or later. */
export function reportUndelivered(
  { logger, metrics }: Runtime,
  error: unknown,
  { connectionId, what }: { readonly connectionId: string; readonly what: keyof typeof UNDELIVERED },
): void {
  const { metric, text } = UNDELIVERED[what]
  metrics.count(metric, 1)
  logger.error(text, { channelName: connectionId, error })
}
