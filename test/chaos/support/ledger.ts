import type { ChaosClient, Membership } from './chaos-client.ts'
import type { QueueLog } from './queue-log.ts'

interface Sent {
  /** Whoever was a member, as far as it knew, when the sender sent. */
  readonly due: readonly Membership[]
  readonly group: string | undefined
  readonly excluded: ChaosClient | undefined
  isAcknowledged: boolean
  isAnswered: boolean
}

interface Burst {
  readonly by: ChaosClient
  readonly count: number
}

/** What must hold at the end, as sentences about what does not. */
export interface Verdict {
  readonly problems: readonly string[]
  readonly sends: number
  readonly acknowledged: number
  /** Messages that had to come to members, counted for each. */
  readonly deliveries: number
  readonly duplicates: number
  /** Duplicates that no queue message explains that was handed out again. */
  readonly unexplained: number
}

/** What was sent, to whom it is due, and what has come of it. */
export class Ledger {
  readonly #sent = new Map<string, Sent>()
  readonly #bursts = new Map<string, Burst>()
  #ids = 0

  newId(): string {
    this.#ids += 1
    return `m${String(this.#ids).padStart(6, '0')}`
  }

  /** Writes a send down; returns what is to be called when it is answered. */
  send(id: string, to: Omit<Sent, 'isAcknowledged' | 'isAnswered'>): (isDone: boolean) => void {
    const sent: Sent = { ...to, due: [...to.due], isAcknowledged: false, isAnswered: false }
    this.#sent.set(id, sent)
    return (isDone) => {
      sent.isAcknowledged = isDone
      sent.isAnswered = true
    }
  }

  /** Whether every sender knows what came of what it sent. */
  get isAnswered(): boolean {
    return [...this.#sent.values()].every(({ isAnswered }) => isAnswered)
  }

  burst(id: string, by: ChaosClient, count: number): void {
    this.#bursts.set(id, { by, count })
  }

  judge(clients: readonly ChaosClient[], log: QueueLog): Verdict {
    const { duplicates, unexplained } = this.#countDuplicates(clients, log)
    const sent = [...this.#sent]
    const acknowledged = sent.filter(([, { isAcknowledged }]) => isAcknowledged)
    return {
      problems: [
        ...acknowledged.flatMap(([id, each]) => missing(id, each)),
        ...sent.flatMap(([id, each]) => strays(id, each, clients)),
        ...[...this.#bursts].flatMap(([id, burst]) => brokenBurst(id, burst)),
        ...clients.flatMap((client) => troubles(client)),
      ],
      sends: sent.length,
      acknowledged: acknowledged.length,
      deliveries: acknowledged.flatMap(([, { due }]) => due.filter(({ isOver }) => !isOver)).length,
      duplicates,
      unexplained,
    }
  }

  #countDuplicates(
    clients: readonly ChaosClient[],
    log: QueueLog,
  ): { readonly duplicates: number; readonly unexplained: number } {
    let duplicates = 0
    let unexplained = 0
    for (const client of clients) {
      for (const [id, count] of client.received) {
        if (count === 1) continue
        duplicates += count - 1
        const { times, isAgain } = log.of(id, client.channelName)
        unexplained += Math.max(0, count - 1 - (isAgain ? times : 0))
      }
    }
    return { duplicates, unexplained }
  }
}

function missing(id: string, { due }: Sent): string[] {
  return due
    .filter(({ client, isOver }) => !isOver && !client.received.has(id))
    .map(({ client, group }) => `${id} to ${group} never came to ${client.channelName}`)
}

function strays(id: string, { group, excluded }: Sent, clients: readonly ChaosClient[]): string[] {
  return clients
    .filter((client) => client.received.has(id))
    .filter((client) => client === excluded || (group !== undefined && !client.asked.has(group)))
    .map(({ channelName }) => `${id} to ${group} came to ${channelName}, which is excluded, or no member`)
}

function brokenBurst(id: string, { by, count }: Burst): string[] {
  const seen = by.bursts.get(id) ?? []
  const isInOrder = seen.every((index, at) => index === at)
  // A client that ended may have missed the end; one that lives misses all of it, or nothing.
  const isWhole = seen.length === count || seen.length === 0 || !by.isOpen
  return isInOrder && isWhole
    ? []
    : [`burst ${id} of ${count} came to ${by.channelName} as ${seen.join(' ')}`]
}

function troubles(client: ChaosClient): string[] {
  const name = client.channelName
  return [
    ...(client.wasClosed ? [`${name} was closed by the server`] : []),
    ...(client.isOpen && client.hellos === 0 ? [`a client was never told hello`] : []),
    ...(client.failures > 0 ? [`group sends of ${name} counted ${client.failures} members as failed`] : []),
  ]
}
