import type { Broadcast } from '../broadcast.ts'
import type { StoreError } from '../errors.ts'
import type { Message } from '../message.ts'
import type { GroupMember, MemberRange } from '../stores/channel-store.ts'
import type { WorkerQueue } from '../stores/worker-queue.ts'

/** What became of one event or frame for one connection. */
export type Outcome = 'delivered' | 'deferred' | 'gone' | 'failed'

/**
 * What is due to the members of a group: an event for their consumers, or one frame for their sockets. Both where a
 * broadcast handler has made the frame of the event: then sockets get the frame, and only what is no connection the event.
 * Or the end of their connections, with the code `close`.
 */
export type GroupPayload =
  | { readonly event: Message }
  | { readonly frame: string }
  | { readonly event: Message; readonly frame: string }
  | { readonly close: number }

/** A part of a fan-out, or its rest: who is still owed the payload. */
export interface Remainder extends MemberRange {
  readonly group: string
  readonly payload: GroupPayload
  readonly exclude: readonly string[]
  /** When the group send was made, in milliseconds since the epoch, as far as that is known. */
  readonly sentAt?: number
}

/** Why the rest of a fan-out is handed on. */
export interface DeferReason {
  /** Whether some of the range was served, so that this is no failed attempt. */
  readonly hasProgressed: boolean
  /** What ended the walk early, if it was not a lack of time. */
  readonly failure?: StoreError | undefined
}

/** From which size on, and how, a group is divided among delivery workers. */
export interface FanOutLimits {
  /** A group, or a range of one, with more members than about this many is cut. 2 000 by default. */
  readonly inlineMembers: number
  /** Members in one range, about. A worker that is killed delivers the ranges of its batch again. 500 by default. */
  readonly rangeMembers: number
  /** Ranges that one walk makes. More are needed for large groups, so workers cut theirs again. 64 by default. */
  readonly maxRanges: number
}

/** What applies unless a runtime says otherwise. */
export const FAN_OUT_LIMITS: FanOutLimits = { inlineMembers: 2_000, rangeMembers: 500, maxRanges: 64 }

/** How long an event waits, once, for a connection that has no record: its `$connect` may still run. */
export const RECORD_WAIT_SECONDS = 3

/** How a channel layer reaches connections: the port that the server half implements. */
export interface Delivery {
  /** How far one walk over a group goes by itself. */
  readonly limits: FanOutLimits
  /** The broadcast handler that serves events of `type` for every member, whoever it is; by default none does. */
  broadcastOf?(type: string): Broadcast | undefined
  /**
   * The queue of the worker channel `channelName`; `undefined` if it is none. By default none is.
   *
   * @throws {@link ConfigurationError} if the application serves it and it has no queue
   */
  workerQueueOf?(channelName: string): WorkerQueue | undefined
  /**
   * Handles `event` in the consumer of one connection. Never rejects because of that connection or its consumer.
   *
   * @throws {@link UnknownChannelError} if there is no such connection, and never was, as its name tells
   */
  event(connectionId: string, event: Message): Promise<Outcome>
  /**
   * As `event`, a frame or the end, for one member of a group. A member that is found dead is removed from its groups, and from
   * `group` even where its record is gone already. One that is still being served a moment after the time is over has
   * failed: a walk waits for nobody for longer.
   */
  toMember(group: string, member: GroupMember, payload: GroupPayload): Promise<Outcome>
  /** Makes ready to reach these members with an event: fetches in batches what is needed. Never rejects: what could not be fetched is fetched one by one. */
  prepare(members: readonly GroupMember[]): Promise<void>
  /**
   * As `read`, a call of the store, but rejects with a {@link StoreError} when it is time to hand on what is left: a
   * store that does not answer must not cost the members that were not read.
   */
  inTime<T>(read: Promise<T>): Promise<T>
  /**
   * Puts parts of a large fan-out into the delivery queue. Resolves to those that it did not take, which is logged:
   * whoever asked serves them. If the queue does not say which they are, these are all, and some may be served twice.
   */
  giveAway(parts: readonly Remainder[]): Promise<readonly Remainder[]>
  /** Whether a long walk should stop now and hand on what is left. */
  isOutOfTime(): boolean
  /**
   * Hands the rest of a fan-out to the delivery queue.
   *
   * @throws {@link StoreError} if the queue does not take it
   */
  defer(remainders: readonly Remainder[], reason: DeferReason): Promise<void>
}

/** Those of `parts` that a queue did not take, as its error tells. */
export function refusedParts(parts: readonly Remainder[], { refused }: StoreError): readonly Remainder[] {
  return refused === undefined ? parts : parts.filter((_, index) => refused.includes(index))
}
