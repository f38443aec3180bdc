import type { ChannelLayer, GroupSendOptions, GroupSendResult } from '../channel-layer.ts'
import { requireMessage, requireMessageSize } from '../codec.ts'
import { MAX_MESSAGE_BYTES } from '../limits.ts'
import type { EventMap, EventOf } from '../message.ts'
import { requireChannelName, requireGroupName } from '../names.ts'
import type { ChannelStore, MemberRange } from '../stores/channel-store.ts'
import type { Delivery, GroupPayload } from './delivery.ts'
import { FanOut } from './fan-out.ts'

/** What a {@link BaseChannelLayer} stands on. */
export interface ChannelLayerParts {
  readonly store: ChannelStore
  readonly delivery: Delivery
  /** Begins work for a caller who may not wait for it. By default the caller has to. */
  readonly track?: <T>(work: () => Promise<T>) => Promise<T>
}

/**
 * The channel layer over any store: names, validation and fan-out are written here once; a store is only
 * reads and writes, and a {@link Delivery} reaches one connection.
 */
export class BaseChannelLayer<Events = EventMap> implements ChannelLayer<Events> {
  readonly #store: ChannelStore
  readonly #delivery: Delivery
  readonly #track: <T>(work: () => Promise<T>) => Promise<T>

  constructor({ store, delivery, track = (work) => work() }: ChannelLayerParts) {
    this.#store = store
    this.#delivery = delivery
    this.#track = track
  }

  // No method below is `async`: the caller is given the very promise that is tracked.

  send(channelName: string, event: EventOf<Events>): Promise<void> {
    return this.#track(async () => {
      await this.#delivery.event(requireChannelName(channelName), requireMessage(event))
    })
  }

  groupAdd(group: string, channelName: string): Promise<void> {
    return this.#track(async () => {
      await this.#store.groupAdd(requireGroupName(group), requireChannelName(channelName))
    })
  }

  groupDiscard(group: string, channelName: string): Promise<void> {
    return this.#track(async () =>
      this.#store.groupDiscard(requireGroupName(group), requireChannelName(channelName)),
    )
  }

  groupSend(group: string, event: EventOf<Events>, options: GroupSendOptions = {}): Promise<GroupSendResult> {
    return this.#track(async () =>
      this.fanOut(requireGroupName(group), { event: requireMessage(event) }, options),
    )
  }

  groupSendFrame(group: string, frame: string, options: GroupSendOptions = {}): Promise<GroupSendResult> {
    return this.#track(async () => {
      requireMessageSize(frame, MAX_MESSAGE_BYTES)
      return this.fanOut(requireGroupName(group), { frame }, options)
    })
  }

  /**
   * Serves the group's members within `range`. When time runs out, or the store fails after some were served, the rest
   * of the range goes to the delivery queue; members that were not read by then are not counted.
   */
  async fanOut(
    group: string,
    payload: GroupPayload,
    { exclude = [], ...range }: GroupSendOptions & MemberRange,
  ): Promise<GroupSendResult> {
    const parts = { store: this.#store, delivery: this.#delivery }
    return new FanOut({
      ...parts,
      group,
      payload,
      exclude: exclude.map((name) => requireChannelName(name)),
      range,
    }).run()
  }
}
