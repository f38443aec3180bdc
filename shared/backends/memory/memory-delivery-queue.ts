import { type Clock, systemClock } from '../../clock.ts'
import { queueJson } from '../../codec.ts'
import type { DeliveryQueue, QueuedDelivery } from '../../stores/delivery-queue.ts'

/** Options of {@link MemoryDeliveryQueue}. */
export interface MemoryDeliveryQueueOptions {
  /** Tells when the end of a connection is due. */
  readonly clock?: Clock
}

/**
 * A {@link DeliveryQueue} in this process, for tests: deliveries wait until they are taken. Delays are not kept, but the end
 * of a connection cannot be taken before it is due.
 */
export class MemoryDeliveryQueue implements DeliveryQueue {
  readonly #clock: Clock
  #waiting: { readonly body: string; readonly dueAt: number }[] = []

  constructor({ clock = systemClock }: MemoryDeliveryQueueOptions = {}) {
    this.#clock = clock
  }

  async enqueue(deliveries: readonly QueuedDelivery[]): Promise<void> {
    for (const delivery of deliveries) {
      const dueAt = delivery.task.kind === 'end' ? delivery.task.at : 0
      // As text, so that nothing passes that a real queue would not carry.
      this.#waiting.push({ body: queueJson(delivery), dueAt })
    }
  }

  /** How many deliveries can be taken. */
  get size(): number {
    return this.#waiting.filter((delivery) => this.#isDue(delivery)).length
  }

  /** Takes all that can be taken, as the event that SQS invokes a function with. */
  take(): { readonly Records: readonly { readonly messageId: string; readonly body: string }[] } {
    const due = this.#waiting.filter((delivery) => this.#isDue(delivery))
    this.#waiting = this.#waiting.filter((delivery) => !this.#isDue(delivery))
    return { Records: due.map(({ body }, index) => ({ messageId: String(index), body })) }
  }

  #isDue({ dueAt }: { readonly dueAt: number }): boolean {
    return dueAt <= this.#clock.now()
  }
}
