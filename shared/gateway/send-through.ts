import type { Send } from '../application.ts'
import { ProtocolError } from '../errors.ts'
import type { Outcome } from '../layers/delivery.ts'
import type { Outbox } from './outbox.ts'
import type { Runtime } from './runtime.ts'
import { messageOfSend } from './protocol.ts'

/** How an application sends over an open connection. What became of each frame is added to `outcomes`. */
export function sendThrough(outbox: Outbox, outcomes: Outcome[]): Send {
  return async (message) => {
    const step = messageOfSend(message)
    if (step.kind === 'accept') {
      throw new ProtocolError(
        'accept() outside connect(): the handshake is over once $connect has returned. Call accept() in connect()',
      )
    }
    // All in one turn: nothing that is sent meanwhile comes between the last frame and the close.
    const sent = step.frames.map((frame) => outbox.send(frame))
    const closed = step.kind === 'close' ? outbox.close() : undefined
    outcomes.push(...(await Promise.all(sent)))
    await closed
  }
}

const SEVERITY: readonly Outcome[] = ['delivered', 'deferred', 'gone', 'failed']

/** The worst of these: delivered, if there are none. */
export function worst(outcomes: readonly Outcome[]): Outcome {
  return outcomes.reduce(
    (left, right) => (SEVERITY.indexOf(right) > SEVERITY.indexOf(left) ? right : left),
    'delivered',
  )
}

/** The `send` of a connection that has ended: what is sent is counted, and goes nowhere. */
export function sendNowhere({ metrics, logger }: Runtime, connectionId: string): Send {
  return async ({ type }) => {
    metrics.count('sendAfterDisconnect', 1)
    logger.debug('nothing can be sent to a connection that has ended', { channelName: connectionId, type })
  }
}
