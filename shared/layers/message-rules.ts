import { requireWholeNumber } from '../whole-number.ts'
import { Capacities, type ChannelCapacity } from './capacity.ts'

const DEFAULT_EXPIRY_SECONDS = 60
const DEFAULT_GROUP_EXPIRY_SECONDS = 86_400

/** How many messages wait in channels of `newChannel`, and for how long. Words and numbers are those of Channels. */
export interface MessageLimits {
  /** Messages that wait in one channel at most; 100 by default. */
  readonly capacity?: number
  /** Other capacities for channels whose names fit a glob or a `RegExp`; the first that fits decides. */
  readonly channelCapacity?: Iterable<ChannelCapacity>
  /** Seconds after which a message that nobody has received is dropped; 60 by default. */
  readonly expirySeconds?: number
  /** Seconds that a channel can be a member of groups, from `newChannel` on; 86400 by default. */
  readonly groupExpirySeconds?: number
}

/** {@link MessageLimits}, checked, and complete. */
export class MessageRules {
  readonly capacities: Capacities
  readonly expirySeconds: number
  readonly groupExpirySeconds: number

  /** @throws {@link ConfigurationError} if a number is out of range, or a pattern is none */
  constructor({
    capacity,
    channelCapacity,
    expirySeconds = DEFAULT_EXPIRY_SECONDS,
    groupExpirySeconds = DEFAULT_GROUP_EXPIRY_SECONDS,
  }: MessageLimits = {}) {
    this.capacities = new Capacities(capacity, channelCapacity)
    this.expirySeconds = requireWholeNumber(expirySeconds, 'expirySeconds')
    this.groupExpirySeconds = requireWholeNumber(groupExpirySeconds, 'groupExpirySeconds')
  }
}
