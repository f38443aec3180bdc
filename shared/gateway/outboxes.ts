import type { Backlog } from './backlog.ts'
import type { Departures } from './departures.ts'
import type { Invocation } from './invocation.ts'
import { Outbox } from './outbox.ts'
import { reportUndelivered } from './report-failure.ts'

/** Where outboxes leave what they cannot post: frames, and connections found dead. */
export interface OutboxesOptions {
  readonly backlog: Backlog
  readonly departures: Departures
}

/** The outboxes of one invocation: one per connection, so that its frames keep their order. */
export class Outboxes {
  readonly #invocation: Invocation
  readonly #options: OutboxesOptions
  readonly #outboxes = new Map<string, Outbox>()

  constructor(invocation: Invocation, options: OutboxesOptions) {
    this.#invocation = invocation
    this.#options = options
  }

  of(connectionId: string, connectedAt: number): Outbox {
    const known = this.#outboxes.get(connectionId)
    if (known) return known
    const invocation = this.#invocation
    const { backlog, departures } = this.#options
    const outbox: Outbox = new Outbox({
      poster: invocation.poster,
      connectionId,
      signal: invocation.signal,
      isOpening: () => invocation.isYoung(connectedAt),
      onDeferred: () => backlog.addOutbox(outbox, { connectionId, connectedAt }),
      onGone: () => departures.bury(connectionId),
      onLate: () => invocation.count('sendAfterClose'),
      onFailed: (error, what) => reportUndelivered(invocation.runtime, error, { connectionId, what }),
    })
    this.#outboxes.set(connectionId, outbox)
    return outbox
  }

  /** Resolves when what was sent to the connection is done. */
  async settled(connectionId: string): Promise<void> {
    await this.#outboxes.get(connectionId)?.settled()
  }

  /** Resolves when what was sent to any connection is done, and what is sent meanwhile. */
  async allSettled(): Promise<void> {
    for (const outbox of this.#outboxes.values()) await outbox.settled()
  }

  /** A walk over many members must not keep an outbox for each of them. */
  forgetIdle(connectionId: string): void {
    if (this.#outboxes.get(connectionId)?.isIdle) this.#outboxes.delete(connectionId)
  }
}
