import type { DeliveryTask } from '../../../shared/stores/delivery-queue.ts'
import { memberPosition } from '../../../shared/stores/member-position.ts'

interface QueueEvent {
  readonly Records: readonly {
    readonly body: string
    readonly attributes: { readonly ApproximateReceiveCount: string }
  }[]
}

interface Handed {
  readonly task: DeliveryTask
  readonly text: string
  readonly isAgain: boolean
}

/** Every hand-out of every queue message to a delivery worker. */
export class QueueLog {
  readonly #handed: Handed[] = []

  /** Writes down a batch. */
  add(event: object): void {
    for (const { body, attributes } of (event as QueueEvent).Records) {
      const { task } = JSON.parse(body) as { readonly task: DeliveryTask }
      this.#handed.push({ task, text: body, isAgain: attributes.ApproximateReceiveCount !== '1' })
    }
  }

  get size(): number {
    return this.#handed.length
  }

  /** How many messages were handed out again. */
  get again(): number {
    return this.#handed.filter(({ isAgain }) => isAgain).length
  }

  /** How often a worker was to deliver message `id` to `connectionId`, and whether ever for a second time. */
  of(id: string, connectionId: string): { readonly times: number; readonly isAgain: boolean } {
    const found = this.#handed.filter(({ task, text }) => text.includes(id) && isDue(task, connectionId))
    return { times: found.length, isAgain: found.some(({ isAgain }) => isAgain) }
  }
}

function isDue(task: DeliveryTask, connectionId: string): boolean {
  if (task.kind !== 'group') return task.connectionId === connectionId
  const position = memberPosition(connectionId)
  const { after = '', upTo = position, exclude } = task
  return after < position && position <= upTo && !exclude.includes(connectionId)
}
