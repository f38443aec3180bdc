import type { ConnectionContext } from './connection-context.ts'

/** The events that one invocation is handling, by connection: a handler may send to its own. */
export class ActiveEvents {
  readonly #contexts = new Map<string, Set<ConnectionContext>>()

  /** The events of a connection that are being handled now. */
  of(connectionId: string): readonly ConnectionContext[] {
    return [...(this.#contexts.get(connectionId) ?? [])]
  }

  /** As logs name them. */
  describe(connectionId: string): readonly object[] {
    return this.of(connectionId).map(({ consumer, message: { type } }) => ({ consumer, type }))
  }

  has(connectionId: string): boolean {
    return this.#contexts.has(connectionId)
  }

  add(context: ConnectionContext): void {
    const { connectionId } = context
    this.#contexts.set(connectionId, (this.#contexts.get(connectionId) ?? new Set()).add(context))
  }

  /** Nothing is kept of a connection without events: a walk over many members must not remember them all. */
  delete(context: ConnectionContext): void {
    const { connectionId } = context
    const contexts = this.#contexts.get(connectionId)
    contexts?.delete(context)
    if (contexts?.size === 0) this.#contexts.delete(connectionId)
  }
}
