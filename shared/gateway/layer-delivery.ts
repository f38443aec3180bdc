import { type Broadcast, broadcastOf } from '../broadcast.ts'
import { StoreError } from '../errors.ts'
import {
  type DeferReason,
  type Delivery,
  type FanOutLimits,
  type GroupPayload,
  type Outcome,
  refusedParts,
  type Remainder,
} from '../layers/delivery.ts'
import { noSuchChannel } from '../layers/worker-queues.ts'
import type { Message } from '../message.ts'
import { canBeWorkerChannel } from '../names.ts'
import type { GroupMember } from '../stores/channel-store.ts'
import type { DeliveryTask } from '../stores/delivery-queue.ts'
import type { WorkerQueue } from '../stores/worker-queue.ts'
import { type WorkerChannels, workerChannelsOf } from '../worker-channels.ts'
import { removeMembership } from './clean-up.ts'
import { delaySecondsOf } from './deferred-tasks.ts'
import type { Invocation } from './invocation.ts'
import { DEFAULT_LAYER } from './runtime.ts'

/** How the layer under one alias reaches connections. All reach the same ones; each knows its own groups. */
export class LayerDelivery implements Delivery {
  readonly #invocation: Invocation
  readonly #alias: string
  readonly #attempt: number

  constructor(invocation: Invocation, of: { readonly alias: string; readonly attempt: number }) {
    this.#invocation = invocation
    this.#alias = of.alias
    this.#attempt = of.attempt
  }

  get limits(): FanOutLimits {
    return this.#invocation.runtime.fanOut
  }

  broadcastOf(type: string): Broadcast | undefined {
    return broadcastOf(this.#invocation.application, type)
  }

  workerQueueOf(channelName: string): WorkerQueue | undefined {
    return this.#invocation.runtime.workers.find(channelName, this.#workerChannels)
  }

  async event(connectionId: string, event: Message): Promise<Outcome> {
    if (canBeWorkerChannel(connectionId) && !(await this.#invocation.runtime.store.load(connectionId)))
      throw noSuchChannel(connectionId, [...this.#workerChannels.keys()])
    return this.#invocation.event(connectionId, event)
  }

  get #workerChannels(): WorkerChannels {
    return workerChannelsOf(this.#invocation.application)
  }

  async toMember(group: string, member: GroupMember, payload: GroupPayload): Promise<Outcome> {
    const served = this.#toMember(group, member, payload)
    const outcome = await this.#invocation.served(member.connectionId, served)
    this.#invocation.count(outcome)
    return outcome
  }

  async #toMember(group: string, member: GroupMember, payload: GroupPayload): Promise<Outcome> {
    const outcome = await this.#invocation.toMember(member, payload)
    // Its record may be gone while this membership is left: a `groupAdd` that raced its end.
    if (outcome === 'gone') {
      const { runtime } = this.#invocation
      await removeMembership(runtime, { alias: this.#alias, group, connectionId: member.connectionId })
    }
    return outcome
  }

  prepare(members: readonly GroupMember[]): Promise<void> {
    return this.#invocation.prepare(members)
  }

  inTime<T>(read: Promise<T>): Promise<T> {
    return this.#invocation.inTime(read)
  }

  isOutOfTime(): boolean {
    return this.#invocation.isOutOfTime()
  }

  async giveAway(parts: readonly Remainder[]): Promise<readonly Remainder[]> {
    const refused = await this.#refusedOf(parts)
    this.#invocation.runtime.metrics.count('fanOutRanges', parts.length - refused.length)
    return refused
  }

  async #refusedOf(parts: readonly Remainder[]): Promise<readonly Remainder[]> {
    const tasks = parts.map((part) => this.#task(part))
    try {
      await this.inTime(this.#invocation.enqueue(tasks, { attempt: 0 }))
      return []
    } catch (error) {
      if (!(error instanceof StoreError)) throw error
      const refused = refusedParts(parts, error)
      this.#invocation.runtime.logger.warn(
        'a large group could not be divided among delivery workers: what the queue did not take is served here, as far as there is time',
        { group: parts[0]?.group, ranges: parts.length, refused: refused.length, error },
      )
      return refused
    }
  }

  async defer(remainders: readonly Remainder[], { hasProgressed, failure }: DeferReason): Promise<void> {
    const { logger } = this.#invocation.runtime
    const ranges = remainders.map(({ after, upTo }) => ({ after, upTo }))
    const details = { group: remainders[0]?.group, ranges }
    if (failure)
      logger.warn('the rest of a group send waits in the delivery queue', { ...details, error: failure })
    else logger.info('the rest of a group send waits in the delivery queue: time is up', details)
    const [attempt, delaySeconds] = hasProgressed
      ? [0, 0]
      : [this.#attempt + 1, delaySecondsOf(this.#attempt)]
    const tasks = remainders.map((remainder) => this.#task(remainder))
    await this.#invocation.enqueue(tasks, { attempt, delaySeconds })
  }

  #task({ payload, ...rest }: Remainder): DeliveryTask {
    const layer = this.#alias === DEFAULT_LAYER ? {} : { layer: this.#alias }
    return { kind: 'group', ...layer, ...rest, ...payload }
  }
}
