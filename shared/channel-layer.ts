import type { EventMap, EventOf } from './message.ts'

/**
 * What became of one group send, in members. Their sum is the number of members that were addressed.
 */
export interface GroupSendResult {
  /** Handled: the member's handler ran and all its frames were accepted by API Gateway, or it sent none. */
  readonly delivered: number
  /** Kept in the delivery queue, to be delivered right after: still opening, throttled, or out of time. */
  readonly deferred: number
  /** Proved dead; its record and memberships were removed. */
  readonly gone: number
  /** Handler failed or delivery was impossible. Logged, and that member was closed where its handler failed. */
  readonly failed: number
}

/** Options of one group send. */
export interface GroupSendOptions {
  /** Channel names that are left out, such as the sender's own. */
  readonly exclude?: readonly string[]
}

/**
 * What an application may ask of a channel layer.
 *
 * @typeParam Events - the payload of each event type, so that a misspelt type or a missing key does not compile
 */
export interface ChannelLayer<Events = EventMap> {
  /**
   * Runs the handler named by `event.type` in the consumer of the connection `channelName`
   * (`chat.message` runs `chatMessage`), with that connection's own scope and state.
   *
   * Resolves when the handler has run and its frames were accepted, or when the event was deferred. A
   * connection that is gone is no error: it is cleaned up and counted.
   *
   * @throws {@link InvalidNameError} if `channelName` is not a channel name
   * @throws {@link InvalidMessageError} if `event` cannot travel
   */
  send(channelName: string, event: EventOf<Events>): Promise<void>

  /**
   * Adds the connection `channelName` to `group`. Doing it again changes nothing. Once it resolves, a
   * `groupSend` from anywhere reaches the connection. A connection that is gone is not added.
   *
   * @throws {@link InvalidNameError}
   * @throws {@link StoreError}
   */
  groupAdd(group: string, channelName: string): Promise<void>

  /**
   * Removes the connection `channelName` from `group`; nothing happens if it is no member.
   *
   * @throws {@link InvalidNameError}
   * @throws {@link StoreError}
   */
  groupDiscard(group: string, channelName: string): Promise<void>

  /**
   * Runs the handler named by `event.type` in the consumer of every member of `group`, the sender included,
   * each with its own scope and state.
   *
   * One member never fails the others or the sender. Members that join or leave while it runs may or may not
   * be reached. A group without members is no error.
   *
   * @example
   * ```ts
   * await this.channelLayer.groupSend('chat_lobby', { type: 'chat.message', message: 'hello' })
   * ```
   *
   * @throws {@link InvalidNameError} if `group` is not a group name
   * @throws {@link InvalidMessageError} if `event` cannot travel
   * @throws {@link StoreError} if the members cannot be read
   */
  groupSend(group: string, event: EventOf<Events>, options?: GroupSendOptions): Promise<GroupSendResult>

  /**
   * Puts one text frame on the socket of every member of `group`, the sender included. No consumer runs and no
   * connection record is read: the cheapest way to say the same to everybody.
   *
   * @throws {@link InvalidNameError} if `group` is not a group name
   * @throws {@link MessageTooLargeError} before anything is sent
   * @throws {@link StoreError} if the members cannot be read
   */
  groupSendFrame(group: string, frame: string, options?: GroupSendOptions): Promise<GroupSendResult>
}
