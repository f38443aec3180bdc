import type { ChannelLayer, GroupSendOptions, GroupSendResult } from '../channel-layer.ts'
import { requireMessage, requireMessageSize } from '../codec.ts'
import { MAX_MESSAGE_BYTES } from '../limits.ts'
import type { EventMap, EventOf } from '../message.ts'
import { requireChannelName, requireGroupName } from '../names.ts'
import type { ChannelStore, GroupMember, MemberRange } from '../stores/channel-store.ts'
import type { Delivery, GroupPayload, Outcome } from './delivery.ts'
import { forEachConcurrently } from './for-each-concurrently.ts'

/** Members that one fan-out serves at the same time. Matches the poster's sockets: more would only wait there. */
const CONCURRENCY = 256

/** What a {@link BaseChannelLayer} stands on. */
export interface ChannelLayerParts {
  readonly store: ChannelStore
  readonly delivery: Delivery
}

/**
 * The channel layer over any store: names, validation and fan-out are written here once; a store is only
 * reads and writes, and a {@link Delivery} reaches one connection.
 */
export class BaseChannelLayer<Events = EventMap> implements ChannelLayer<Events> {
  readonly #store: ChannelStore
  readonly #delivery: Delivery

  constructor({ store, delivery }: ChannelLayerParts) {
    this.#store = store
    this.#delivery = delivery
  }

  async send(channelName: string, event: EventOf<Events>): Promise<void> {
    await this.#delivery.event(requireChannelName(channelName), requireMessage(event))
  }

  async groupAdd(group: string, channelName: string): Promise<void> {
    await this.#store.groupAdd(requireGroupName(group), requireChannelName(channelName))
  }

  async groupDiscard(group: string, channelName: string): Promise<void> {
    await this.#store.groupDiscard(requireGroupName(group), requireChannelName(channelName))
  }

  async groupSend(group: string, event: EventOf<Events>, options: GroupSendOptions = {}): Promise<GroupSendResult> {
    return this.fanOut(requireGroupName(group), { event: requireMessage(event) }, options)
  }

  async groupSendFrame(group: string, frame: string, options: GroupSendOptions = {}): Promise<GroupSendResult> {
    requireMessageSize(frame, MAX_MESSAGE_BYTES)
    return this.fanOut(requireGroupName(group), { frame }, options)
  }

  /**
   * Walks the group's members within `range`, page by page, and serves each. When time runs out, the rest of
   * the range goes to the delivery queue; members that were not read by then are not counted.
   */
  async fanOut(
    group: string,
    payload: GroupPayload,
    { exclude = [], ...range }: GroupSendOptions & MemberRange,
  ): Promise<GroupSendResult> {
    const counts = { delivered: 0, deferred: 0, gone: 0, failed: 0 }
    const excluded = new Set(exclude.map(requireChannelName))
    let after = range.after
    for (;;) {
      const from = after === undefined ? {} : { after }
      const upTo = range.upTo === undefined ? {} : { upTo: range.upTo }
      const page = await this.#store.members(group, { ...from, ...upTo })
      const members = page.members.filter(({ connectionId }) => !excluded.has(connectionId))
      if (this.#delivery.isOutOfTime()) {
        await this.#delivery.defer({ group, payload, exclude, ...from, ...upTo })
        counts.deferred += members.length
        return counts
      }
      await this.#serve(group, members, payload, (outcome) => counts[outcome]++)
      if (page.next === undefined) return counts
      after = page.next
    }
  }

  async #serve(
    group: string,
    members: readonly GroupMember[],
    payload: GroupPayload,
    count: (outcome: Outcome) => void,
  ): Promise<void> {
    if ('event' in payload) await this.#delivery.prepare(members)
    await forEachConcurrently(members, CONCURRENCY, async (member) => {
      count(await this.#delivery.toMember(group, member, payload))
    })
  }
}
