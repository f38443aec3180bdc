import type { Faults } from './faults.ts'
import type { QueueMessage } from './local-queue.ts'

/** The messages of a queue that can be received, and the order in which they are. */
export interface QueueLine {
  readonly length: number
  add(message: QueueMessage): void
  /** Takes up to `most` messages out. They are held until they are released. */
  take(most: number): readonly QueueMessage[]
  /** Told that a message is hidden, or with a function. */
  hold(message: QueueMessage): void
  /** Told that a message that was held is done, a dead letter, or about to be added again. */
  release(message: QueueMessage): void
}

/** A standard queue: first come, first served, as far as no fault mixes them. A message that is held holds up no other. */
export class StandardLine implements QueueLine {
  readonly #messages: QueueMessage[] = []
  readonly #faults: Pick<Faults, 'shuffleMessages'>

  constructor(faults: Pick<Faults, 'shuffleMessages'>) {
    this.#faults = faults
  }

  get length(): number {
    return this.#messages.length
  }

  add(message: QueueMessage): void {
    this.#messages.push(message)
  }

  take(most: number): readonly QueueMessage[] {
    if (!this.#faults.shuffleMessages) return this.#messages.splice(0, most)
    const taken: QueueMessage[] = []
    while (taken.length < most && this.#messages.length > 0)
      taken.push(...this.#messages.splice(Math.floor(Math.random() * this.#messages.length), 1))
    return taken
  }

  hold(): void {
    // The others go on.
  }

  release(): void {
    // Nobody waits for it.
  }
}

/** A FIFO queue: within a group in the order of their sequence, and none while one of the group is held. */
export class FifoLine implements QueueLine {
  #messages: QueueMessage[] = []
  /** How many messages of each group are held. */
  readonly #held = new Map<string | undefined, number>()

  get length(): number {
    return this.#messages.length
  }

  add(message: QueueMessage): void {
    const behind = this.#messages.findLastIndex(({ sequence }) => sequence < message.sequence)
    this.#messages.splice(behind + 1, 0, message)
  }

  take(most: number): readonly QueueMessage[] {
    const taken = this.#messages.filter(({ groupId }) => !this.#held.has(groupId)).slice(0, most)
    for (const message of taken) this.hold(message)
    this.#messages = this.#messages.filter((message) => !taken.includes(message))
    return taken
  }

  hold({ groupId }: QueueMessage): void {
    this.#held.set(groupId, (this.#held.get(groupId) ?? 0) + 1)
  }

  release({ groupId }: QueueMessage): void {
    const left = (this.#held.get(groupId) ?? 0) - 1
    if (left > 0) this.#held.set(groupId, left)
    else this.#held.delete(groupId)
  }
}
