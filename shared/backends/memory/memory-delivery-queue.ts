import { queueJson } from '../../codec.ts'
import type { DeliveryQueue, QueuedDelivery } from '../../stores/delivery-queue.ts'

/** A {@link DeliveryQueue} in this process, for tests: deliveries wait until they are taken, delays are not kept. */
export class MemoryDeliveryQueue implements DeliveryQueue {
  #waiting: string[] = []

  async enqueue(deliveries: readonly QueuedDelivery[]): Promise<void> {
    // As text, so that nothing passes that a real queue would not carry.
    this.#waiting.push(...deliveries.map((delivery) => queueJson(delivery)))
  }

  /** How many deliveries wait. */
  get size(): number {
    return this.#waiting.length
  }

  /** Takes all that wait, as the event that SQS invokes a function with. */
  take(): { readonly Records: readonly { readonly messageId: string; readonly body: string }[] } {
    const bodies = this.#waiting
    this.#waiting = []
    return { Records: bodies.map((body, index) => ({ messageId: String(index), body })) }
  }
}
