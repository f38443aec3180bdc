import { forEachConcurrently } from '../layers/for-each-concurrently.ts'
import type { ConnectionRecord } from '../stores/channel-store.ts'
import { removeConnection } from './clean-up.ts'
import type { Invocation } from './invocation.ts'

/** How many `disconnect()`s of dead connections run at the same time. */
const CONCURRENCY = 16

/** The connections that one invocation has found dead: `disconnect()` runs once its own work is done. */
export class Departures {
  readonly #invocation: Invocation
  #records: ConnectionRecord[] = []

  constructor(invocation: Invocation) {
    this.#invocation = invocation
  }

  get isEmpty(): boolean {
    return this.#records.length === 0
  }

  /**
   * A connection proved dead: its record and memberships go, unless frames of its own may still be waiting in front of its
   * `$disconnect`. Never rejects.
   */
  async bury(connectionId: string): Promise<void> {
    if (this.#invocation.servesInOrder(connectionId)) {
      const details = { channelName: connectionId }
      this.#invocation.runtime.logger.debug('a 410: the $disconnect behind its frames ends it', details)
      return
    }
    this.#invocation.count('goneConnection')
    const record = await removeConnection(this.#invocation.runtime, connectionId)
    if (record) this.#records.push(record)
  }

  /** Runs `disconnect()` for all that were buried, as far as there is time. */
  async disconnectAll(): Promise<void> {
    const records = this.#records
    this.#records = []
    const skipped: string[] = []
    await forEachConcurrently(records, CONCURRENCY, async (record) => {
      if (this.#invocation.isOutOfTime()) skipped.push(record.connectionId)
      else await this.#invocation.disconnect(record, { code: 1006, reason: 'Connection Closed Abnormally' })
    })
    if (skipped.length === 0) return
    const { logger, metrics } = this.#invocation.runtime
    logger.error('disconnect() did not run for connections found dead: time is up', { skipped })
    metrics.count('disconnectSkipped', skipped.length)
    metrics.count('disconnected', skipped.length)
  }
}
