import type { Message } from '../message.ts'
import type { ConnectionContext } from './connection-context.ts'
import type { Runtime } from './runtime.ts'

/** Where an exception came from. */
export interface FailurePlace {
  readonly connectionId: string
  readonly context: ConnectionContext
  readonly message: Message
  /** Whether it is of work that the handler did not wait for. */
  readonly isLate?: boolean
}

/** Logs and counts an exception of a handler, and calls the runtime's `onError`. Never rejects. */
export async function reportFailure(runtime: Runtime, error: unknown, at: FailurePlace): Promise<void> {
  const where = { channelName: at.connectionId, consumer: at.context.consumer, type: at.message.type }
  runtime.metrics.count('handlerFailed', 1)
  const late = at.isLate === true ? ', in work that it did not await' : ''
  runtime.logger.error(`${where.consumer ?? 'the application'} failed on "${where.type}"${late}`, {
    ...where,
    error,
  })
  try {
    await runtime.onError(error, where)
  } catch (failure) {
    runtime.logger.error('onError failed', { ...where, error: failure })
  }
}

/** Logs and counts a frame, or a close, that cannot reach its connection now or later. */
export function reportUndelivered(
  { logger, metrics }: Runtime,
  error: unknown,
  { connectionId, what }: { readonly connectionId: string; readonly what: 'frame' | 'close' },
): void {
  const isFrame = what === 'frame'
  metrics.count(isFrame ? 'frameFailed' : 'closeFailed', 1)
  logger.error(
    isFrame ? 'a frame could not be delivered' : 'a connection could not be closed: its socket stays open',
    { channelName: connectionId, error },
  )
}
