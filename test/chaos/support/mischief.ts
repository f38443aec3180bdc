import type { ChaosClient } from './chaos-client.ts'
import type { ChaosWorld } from './chaos-world.ts'
import type { Random } from './random.ts'

/** Everything that may go wrong, one at a time and at random. */
export class Mischief {
  /** Posts that were delivered, or are to be, and whose answer is lost: each may make one duplicate. */
  lostAnswers = 0
  readonly #world: ChaosWorld
  readonly #random: Random
  #hangs = 0

  constructor(world: ChaosWorld, random: Random) {
    this.#world = world
    this.#random = random
  }

  /** Lets one thing go wrong, or one go right again. */
  cause(clients: readonly ChaosClient[]): void {
    const deeds = [
      this.#post,
      this.#post,
      this.#client,
      this.#disconnect,
      this.#queue,
      this.#queue,
      this.#store,
    ]
    const deed = this.#random.pick(deeds)
    deed?.call(this, clients)
  }

  /** Nothing new goes wrong; what is under way does. */
  end(): void {
    this.#world.gateway.faults.clear()
    this.#world.store.clearFaults()
  }

  #post(): void {
    const { faults } = this.#world.gateway
    const count = 1 + this.#random.below(15)
    const dice = this.#random.below(6)
    if (dice === 0) faults.throttleNextPosts(count)
    else if (dice === 1) faults.failNextPosts(count, this.#random.pick([500, 502, 503]) ?? 500)
    else if (dice === 2) faults.resetNextPosts(count)
    else if (dice === 3) this.#loseAnswers(count)
    else if (dice === 4) faults.postsPerSecond = this.#random.pick([20, 100, Number.POSITIVE_INFINITY]) ?? 100
    // Each holds somebody up for as long as the poster's time-out.
    else if (this.#hangs < 2) {
      this.#hangs += 1
      faults.hangNextPosts(1)
    }
  }

  #loseAnswers(count: number): void {
    this.lostAnswers += count
    this.#world.gateway.faults.loseNextAnswers(count)
  }

  #client(clients: readonly ChaosClient[]): void {
    const { slowClients } = this.#world.gateway.faults
    const name = this.#random.pick(clients)?.channelName
    if (this.#random.isBelow(0.4)) slowClients.clear()
    else if (name) slowClients.add(name)
  }

  #disconnect(): void {
    const { faults } = this.#world.gateway
    faults.loseDisconnect = this.#random.isBelow(0.4)
    faults.duplicateDisconnect = this.#random.isBelow(0.4)
    faults.delayDisconnectMs = this.#random.isBelow(0.4) ? this.#random.below(10_000) : 0
    faults.openLateMs = this.#random.isBelow(0.4) ? this.#random.below(5_000) : 0
  }

  #queue(): void {
    const { faults } = this.#world.gateway
    const dice = this.#random.below(4)
    if (dice === 0) faults.duplicateNextMessages(1 + this.#random.below(5))
    else if (dice === 1) faults.shuffleMessages = this.#random.isBelow(0.7)
    else if (dice === 2) faults.delayMessagesMs = this.#random.isBelow(0.5) ? this.#random.below(3_000) : 0
    else faults.killNextDeliveries(1 + this.#random.below(3), { afterPosts: this.#random.below(6) })
  }

  #store(): void {
    const { store } = this.#world
    const dice = this.#random.below(3)
    if (dice === 0) store.throttleNextCalls(1 + this.#random.below(8))
    else if (dice === 1) store.loseNextAnswers(1 + this.#random.below(4))
    else this.#world.coldStart()
  }
}
