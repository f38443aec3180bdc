import type { Message } from '../message.ts'

/** What holds for one message in a channel. */
export interface PutOptions {
  /** Messages that the channel takes; those that have expired do not count. */
  readonly capacity: number
  /** Milliseconds since the epoch; nobody gets the message from then on. */
  readonly expiresAtMs: number
}

/**
 * Messages that wait in channels until somebody takes them: an optional part of a store. A channel needs no record, and
 * is there as soon as there is a message in it.
 */
export interface ChannelMessages {
  /**
   * Puts a copy of `message` behind those that wait. False, and nothing put, if as many wait as the channel takes.
   *
   * @throws {@link StoreError}
   */
  put(channelName: string, message: Message, options: PutOptions): Promise<boolean>

  /**
   * Takes the message that waits longest, waiting for one if there is none. Each message is taken once; of those who
   * wait in this process the first gets it.
   *
   * @param signal - ends the wait: it rejects with the signal's reason, and no message is lost by it
   * @throws {@link StoreError}
   */
  take(channelName: string, signal?: AbortSignal): Promise<Message>
}
