import { type Clock, systemClock } from '../../clock.ts'
import type { JsonObject, JsonValue } from '../../message.ts'
import type {
  ChannelStore,
  ConnectionRecord,
  GroupMember,
  MemberPage,
  MemberRange,
  RecordWrite,
} from '../../stores/channel-store.ts'
import type { ConnectionListing } from '../../stores/connection-listing.ts'
import { memberPosition } from '../../stores/member-position.ts'
import { requireWholeNumber } from '../../whole-number.ts'
import { MemoryChannelMessages } from './memory-channel-messages.ts'

const DEFAULT_PAGE_SIZE = 1_000

/** Options of {@link MemoryChannelStore}. */
export interface MemoryChannelStoreOptions {
  readonly clock?: Clock
  /** Members in one page, expired ones included; 1000 by default. */
  readonly pageSize?: number
}

/** A record as it is kept: JSON as text, so that nobody shares an object with the store. */
interface StoredRecord {
  scope: string
  readonly state: Map<string, string>
  version: number
  readonly groups: Set<string>
  readonly connectedAt: number
  readonly expiresAt: number
}

interface StoredMember extends GroupMember {
  readonly position: string
  readonly expiresAt: number
}

/** One group. Sorting waits until somebody reads. */
interface StoredGroup {
  readonly members: Map<string, StoredMember>
  sorted: readonly StoredMember[] | undefined
}

/** Connections and groups in the memory of this process: for tests, and for trying things out. */
export class MemoryChannelStore implements ChannelStore, ConnectionListing {
  readonly messages: MemoryChannelMessages
  readonly #clock: Clock
  readonly #pageSize: number
  readonly #records = new Map<string, StoredRecord>()
  readonly #groups = new Map<string, StoredGroup>()

  /** @throws {@link ConfigurationError} if the size of a page is none */
  constructor(options: MemoryChannelStoreOptions = {}) {
    this.#clock = options.clock ?? systemClock
    this.#pageSize = requireWholeNumber(options.pageSize ?? DEFAULT_PAGE_SIZE, 'pageSize')
    this.messages = new MemoryChannelMessages(this.#clock)
  }

  async create(record: ConnectionRecord): Promise<void> {
    const stored: StoredRecord = {
      scope: JSON.stringify(record.scope),
      state: new Map(Object.entries(record.state).map(([key, value]) => [key, JSON.stringify(value)])),
      version: record.version,
      groups: new Set(record.groups),
      connectedAt: record.connectedAt,
      expiresAt: record.expiresAt,
    }
    this.#records.set(record.connectionId, stored)
    for (const group of stored.groups) this.#addMember(group, record.connectionId, stored)
  }

  async load(connectionId: string): Promise<ConnectionRecord | undefined> {
    const stored = this.#find(connectionId)
    return stored && copyOf(connectionId, stored)
  }

  async loadMany(connectionIds: readonly string[]): Promise<ReadonlyMap<string, ConnectionRecord>> {
    const records = new Map<string, ConnectionRecord>()
    for (const id of connectionIds) {
      const stored = this.#find(id)
      if (stored) records.set(id, copyOf(id, stored))
    }
    return records
  }

  async saveState(connectionId: string, write: RecordWrite): Promise<boolean> {
    const stored = this.#find(connectionId)
    if (!stored) return false
    for (const key of write.remove) stored.state.delete(key)
    for (const [key, value] of Object.entries(write.set)) stored.state.set(key, JSON.stringify(value))
    if (write.scope !== undefined) stored.scope = JSON.stringify(write.scope)
    stored.version += 1
    return true
  }

  async saveStateIf(
    connectionId: string,
    version: number,
    write: RecordWrite,
  ): Promise<'saved' | 'conflict' | 'gone'> {
    const stored = this.#find(connectionId)
    if (!stored) return 'gone'
    if (stored.version !== version) return 'conflict'
    await this.saveState(connectionId, write)
    return 'saved'
  }

  async remove(connectionId: string): Promise<ConnectionRecord | undefined> {
    const stored = this.#records.get(connectionId)
    if (!stored) return undefined
    this.#records.delete(connectionId)
    for (const group of stored.groups) this.#discardMember(group, connectionId)
    return this.#isAlive(stored) ? copyOf(connectionId, stored) : undefined
  }

  async groupAdd(group: string, connectionId: string): Promise<boolean> {
    const stored = this.#find(connectionId)
    if (!stored) return false
    stored.groups.add(group)
    this.#addMember(group, connectionId, stored)
    return true
  }

  async groupDiscard(group: string, connectionId: string): Promise<void> {
    this.#discardMember(group, connectionId)
    this.#records.get(connectionId)?.groups.delete(group)
  }

  async members(group: string, range: MemberRange = {}): Promise<MemberPage> {
    const { after = '', upTo } = range
    const sorted = this.#sorted(group)
    const start = firstAfter(sorted, after)
    const end = upTo === undefined ? sorted.length : firstAfter(sorted, upTo)
    const page = sorted.slice(start, Math.min(end, start + this.#pageSize))
    const members = page
      .filter((member) => this.#isAlive(member))
      .map(({ connectionId, connectedAt }) => ({ connectionId, connectedAt }))
    const last = page.at(-1)
    return last === undefined || start + page.length >= end ? { members } : { members, next: last.position }
  }

  async *connections(): AsyncGenerator<ConnectionRecord> {
    for (const id of this.#records.keys()) {
      const stored = this.#find(id)
      if (stored) yield copyOf(id, stored)
    }
  }

  async flush(): Promise<void> {
    this.#records.clear()
    this.#groups.clear()
    this.messages.clear()
  }

  #find(connectionId: string): StoredRecord | undefined {
    const stored = this.#records.get(connectionId)
    return stored && this.#isAlive(stored) ? stored : undefined
  }

  #isAlive({ expiresAt }: { readonly expiresAt: number }): boolean {
    return expiresAt > Math.floor(this.#clock.now() / 1000)
  }

  #addMember(name: string, connectionId: string, record: StoredRecord): void {
    let group = this.#groups.get(name)
    if (!group) {
      group = { members: new Map(), sorted: undefined }
      this.#groups.set(name, group)
    }
    if (group.members.has(connectionId)) return
    const { connectedAt, expiresAt } = record
    group.members.set(connectionId, {
      connectionId,
      connectedAt,
      expiresAt,
      position: memberPosition(connectionId),
    })
    group.sorted = undefined
  }

  #discardMember(name: string, connectionId: string): void {
    const group = this.#groups.get(name)
    if (!group?.members.delete(connectionId)) return
    group.sorted = undefined
    if (group.members.size === 0) this.#groups.delete(name)
  }

  #sorted(name: string): readonly StoredMember[] {
    const group = this.#groups.get(name)
    if (!group) return []
    group.sorted ??= [...group.members.values()].toSorted((a, b) => (a.position < b.position ? -1 : 1))
    return group.sorted
  }
}

/** The index of the first member behind `position`. */
function firstAfter(sorted: readonly StoredMember[], position: string): number {
  let low = 0
  let high = sorted.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((sorted[middle]?.position ?? '') > position) high = middle
    else low = middle + 1
  }
  return low
}

function copyOf(connectionId: string, stored: StoredRecord): ConnectionRecord {
  const { version, connectedAt, expiresAt } = stored
  return {
    connectionId,
    scope: JSON.parse(stored.scope) as JsonObject,
    // fromEntries defines properties, so a key named "__proto__" stays an ordinary key.
    state: Object.fromEntries([...stored.state].map(([key, text]) => [key, JSON.parse(text) as JsonValue])),
    version,
    groups: [...stored.groups],
    connectedAt,
    expiresAt,
  }
}
