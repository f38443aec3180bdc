import type { Message } from '../message.ts'
import type { ConnectionContext } from './connection-context.ts'
import type { Runtime } from './runtime.ts'

/** Where an exception came from. */
export interface FailurePlace {
  readonly connectionId: string
  readonly context: ConnectionContext
  readonly message: Message
}

/** Logs and counts an exception of a handler, and calls the runtime's `onError`. Never rejects. */
export async function reportFailure(runtime: Runtime, error: unknown, at: FailurePlace): Promise<void> {
  const where = { channelName: at.connectionId, consumer: at.context.consumer, type: at.message.type }
  runtime.metrics.count('handlerFailed', 1)
  runtime.logger.error(`${where.consumer ?? 'the application'} failed on "${where.type}"`, {
    ...where,
    error,
  })
  try {
    await runtime.onError(error, where)
  } catch (failure) {
    runtime.logger.error('onError failed', { ...where, error: failure })
  }
}
