import type { Message } from '../message.ts'

/** Frames or events that wait until their connection can be reached. */
export type DeliveryTask =
  | {
      /** Text frames for one connection, in order; `close` ends the connection after them. */
      readonly kind: 'frames'
      readonly connectionId: string
      /** When the connection was opened, in milliseconds since the epoch. */
      readonly connectedAt: number
      readonly frames: readonly string[]
      readonly close?: boolean
    }
  | {
      /** An event for one connection's consumer. */
      readonly kind: 'event'
      readonly connectionId: string
      readonly connectedAt: number
      readonly event: Message
    }
  | {
      /** The members of a group behind position `after`, to whom an event or a frame is still due. */
      readonly kind: 'group'
      readonly group: string
      /** The alias of the channel layer whose group it is; the default one if there is none. */
      readonly layer?: string
      readonly after?: string
      readonly upTo?: string
      readonly exclude: readonly string[]
      readonly event?: Message
      readonly frame?: string
      /** When the group send was made, in milliseconds since the epoch. Tasks of older versions do not tell. */
      readonly sentAt?: number
      /** Ends the members' connections with this code. */
      readonly close?: number
    }
  | {
      /** The end of one connection with `code`, at `at`: milliseconds since the epoch. Until then it goes round the queue. */
      readonly kind: 'end'
      readonly connectionId: string
      readonly connectedAt: number
      readonly at: number
      readonly code: number
    }

/** One task in the queue: what is to be done, at which management endpoint, and how often it was tried. */
export interface QueuedDelivery {
  readonly task: DeliveryTask
  /** Where the connection's `@connections` are: `https://{api}.execute-api.{region}.amazonaws.com/{stage}`. */
  readonly endpoint: string
  /** 0 at first. */
  readonly attempt: number
  /** Whether it is left over from an event of the serial queue, which has the `$disconnect` of the task's connection too. */
  readonly isInOrder?: boolean
}

/** Options of one `enqueue`. */
export interface EnqueueOptions {
  /** Not before this many seconds, 0 to 900. */
  readonly delaySeconds?: number
}

/** Where deliveries wait that cannot be made now. At least once: a task may be handed out twice. */
export interface DeliveryQueue {
  /**
   * Puts deliveries into the queue; all are in it when it resolves.
   *
   * @throws {@link StoreError} if any could not be put; it names those (`refused`) if the others are in the queue
   */
  enqueue(deliveries: readonly QueuedDelivery[], options?: EnqueueOptions): Promise<void>
}
