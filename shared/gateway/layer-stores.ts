import { StoreError } from '../errors.ts'
import { isProcessLocal } from '../layers/process-local-channels.ts'
import type { ChannelStore, ConnectionRecord, RemovedRecord } from '../stores/channel-store.ts'
import { type OpeningStore, StoreView } from './store-views.ts'

/**
 * The default store of a runtime with several layers. A connection that begins or ends here does so in the stores of
 * the others as well: there it has a record without scope and state, which is what a store asks for before it adds a
 * member, and what names the groups that end with it.
 */
export class LayeredStore extends StoreView {
  readonly #others: readonly ChannelStore[]

  constructor(inner: ChannelStore, others: readonly ChannelStore[]) {
    super(inner)
    this.#others = others
  }

  override async create(record: ConnectionRecord): Promise<void> {
    // What `newChannel` makes belongs to the layer that made it.
    if (isProcessLocal(record.connectionId)) return this.inner.create(record)
    const bare = { ...record, scope: {}, state: {}, version: 0, groups: [] }
    // All have ended before one is told to have failed: who removes what was written must not be overtaken by it.
    const created = await Promise.allSettled([
      this.inner.create(record),
      ...this.#others.map((store) => store.create(bare)),
    ])
    for (const one of created) if (one.status === 'rejected') throw one.reason
  }

  override async remove(connectionId: string): Promise<RemovedRecord | undefined> {
    const [own, ...others] = await Promise.allSettled([
      this.inner.remove(connectionId),
      ...this.#others.map((store) => store.remove(connectionId)),
    ])
    if (own.status === 'rejected') throw own.reason
    const membershipFailure = own.value?.membershipFailure ?? firstFailure(others)
    if (membershipFailure === undefined) return own.value
    if (own.value === undefined) throw membershipFailure
    return { ...own.value, membershipFailure }
  }
}

/** The store of another layer as the `$connect` of one connection sees it: that joins once it has its records. */
export class OpeningLayerStore extends StoreView {
  readonly #opening: OpeningStore

  constructor(inner: ChannelStore, opening: OpeningStore) {
    super(inner)
    this.#opening = opening
  }

  override async groupAdd(group: string, connectionId: string): Promise<boolean> {
    if (connectionId === this.#opening.connectionId) await this.#opening.write()
    return this.inner.groupAdd(group, connectionId)
  }
}

function firstFailure(
  removals: readonly PromiseSettledResult<RemovedRecord | undefined>[],
): StoreError | undefined {
  for (const removal of removals) {
    if (removal.status === 'fulfilled' && removal.value?.membershipFailure)
      return removal.value.membershipFailure
    if (removal.status === 'fulfilled') continue
    if (removal.reason instanceof StoreError) return removal.reason
    throw removal.reason
  }
  return undefined
}
