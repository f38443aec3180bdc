import { StoreError } from '../errors.ts'
import type { Logger } from '../logger.ts'
import type { Message } from '../message.ts'
import type { GroupMember } from '../stores/channel-store.ts'
import type { DeferReason, Delivery, FanOutLimits, GroupPayload, Outcome, Remainder } from './delivery.ts'
import { isProcessLocal, type ProcessLocalChannels } from './process-local-channels.ts'

/** What a {@link ProcessLocalDelivery} is made of. */
export interface ProcessLocalDeliveryOptions {
  /** Reaches the members that are connections. */
  readonly connections: Delivery
  readonly channels: ProcessLocalChannels
  /** Counts what became of a message; connections count for themselves. */
  readonly count: (name: string) => void
  readonly logger: Logger
}

/** The delivery of one group send: members that `newChannel` made get the event as a message, the others as ever. */
export class ProcessLocalDelivery implements Delivery {
  readonly limits: FanOutLimits
  readonly #options: ProcessLocalDeliveryOptions
  #addressed = 0
  #full = 0
  #withoutSocket = 0

  constructor(options: ProcessLocalDeliveryOptions) {
    this.#options = options
    this.limits = options.connections.limits
  }

  event(connectionId: string, event: Message): Promise<Outcome> {
    return this.#options.connections.event(connectionId, event)
  }

  async toMember(group: string, member: GroupMember, payload: GroupPayload): Promise<Outcome> {
    if (!isProcessLocal(member.connectionId))
      return this.#options.connections.toMember(group, member, payload)
    this.#addressed += 1
    const outcome = await this.#toChannel(group, member.connectionId, payload)
    this.#options.count(outcome)
    return outcome
  }

  prepare(members: readonly GroupMember[]): Promise<void> {
    return this.#options.connections.prepare(
      members.filter(({ connectionId }) => !isProcessLocal(connectionId)),
    )
  }

  inTime<T>(read: Promise<T>): Promise<T> {
    return this.#options.connections.inTime(read)
  }

  giveAway(parts: readonly Remainder[]): Promise<readonly Remainder[]> {
    return this.#options.connections.giveAway(parts)
  }

  isOutOfTime(): boolean {
    return this.#options.connections.isOutOfTime()
  }

  defer(remainders: readonly Remainder[], reason: DeferReason): Promise<void> {
    return this.#options.connections.defer(remainders, reason)
  }

  /** Says what was not put into channels, and why: nothing is dropped in silence. */
  report(group: string): void {
    const { logger } = this.#options
    if (this.#full > 0)
      logger.info(`${this.#full} of ${this.#addressed} channels over capacity in group ${group}`)
    if (this.#withoutSocket > 0) {
      logger.warn(
        `${this.#withoutSocket} members of group ${group} have no socket for a frame or a close, for newChannel() made them: use groupSend() to reach them`,
      )
    }
  }

  async #toChannel(group: string, channelName: string, payload: GroupPayload): Promise<Outcome> {
    if (!('event' in payload)) {
      this.#withoutSocket += 1
      return 'failed'
    }
    try {
      if (await this.inTime(this.#options.channels.put(channelName, payload.event))) return 'delivered'
      this.#full += 1
    } catch (error) {
      if (!(error instanceof StoreError)) throw error
      this.#options.logger.warn('an event could not be put into a channel', { channelName, group, error })
    }
    return 'failed'
  }
}
