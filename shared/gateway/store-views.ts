import type { JsonObject } from '../message.ts'
import { isUnchanged, stateChanges } from '../state-changes.ts'
import type {
  ChannelStore,
  ConnectionRecord,
  MemberPage,
  MemberRange,
  RecordWrite,
} from '../stores/channel-store.ts'

/** Passes every call on to another store. */
abstract class StoreView implements ChannelStore {
  protected readonly inner: ChannelStore

  constructor(inner: ChannelStore) {
    this.inner = inner
  }

  create(record: ConnectionRecord): Promise<void> {
    return this.inner.create(record)
  }

  load(connectionId: string): Promise<ConnectionRecord | undefined> {
    return this.inner.load(connectionId)
  }

  loadMany(connectionIds: readonly string[]): Promise<ReadonlyMap<string, ConnectionRecord>> {
    return this.inner.loadMany(connectionIds)
  }

  saveState(connectionId: string, write: RecordWrite): Promise<boolean> {
    return this.inner.saveState(connectionId, write)
  }

  saveStateIf(
    connectionId: string,
    version: number,
    write: RecordWrite,
  ): Promise<'saved' | 'conflict' | 'gone'> {
    return this.inner.saveStateIf(connectionId, version, write)
  }

  remove(connectionId: string): Promise<ConnectionRecord | undefined> {
    return this.inner.remove(connectionId)
  }

  groupAdd(group: string, connectionId: string): Promise<boolean> {
    return this.inner.groupAdd(group, connectionId)
  }

  groupDiscard(group: string, connectionId: string): Promise<void> {
    return this.inner.groupDiscard(group, connectionId)
  }

  members(group: string, range?: MemberRange): Promise<MemberPage> {
    return this.inner.members(group, range)
  }
}

/**
 * The store as the `$connect` of one connection sees it. The record is written with the first groups that the
 * connection joins, in one round trip, so that from then on a send from anywhere reaches it; or, if it joins
 * none, when it is accepted. State is kept here meanwhile and written at the end, if it still has to be.
 */
export class OpeningStore extends StoreView {
  readonly #connectionId: string
  readonly #scope: () => JsonObject
  #record: ConnectionRecord
  #written: ConnectionRecord | undefined
  #creation: Promise<ConnectionRecord> | undefined

  /** @param scope - the scope to store, as it stands when it is called */
  constructor(inner: ChannelStore, record: ConnectionRecord, scope: () => JsonObject) {
    super(inner)
    this.#record = record
    this.#connectionId = record.connectionId
    this.#scope = scope
  }

  /** Writes what has not been written yet. */
  async commit(): Promise<void> {
    const before = await this.#create()
    const write = {
      ...stateChanges(before.state, this.#record.state),
      ...scopeChange(before.scope, this.#scope()),
    }
    if (isUnchanged(write) && !('scope' in write)) return
    await this.inner.saveState(this.#connectionId, write)
  }

  /** Leaves nothing of the connection behind. */
  async rollback(): Promise<void> {
    if (this.#creation === undefined) return
    // Even a write that failed may have left something.
    await Promise.allSettled([this.#creation])
    await this.inner.remove(this.#connectionId)
  }

  override async load(connectionId: string): Promise<ConnectionRecord | undefined> {
    return connectionId === this.#connectionId ? this.#record : this.inner.load(connectionId)
  }

  override async saveState(connectionId: string, write: RecordWrite): Promise<boolean> {
    if (connectionId !== this.#connectionId) return this.inner.saveState(connectionId, write)
    const kept = Object.entries(this.#record.state).filter(([key]) => !write.remove.includes(key))
    const state = Object.fromEntries([...kept, ...Object.entries(write.set)])
    this.#record = { ...this.#record, state, version: this.#record.version + 1 }
    return true
  }

  override async saveStateIf(
    connectionId: string,
    version: number,
    write: RecordWrite,
  ): Promise<'saved' | 'conflict' | 'gone'> {
    if (connectionId !== this.#connectionId) return this.inner.saveStateIf(connectionId, version, write)
    if (version !== this.#record.version) return 'conflict'
    await this.saveState(connectionId, write)
    return 'saved'
  }

  override async groupAdd(group: string, connectionId: string): Promise<boolean> {
    if (connectionId !== this.#connectionId || this.#written) return this.inner.groupAdd(group, connectionId)
    this.#record = { ...this.#record, groups: [...new Set([...this.#record.groups, group])] }
    const written = await this.#create()
    // Joined while the write was on its way: it needs one of its own.
    return written.groups.includes(group) || this.inner.groupAdd(group, connectionId)
  }

  /** Groups joined in one go (`groups`, or `Promise.all`) are written together, hence the turn of the event loop. */
  #create(): Promise<ConnectionRecord> {
    this.#creation ??= Promise.resolve().then(async () => {
      const record = { ...this.#record, scope: this.#scope() }
      await this.inner.create(record)
      this.#written = record
      return record
    })
    return this.#creation
  }
}

function scopeChange(before: JsonObject, after: JsonObject): { readonly scope?: JsonObject } {
  return JSON.stringify(before) === JSON.stringify(after) ? {} : { scope: after }
}

/** The store as `disconnect()` of one connection sees it: record and memberships are gone, its state can be read. */
export class ClosedStore extends StoreView {
  readonly #record: ConnectionRecord

  constructor(inner: ChannelStore, record: ConnectionRecord) {
    super(inner)
    this.#record = record
  }

  override async load(connectionId: string): Promise<ConnectionRecord | undefined> {
    return this.#isOwn(connectionId) ? this.#record : this.inner.load(connectionId)
  }

  override async saveState(connectionId: string, write: RecordWrite): Promise<boolean> {
    return this.#isOwn(connectionId) || this.inner.saveState(connectionId, write)
  }

  override async saveStateIf(
    connectionId: string,
    version: number,
    write: RecordWrite,
  ): Promise<'saved' | 'conflict' | 'gone'> {
    return this.#isOwn(connectionId) ? 'saved' : this.inner.saveStateIf(connectionId, version, write)
  }

  override async groupAdd(group: string, connectionId: string): Promise<boolean> {
    return !this.#isOwn(connectionId) && this.inner.groupAdd(group, connectionId)
  }

  override async groupDiscard(group: string, connectionId: string): Promise<void> {
    if (!this.#isOwn(connectionId)) await this.inner.groupDiscard(group, connectionId)
  }

  #isOwn(connectionId: string): boolean {
    return connectionId === this.#record.connectionId
  }
}
