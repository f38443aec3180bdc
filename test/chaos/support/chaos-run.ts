import { ChaosClient, type Membership } from './chaos-client.ts'
import type { ChaosWorld } from './chaos-world.ts'
import { Ledger } from './ledger.ts'
import { EVERYONE, type Way, WAYS } from './member-consumer.ts'
import { Mischief } from './mischief.ts'
import type { Random } from './random.ts'

export const GROUPS = ['red', 'green', 'blue', 'white'] as const
const CLIENTS = 20
const STEPS = 200

/** One run: clients that join, send and vanish at random, while this and that goes wrong; then calm, and a reckoning. */
export class ChaosRun {
  readonly ledger: Ledger = new Ledger()
  readonly clients: ChaosClient[] = []
  readonly #world: ChaosWorld
  readonly #random: Random
  readonly #mischief: Mischief
  readonly #opening = new Set<Promise<unknown>>()

  constructor(world: ChaosWorld, random: Random) {
    this.#world = world
    this.#random = random
    this.#mischief = new Mischief(world, random)
  }

  get lostAnswers(): number {
    return this.#mischief.lostAnswers
  }

  get open(): readonly ChaosClient[] {
    return this.clients.filter((client) => client.isOpen)
  }

  /** A client connects; it is a member of the group of everyone once it is open. */
  async connect(): Promise<ChaosClient> {
    const client = new ChaosClient(this.#world.url('member'))
    this.clients.push(client)
    await client.opened(EVERYONE)
    return client
  }

  /** Clients connect until there are `count`: on a busy machine a handshake may run into the gateway's time-out. */
  async gather(count: number): Promise<void> {
    while (this.open.length < count)
      await Promise.all(Array.from({ length: count - this.open.length }, () => this.connect()))
  }

  /** `by` sends to a group; due to all that are in it now. */
  say(by: ChaosClient, way: Way, group: string, excludesSelf = false): string {
    const id = this.ledger.newId()
    const due = this.members(group).filter(({ client }) => !(excludesSelf && client === by))
    const answered = this.ledger.send(id, { due, group, excluded: excludesSelf ? by : undefined })
    by.command({ do: way, id, group, excludesSelf }, answered)
    return id
  }

  /** Those of whom it is sure that they are members. */
  members(group: string): readonly Membership[] {
    return this.clients.flatMap((client) => {
      const membership = client.memberships.get(group)
      return membership === undefined || membership.isOver ? [] : [membership]
    })
  }

  async chaos(): Promise<void> {
    await this.gather(CLIENTS)
    for (let step = 0; step < STEPS; step += 1) {
      this.#step()
      await new Promise((resolve) => setTimeout(resolve, this.#random.below(8)))
    }
    this.#mischief.end()
    await Promise.all(this.#opening)
  }

  /** A client of no group, for the last words. */
  async witness(): Promise<ChaosClient> {
    const client = new ChaosClient(this.#world.url('witness'))
    if (!(await client.opened())) throw new Error('the witness was refused although all is calm')
    return client
  }

  #step(): void {
    const client = this.#random.pick(this.open)
    if (client === undefined) return this.#connectLater()
    let dice = this.#random.below(100)
    for (const [share, deed] of this.#deeds) {
      dice -= share
      if (dice < 0) return deed(client)
    }
    return undefined
  }

  /** What a step may be, and how often of a hundred times. */
  readonly #deeds: readonly (readonly [number, (client: ChaosClient) => void])[] = [
    [30, (client) => this.say(client, this.#way(), this.#group(), this.#random.isBelow(0.2))],
    [20, () => this.#mischief.cause(this.open)],
    [16, (client) => client.join(this.ledger.newId(), this.#random.pick(GROUPS) ?? 'red')],
    [8, () => this.#connectLater()],
    [8, (client) => this.#leaveForEver(client)],
    [6, (client) => client.leave(this.ledger.newId(), this.#random.pick(GROUPS) ?? 'red')],
    [6, (client) => this.#whisper(client)],
    [6, (client) => this.#burst(client)],
  ]

  #group(): string {
    return this.#random.pick([...GROUPS, EVERYONE]) ?? EVERYONE
  }

  #way(): Way {
    return this.#random.pick(WAYS) ?? 'handler'
  }

  #connectLater(): void {
    if (this.open.length < CLIENTS * 1.5) this.#opening.add(this.connect())
  }

  #leaveForEver(client: ChaosClient): void {
    if (this.open.length < CLIENTS / 2) return
    if (this.#random.isBelow(0.5)) client.close()
    else client.vanish()
  }

  #whisper(by: ChaosClient): void {
    const to = this.#random.pick(this.open.filter(({ channelName }) => channelName !== ''))
    const life = to?.memberships.get(EVERYONE)
    if (to === undefined || life === undefined) return
    const id = this.ledger.newId()
    const answered = this.ledger.send(id, { due: [life], group: undefined, excluded: undefined })
    by.command({ do: 'whisper', id, to: to.channelName }, answered)
  }

  #burst(by: ChaosClient): void {
    const id = this.ledger.newId()
    const count = 2 + this.#random.below(6)
    this.ledger.burst(id, by, count)
    by.command({ do: 'burst', id, count })
  }
}
