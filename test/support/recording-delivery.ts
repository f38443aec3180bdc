import {
  type Delivery,
  FAN_OUT_LIMITS,
  type GroupPayload,
  type Remainder,
} from '../../shared/layers/delivery.ts'
import type { Message } from '../../shared/message.ts'
import type { GroupMember } from '../../shared/stores/channel-store.ts'

/** Reaches every connection, and writes down with what. Connections in `failing` cannot be reached. */
export class RecordingDelivery implements Delivery {
  readonly limits: typeof FAN_OUT_LIMITS = FAN_OUT_LIMITS
  readonly received: { readonly connectionId: string; readonly payload: GroupPayload }[] = []
  readonly failing = new Set<string>()

  async event(connectionId: string, event: Message): Promise<'delivered'> {
    this.received.push({ connectionId, payload: { event } })
    return 'delivered'
  }

  async toMember(
    _group: string,
    { connectionId }: GroupMember,
    payload: GroupPayload,
  ): Promise<'delivered' | 'failed'> {
    if (this.failing.has(connectionId)) return 'failed'
    this.received.push({ connectionId, payload })
    return 'delivered'
  }

  async prepare(): Promise<void> {}

  inTime<T>(read: Promise<T>): Promise<T> {
    return read
  }

  async giveAway(parts: readonly Remainder[]): Promise<readonly Remainder[]> {
    return parts
  }

  isOutOfTime(): boolean {
    return false
  }

  defer(_remainders: readonly Remainder[]): Promise<void> {
    return Promise.reject(new Error('there is always time'))
  }

  /** Who was reached, each as often as they were, in the order of their names. */
  get reached(): readonly string[] {
    return this.received.map(({ connectionId }) => connectionId).toSorted()
  }
}
