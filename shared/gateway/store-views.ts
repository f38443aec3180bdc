import type { Clock } from '../clock.ts'
import type { Logger } from '../logger.ts'
import type { JsonObject } from '../message.ts'
import type {
  ChannelStore,
  ConnectionRecord,
  LoadedRecords,
  MemberPage,
  MemberRange,
  RecordWrite,
  RemovedRecord,
} from '../stores/channel-store.ts'
import type { ChannelMessages } from '../stores/channel-messages.ts'
import type { Metrics } from './metrics.ts'

/** Passes every call on to another store. */
export abstract class StoreView implements ChannelStore {
  protected readonly inner: ChannelStore

  constructor(inner: ChannelStore) {
    this.inner = inner
  }

  get identity(): string | undefined {
    return this.inner.identity
  }

  get messages(): ChannelMessages | undefined {
    return this.inner.messages
  }

  create(record: ConnectionRecord): Promise<void> {
    return this.inner.create(record)
  }

  load(connectionId: string): Promise<ConnectionRecord | undefined> {
    return this.inner.load(connectionId)
  }

  loadMany(connectionIds: readonly string[]): Promise<LoadedRecords> {
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

  remove(connectionId: string): Promise<RemovedRecord | undefined> {
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

  flush(): Promise<void> {
    return this.inner.flush()
  }
}

/** Whether the record is still there is asked if nothing has shown it for so long, in milliseconds. */
const CHECK_AFTER_MS = 250

/** What an {@link OpeningStore} is made of. */
export interface OpeningStoreOptions {
  readonly store: ChannelStore
  readonly clock: Clock
  /** What is written first, but for the scope. */
  readonly record: ConnectionRecord
  /** The scope to store, as it stands when it is called. */
  readonly scope: () => JsonObject
}

/**
 * The store as the `$connect` of one connection sees it. The record is written with the first groups that the
 * connection joins, in one round trip, so that from then on a send from anywhere reaches it; or, if it joins
 * none, when it is accepted. Until then the state is kept here. From then on it is in the store, where handlers
 * that other invocations run for this connection change it, too, or end the connection.
 */
export class OpeningStore extends StoreView {
  readonly connectionId: string
  readonly #clock: Clock
  readonly #scope: () => JsonObject
  #record: ConnectionRecord
  #written: ConnectionRecord | undefined
  #creation: Promise<ConnectionRecord> | undefined
  #isGone = false
  #seenAt = 0

  constructor({ store, clock, record, scope }: OpeningStoreOptions) {
    super(store)
    this.#clock = clock
    this.#record = record
    this.connectionId = record.connectionId
    this.#scope = scope
  }

  /** Writes the record, unless it has been written. */
  async write(): Promise<void> {
    await this.#create()
  }

  /** Writes what has not been written yet. False if another invocation has ended the connection meanwhile. */
  async commit(): Promise<boolean> {
    const isFirst = this.#creation === undefined
    const before = await this.#create()
    if (isFirst) return true
    const scope = this.#scope()
    if (JSON.stringify(before.scope) !== JSON.stringify(scope))
      await this.saveState(this.connectionId, { set: {}, remove: [], scope })
    // A read for every connect would buy little: who ends the connection later than this has its close wait in the
    // delivery queue until the connection is open.
    else if (this.#clock.now() - this.#seenAt >= CHECK_AFTER_MS) await this.load(this.connectionId)
    return !this.#isGone
  }

  /**
   * Leaves nothing of the connection behind.
   *
   * @throws {@link StoreError} if something is left, as far as can be told
   */
  async rollback(): Promise<void> {
    if (this.#creation === undefined) return
    // Even a write that failed may have left something.
    const [creation] = await Promise.allSettled([this.#creation])
    const removed = await this.inner.remove(this.connectionId)
    if (removed?.membershipFailure) throw removed.membershipFailure
    // Memberships may have been written, and the record that names them not.
    if (removed === undefined && creation.status === 'rejected') await this.#discardAll()
  }

  override async load(connectionId: string): Promise<ConnectionRecord | undefined> {
    if (connectionId !== this.connectionId) return this.inner.load(connectionId)
    if (this.#creation === undefined) return this.#record
    await this.#creation
    return this.#seen(await this.inner.load(connectionId))
  }

  override async saveState(connectionId: string, write: RecordWrite): Promise<boolean> {
    if (connectionId !== this.connectionId) return this.inner.saveState(connectionId, write)
    if (this.#creation !== undefined) {
      await this.#creation
      return this.#seen(await this.inner.saveState(connectionId, write))
    }
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
    if (connectionId !== this.connectionId) return this.inner.saveStateIf(connectionId, version, write)
    if (this.#creation !== undefined) {
      await this.#creation
      const outcome = await this.inner.saveStateIf(connectionId, version, write)
      this.#seen(outcome !== 'gone')
      return outcome
    }
    if (version !== this.#record.version) return 'conflict'
    await this.saveState(connectionId, write)
    return 'saved'
  }

  override async groupAdd(group: string, connectionId: string): Promise<boolean> {
    if (connectionId !== this.connectionId) return this.inner.groupAdd(group, connectionId)
    if (this.#written) return this.#seen(await this.inner.groupAdd(group, connectionId))
    this.#record = { ...this.#record, groups: [...new Set([...this.#record.groups, group])] }
    const written = await this.#create()
    // Joined while the write was on its way: it needs one of its own.
    return written.groups.includes(group) || this.#seen(await this.inner.groupAdd(group, connectionId))
  }

  /** Groups joined in one go (`groups`, or `Promise.all`) are written together, hence the turn of the event loop. */
  #create(): Promise<ConnectionRecord> {
    this.#creation ??= Promise.resolve().then(async () => {
      const record = { ...this.#record, scope: this.#scope() }
      await this.inner.create(record)
      this.#written = record
      return this.#seen(record)
    })
    return this.#creation
  }

  /** Notes what an answer of the store says about the record: there or not. */
  #seen<Answer extends ConnectionRecord | boolean | undefined>(answer: Answer): Answer {
    if (answer === undefined || answer === false) this.#isGone = true
    else this.#seenAt = this.#clock.now()
    return answer
  }

  async #discardAll(): Promise<void> {
    const discarded = await Promise.allSettled(
      this.#record.groups.map((group) => this.inner.groupDiscard(group, this.connectionId)),
    )
    for (const one of discarded) if (one.status === 'rejected') throw one.reason
  }
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

/** A store that counts joins of connections that have no record: no error, but nothing that should go unseen. */
export class JoinWatch extends StoreView {
  readonly #watchers: { readonly logger: Logger; readonly metrics: Metrics }

  constructor(inner: ChannelStore, watchers: { readonly logger: Logger; readonly metrics: Metrics }) {
    super(inner)
    this.#watchers = watchers
  }

  override async groupAdd(group: string, connectionId: string): Promise<boolean> {
    const isAdded = await this.inner.groupAdd(group, connectionId)
    if (isAdded) return true
    const { logger, metrics } = this.#watchers
    metrics.count('groupAddToGone', 1)
    logger.debug('a connection without a record joins no group', { channelName: connectionId, group })
    return false
  }
}
