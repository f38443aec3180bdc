import type { EventMap, EventOf } from './message.ts'

/**
 * What became of one group send, in members. Their sum is the number of members that were addressed.
 */
export interface GroupSendResult {
  /** Handled: the member's handler ran and all its frames were accepted by API Gateway, or it sent none. */
  readonly delivered: number
  /**
   * To be delivered right after, by way of the delivery queue: still opening, throttled, or out of time. In the queue when
   * the invocation ends at the latest. Where the group was cut into {@link ranges}, it holds an estimate of their members,
   * which are in the queue already.
   */
  readonly deferred: number
  /** Proved dead; its record and memberships were removed. */
  readonly gone: number
  /** Handler failed or delivery was impossible. Logged, and that member was closed where its handler failed. */
  readonly failed: number
  /** Present if the group is large: how many ranges of it were given to delivery workers, which count their members. */
  readonly ranges?: number
}

/** Options of one group send. */
export interface GroupSendOptions {
  /** Channel names that are left out, such as the sender's own. */
  readonly exclude?: readonly string[]
}

/** Options of one send. */
export interface SendOptions {
  /** Keeps a message for a worker channel back: 0 to 900 whole seconds. */
  readonly delaySeconds?: number
}

/** Options of one receive. */
export interface ReceiveOptions {
  /** Ends the wait: `receive` rejects with its reason. Without one it waits until a message comes. */
  readonly signal?: AbortSignal
}

/**
 * What an application may ask of a channel layer; `docs/reference/channel-layer-spec.md` is its contract.
 *
 * @typeParam Events - the payload of each event type, so that a misspelt type or a missing key does not compile
 */
export interface ChannelLayer<Events = EventMap> {
  /** What the layer can do beyond channels: `groups` and `flush`, as in Channels. */
  readonly extensions: readonly string[]

  /**
   * Runs the handler named by `event.type` in the consumer of the connection `channelName`
   * (`chat.message` runs `chatMessage`), with that connection's own scope and state. Into a channel of
   * {@link newChannel} it puts the event instead, and into the queue of a worker channel as a job.
   *
   * Resolves when the handler has run and its frames were accepted, or when the event was deferred or put. A
   * connection that is gone is no error: it is cleaned up and counted.
   *
   * @throws {@link InvalidNameError} if `channelName` is not a channel name
   * @throws {@link InvalidMessageError} if `event` cannot travel
   * @throws {@link ChannelFullError} if as many messages wait in the channel as it takes
   * @throws {@link UnknownChannelError} if there is no such worker channel, and the name is not like a connection id
   * @throws {@link ConfigurationError} if the application serves the worker channel, and it has no queue here
   * @throws {@link NotSupportedError} for a delay of another kind of channel, or of more than 900 seconds
   * @throws {@link StoreError} if a worker's queue does not take the job
   */
  send(channelName: string, event: EventOf<Events>, options?: SendOptions): Promise<void>

  /**
   * Makes a channel for code that is no consumer, and returns its name, which nobody can guess: `prefix`, random
   * characters, `!` and more of them. It can be a member of groups until it expires, by default after a day. Memory
   * and Redis have such channels.
   *
   * @throws {@link NotSupportedError} if the store keeps no messages, as DynamoDB
   */
  newChannel(prefix?: string): Promise<string>

  /**
   * The message that waits longest in a channel of {@link newChannel}, waiting for one if there is none. Each message
   * is received once, by one receiver. Inside an invocation give it a signal: a wait that is left alone goes on.
   *
   * @throws {@link NotSupportedError} for a connection, whose messages run its consumer, or if the store keeps no messages
   */
  receive(channelName: string, options?: ReceiveOptions): Promise<EventOf<Events>>

  /**
   * Forgets every connection, membership and message of the layer. Open connections stay open, and nothing
   * reaches their consumers any more. For tests and development.
   *
   * @throws {@link StoreError}
   */
  flush(): Promise<void>

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
   * each with its own scope and state. A member that {@link newChannel} made is put the event into.
   *
   * One member never fails the others or the sender. Members that join or leave while it runs may or may not
   * be reached. A group without members is no error.
   *
   * A static handler, a broadcast handler, runs once for all members instead, if all consumers that handle the type have
   * the same one: its frame goes the way of {@link groupSendFrame}, and what it throws, or a frame that is too large, rejects
   * this call before anything is sent. If it returns nothing, no member is addressed.
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

  /**
   * Ends the connection of every member of `group`: `disconnect()` runs, record and memberships go, the socket is closed.
   * The client is told a `code` other than 1000 in a last frame. A member that {@link newChannel} made counts as failed.
   *
   * @param code - 1000, or 3000 to 4999
   * @throws {@link InvalidNameError} if `group` is not a group name
   * @throws {@link ProtocolError} for another code
   * @throws {@link StoreError} if the members cannot be read
   */
  groupClose(group: string, code?: number, options?: GroupSendOptions): Promise<GroupSendResult>
}
