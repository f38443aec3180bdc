import type { Application, WebsocketScope } from '../../shared/application.ts'
import type { LambdaContext } from '../../shared/gateway/deadline.ts'
import type { BatchResult } from '../../shared/gateway/queue-event.ts'
import type { RuntimeOptions } from '../../shared/gateway/runtime.ts'
import { createSerialHandler } from '../../shared/gateway/serial-handler.ts'
import { serialBody, type SerialEvent } from '../../shared/serial-body.ts'
import { GatewayWorld } from './gateway-world.ts'
import { type EventFields, disconnectEvent, messageEvent } from './websocket-events.ts'

/** A message of the serial queue. */
export interface SerialRecord {
  readonly messageId: string
  readonly body: string
  readonly attributes: Readonly<Record<string, string>>
}

/** A world whose frames can come through the serial queue. */
export class SerialWorld extends GatewayWorld {
  readonly #application: Application<WebsocketScope>

  constructor(application: Application<WebsocketScope>, runtime: Partial<RuntimeOptions> = {}) {
    super({ application, runtime })
    this.#application = application
  }

  /** Runs the serial handler on these messages. */
  serve(records: readonly SerialRecord[], context?: LambdaContext): Promise<BatchResult> {
    return createSerialHandler(this.#application, this.runtime)({ Records: records }, context)
  }
}

/** A message as SQS hands it out. */
export function recordOf(messageId: string, groupId: string, body: string): SerialRecord {
  return { messageId, body, attributes: { MessageGroupId: groupId, ApproximateReceiveCount: '1' } }
}

/** The message of a frame. */
export function frameRecord(messageId: string, connectionId: string, text: string): SerialRecord {
  return recordOf(messageId, connectionId, bodyOf(messageEvent(connectionId, text)))
}

/** The message of a `$disconnect`. */
export function endRecord(messageId: string, connectionId: string, fields?: EventFields): SerialRecord {
  return recordOf(messageId, connectionId, bodyOf(disconnectEvent(connectionId, 4001, fields)))
}

function bodyOf(event: object): string {
  // The makers of these events know no type for them.
  return serialBody(event as SerialEvent)
}
