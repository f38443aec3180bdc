import { type Broadcast, broadcastOf } from '../broadcast.ts'
import { StoreError } from '../errors.ts'
import type {
  DeferReason,
  Delivery,
  FanOutLimits,
  GroupPayload,
  Outcome,
  Remainder,
} from '../layers/delivery.ts'
import { noSuchChannel } from '../layers/worker-queues.ts'
import type { Message } from '../message.ts'
import { canBeWorkerChannel } from '../names.ts'
import type { GroupMember } from '../stores/channel-store.ts'
import type { DeliveryTask } from '../stores/delivery-queue.ts'
import type { WorkerQueue } from '../stores/worker-queue.ts'
import { type WorkerChannels, workerChannelsOf } from '../worker-channels.ts'
import { removeMembership } from './clean-up.ts'
import type { Invocation } from './invocation.ts'
import { DEFAULT_LAYER } from './runtime.ts'

/** How the layer under one alias reaches connections. All reach the same ones; each knows its own groups. */
export class LayerDelivery implements Delivery {
  readonly #invocation: Invocation
  readonly #alias: string

  constructor(invocation: Invocation, alias: string) {
    this.#invocation = invocation
    this.#alias = alias
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

  async giveAway(parts: readonly Remainder[]): Promise<boolean> {
    const { runtime } = this.#invocation
    const tasks = parts.map((part) => this.#task(part))
    try {
      await this.inTime(this.#invocation.enqueue(tasks, { attempt: 0 }))
    } catch (error) {
      if (!(error instanceof StoreError)) throw error
      runtime.logger.warn(
        'a large group could not be divided among delivery workers: it is served here, as far as there is time',
        { group: parts[0]?.group, ranges: tasks.length, error },
      )
      return false
    }
    runtime.metrics.count('fanOutRanges', tasks.length)
    return true
  }

  async defer(remainder: Remainder, { hasProgressed, failure }: DeferReason): Promise<void> {
    const { logger } = this.#invocation.runtime
    const { payload: _payload, ...rest } = remainder
    if (failure)
      logger.warn('the rest of a group send waits in the delivery queue', { ...rest, error: failure })
    else logger.info('the rest of a group send waits in the delivery queue: time is up', rest)
    await this.#invocation.enqueue([this.#task(remainder)], hasProgressed ? { attempt: 0 } : {})
  }

  #task({ payload, ...rest }: Remainder): DeliveryTask {
    const layer = this.#alias === DEFAULT_LAYER ? {} : { layer: this.#alias }
    return { kind: 'group', ...layer, ...rest, ...payload }
  }
}
