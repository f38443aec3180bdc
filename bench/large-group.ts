import { MemoryChannelStore } from '../shared/backends/memory/memory-channel-store.ts'
import type { Clock } from '../shared/clock.ts'
import type {
  ConnectionRecord,
  GroupMember,
  MemberPage,
  MemberRange,
} from '../shared/stores/channel-store.ts'
import { connectionAt, memberPosition } from '../shared/stores/member-position.ts'

/** As large as a DynamoDB page of short group names: 1 MB holds more, the store asks for 1000. */
const PAGE_SIZE = 1_000

/** Connection ids with the look of API Gateway's, of which each tells its number. */
export function connectionId(index: number): string {
  return `L0SM9c${String(index).padStart(9, '0')}=`
}

/** The number in a connection id. */
export function indexOf(id: string): number {
  return Number(id.slice(6, 15))
}

/** A store with one group that is too large to make a record for each member: records are made up when they are read. */
export class LargeGroupStore extends MemoryChannelStore {
  reads = 0
  readonly #clock: Clock
  readonly #connectedAt: number
  readonly #positions: readonly string[]
  readonly #latencyMs: number

  constructor(size: number, { clock, latencyMs }: { readonly clock: Clock; readonly latencyMs: number }) {
    super({ clock })
    this.#clock = clock
    this.#latencyMs = latencyMs
    // Older than the grace period: a 410 would be a proof.
    this.#connectedAt = clock.now() - 60_000
    this.#positions = Array.from({ length: size }, (_, index) =>
      memberPosition(connectionId(index)),
    ).toSorted()
  }

  override async load(id: string): Promise<ConnectionRecord | undefined> {
    this.reads += 1
    await this.#clock.sleep(this.#latencyMs)
    return this.#record(id)
  }

  override async loadMany(ids: readonly string[]): Promise<ReadonlyMap<string, ConnectionRecord>> {
    // 100 to a request.
    this.reads += Math.ceil(ids.length / 100)
    await this.#clock.sleep(this.#latencyMs)
    return new Map(ids.map((id) => [id, this.#record(id)]))
  }

  override async members(_group: string, { after = '', upTo = 'g' }: MemberRange = {}): Promise<MemberPage> {
    this.reads += 1
    await this.#clock.sleep(this.#latencyMs)
    const start = this.#firstAfter(after)
    const end = this.#firstAfter(upTo)
    const page = this.#positions.slice(start, Math.min(end, start + PAGE_SIZE))
    const members: GroupMember[] = page.map((position) => ({
      connectionId: connectionAt(position),
      connectedAt: this.#connectedAt,
    }))
    const last = page.at(-1)
    return last === undefined || start + page.length >= end ? { members } : { members, next: last }
  }

  #record(id: string): ConnectionRecord {
    return {
      connectionId: id,
      scope: { path: '/', query: {}, headers: {}, subprotocols: [], client: null, remembered: {} },
      state: {},
      version: 0,
      groups: ['all'],
      connectedAt: this.#connectedAt,
      expiresAt: this.#connectedAt / 1000 + 7_800,
    }
  }

  /** The index of the first position behind this one. */
  #firstAfter(position: string): number {
    let low = 0
    let high = this.#positions.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#positions[middle] ?? '') > position) high = middle
      else low = middle + 1
    }
    return low
  }
}
