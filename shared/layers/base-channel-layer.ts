import type {
  ChannelLayer,
  GroupSendOptions,
  GroupSendResult,
  ReceiveOptions,
  SendOptions,
} from '../channel-layer.ts'
import { type Clock, systemClock } from '../clock.ts'
import { requireMessage, requireMessageSize } from '../codec.ts'
import { MessageTooLargeError, ProtocolError } from '../errors.ts'
import { MAX_MESSAGE_BYTES } from '../limits.ts'
import type { Logger } from '../logger.ts'
import type { EventMap, EventOf } from '../message.ts'
import { requireChannelName, requireGroupName } from '../names.ts'
import type { ChannelStore, MemberRange } from '../stores/channel-store.ts'
import type { Delivery, GroupPayload, Remainder } from './delivery.ts'
import { FanOut } from './fan-out.ts'
import { MessageRules } from './message-rules.ts'
import { isProcessLocal, ProcessLocalChannels } from './process-local-channels.ts'
import { ProcessLocalDelivery } from './process-local-delivery.ts'
import { enqueueJob, noDelay } from './worker-queues.ts'

/** Names that one group send may leave out: 100 000 bytes of a queue message that has an event and its frame as well. */
const MAX_EXCLUDED = 1_000

/** Where a channel layer counts and measures. */
export interface LayerMetrics {
  count(name: string, value: number): void
  record?(name: string, value: number, unit: 'Count' | 'Milliseconds'): void
}

/** What a channel layer shares with all others of its process. */
export interface LayerSurroundings {
  readonly clock: Clock
  readonly logger: Logger
  readonly metrics: LayerMetrics
  readonly messageRules: MessageRules
}

const nothingAround: LayerSurroundings = {
  clock: systemClock,
  logger: { debug() {}, info() {}, warn() {}, error() {} },
  metrics: { count() {} },
  messageRules: new MessageRules(),
}

/** A part of a group, and when the send to it was made. */
type GroupPart = MemberRange & Pick<Remainder, 'sentAt'>

/** What a {@link BaseChannelLayer} stands on. */
export interface ChannelLayerParts {
  readonly store: ChannelStore
  readonly delivery: Delivery
  /** Begins work for a caller who may not wait for it. By default the caller has to. */
  readonly track?: <T>(work: () => Promise<T>) => Promise<T>
  /** By default what is said and counted goes nowhere. */
  readonly surroundings?: LayerSurroundings
}

/**
 * The channel layer over any store: names, validation and fan-out are written here once; a store is only
 * reads and writes, and a {@link Delivery} reaches one connection.
 */
export class BaseChannelLayer<Events = EventMap> implements ChannelLayer<Events> {
  readonly extensions: readonly string[] = ['groups', 'flush']
  readonly #store: ChannelStore
  readonly #delivery: Delivery
  readonly #track: <T>(work: () => Promise<T>) => Promise<T>
  readonly #surroundings: LayerSurroundings
  readonly #channels: ProcessLocalChannels

  constructor(parts: ChannelLayerParts) {
    const { store, delivery, track = (work) => work(), surroundings = nothingAround } = parts
    this.#store = store
    this.#delivery = delivery
    this.#track = track
    this.#surroundings = surroundings
    this.#channels = new ProcessLocalChannels(store, surroundings)
  }

  // No method below is `async`: the caller is given the very promise that is tracked.

  send(channelName: string, event: EventOf<Events>, { delaySeconds = 0 }: SendOptions = {}): Promise<void> {
    return this.#track(async () => {
      const [name, message] = [requireChannelName(channelName), requireMessage(event)]
      const queue = this.#delivery.workerQueueOf?.(name)
      if (queue !== undefined) await enqueueJob(queue, { channel: name, message, delaySeconds })
      else if (delaySeconds !== 0) throw noDelay(name)
      else if (isProcessLocal(name)) await this.#channels.send(name, message)
      else await this.#delivery.event(name, message)
    })
  }

  newChannel(prefix = 'specific.'): Promise<string> {
    return this.#track(() => this.#channels.create(prefix))
  }

  // Not tracked: an invocation does not wait for what may never come.
  async receive(channelName: string, { signal }: ReceiveOptions = {}): Promise<EventOf<Events>> {
    // What was sent is what the layer's own type says.
    return (await this.#channels.receive(requireChannelName(channelName), signal)) as EventOf<Events>
  }

  flush(): Promise<void> {
    return this.#track(() => this.#store.flush())
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
      this.#sendToGroup(requireGroupName(group), { event: requireMessage(event) }, options),
    )
  }

  groupSendFrame(group: string, frame: string, options: GroupSendOptions = {}): Promise<GroupSendResult> {
    return this.#track(async () => {
      requireMessageSize(frame, MAX_MESSAGE_BYTES)
      return this.#sendToGroup(requireGroupName(group), { frame }, options)
    })
  }

  groupClose(group: string, code = 1000, options: GroupSendOptions = {}): Promise<GroupSendResult> {
    return this.#track(async () =>
      this.#sendToGroup(requireGroupName(group), { close: requireCloseCode(code) }, options),
    )
  }

  /**
   * Serves the group's members within `range`. When time runs out, or the store fails after some were served, the rest
   * of the range goes to the delivery queue; members that were not read by then are not counted.
   *
   * An event that a broadcast handler serves is rendered first; if that makes nothing, no member is read.
   *
   * @throws {@link MessageTooLargeError} if more than 1 000 names are to be left out; nobody was reached
   */
  async fanOut(
    group: string,
    payload: GroupPayload,
    { exclude = [], ...range }: GroupSendOptions & GroupPart,
  ): Promise<GroupSendResult> {
    const excluded = requireExclude(exclude)
    const withChannels = this.#withChannels()
    const parts = { store: this.#store, delivery: withChannels ?? this.#delivery }
    const rendered = await this.#render(payload)
    if (rendered === undefined) return { delivered: 0, deferred: 0, gone: 0, failed: 0 }
    const fanOut = new FanOut({ ...parts, due: { group, payload: rendered, exclude: excluded, ...range } })
    const result = await fanOut.run().finally(() => withChannels?.report(group))
    if (range.sentAt !== undefined) this.#recordLag(range.sentAt, result)
    return result
  }

  async #sendToGroup(
    group: string,
    payload: GroupPayload,
    { exclude = [] }: GroupSendOptions,
  ): Promise<GroupSendResult> {
    const { clock, metrics } = this.#surroundings
    const result = await this.fanOut(group, payload, { exclude, sentAt: clock.now() })
    const { delivered, deferred, gone, failed } = result
    metrics.record?.('fanOutSize', delivered + deferred + gone + failed, 'Count')
    return result
  }

  /** Who served nobody, because the queue got it all, has no lag to tell of. */
  #recordLag(sentAt: number, { delivered, gone, failed }: GroupSendResult): void {
    if (delivered + gone + failed === 0) return
    const { clock, metrics } = this.#surroundings
    // The sender's clock may be a little ahead of this one.
    metrics.record?.('fanOutLag', Math.max(0, clock.now() - sentAt), 'Milliseconds')
  }

  /** For a store that keeps messages: its groups may have members that `newChannel` made. */
  #withChannels(): ProcessLocalDelivery | undefined {
    if (!this.#store.messages) return undefined
    const { logger, metrics } = this.#surroundings
    const count = (name: string): void => metrics.count(name, 1)
    return new ProcessLocalDelivery({ connections: this.#delivery, channels: this.#channels, logger, count })
  }

  /** The payload with the frame that a broadcast handler makes of its event; `undefined` if it makes none. */
  async #render(payload: GroupPayload): Promise<GroupPayload | undefined> {
    if (!('event' in payload) || 'frame' in payload) return payload
    const broadcast = this.#delivery.broadcastOf?.(payload.event.type)
    if (broadcast === undefined) return payload
    const frame = await broadcast.render(payload.event)
    if (frame === undefined) return undefined
    requireMessageSize(frame, MAX_MESSAGE_BYTES)
    return { ...payload, frame }
  }
}

/** The names that a group send leaves out, each once. They travel in every message of the queue that carries a part of it. */
function requireExclude(exclude: readonly string[]): readonly string[] {
  const names = [...new Set(exclude)].map((name) => requireChannelName(name))
  if (names.length <= MAX_EXCLUDED) return names
  throw new MessageTooLargeError(
    `exclude has ${names.length} channel names, ${MAX_EXCLUDED} is the most that fits into a queue message beside an event: send to a group that they are not in, or let the event say whom it is not for, and its handler return`,
  )
}

/** @throws {@link ProtocolError} for a code that RFC 6455, section 7.4, leaves to no application */
function requireCloseCode(code: number): number {
  if (code === 1000 || (Number.isInteger(code) && code >= 3000 && code <= 4999)) return code
  throw new ProtocolError(
    `a group cannot be closed with code ${String(code)}: use 1000, or one of your own from 3000 to 4999`,
  )
}
