import type { GroupSendResult } from '../channel-layer.ts'
import { StoreError } from '../errors.ts'
import type { ChannelStore, GroupMember, MemberPage, MemberRange } from '../stores/channel-store.ts'
import { memberPosition } from '../stores/member-position.ts'
import type { Delivery, GroupPayload, Outcome } from './delivery.ts'
import { forEachConcurrently } from './for-each-concurrently.ts'

/** Members that one fan-out serves at the same time. Matches the poster's sockets: more would only wait there. */
const CONCURRENCY = 256

/** What a {@link FanOut} is to do. */
export interface FanOutOptions {
  readonly store: ChannelStore
  readonly delivery: Delivery
  readonly group: string
  readonly payload: GroupPayload
  readonly exclude: readonly string[]
  readonly range: MemberRange
}

/** One walk over the members of a group, page by page. */
export class FanOut {
  readonly #options: FanOutOptions
  readonly #excluded: ReadonlySet<string>
  readonly #counts: Record<Outcome, number> = { delivered: 0, deferred: 0, gone: 0, failed: 0 }
  #rest: MemberRange
  #isAdvanced = false

  constructor(options: FanOutOptions) {
    this.#options = options
    this.#excluded = new Set(options.exclude)
    this.#rest = options.range
  }

  /**
   * Serves every member in the range. When time runs out, or the store fails after some were served, the rest goes to
   * the delivery queue; members that were not read by then are not counted.
   *
   * @throws {@link StoreError} if the store fails before anybody was served and time is left, or if the rest cannot be
   * put into the queue
   */
  async run(): Promise<GroupSendResult> {
    for (;;) {
      const page = await this.#read()
      if (page instanceof StoreError) return this.#handOn(page)
      const { members, next } = page
      const served = await this.#serve(members)
      this.#counts.deferred += members.length - served
      if (served < members.length) {
        const last = members[served - 1]
        if (last !== undefined) this.#advance(memberPosition(last.connectionId))
        return this.#handOn()
      }
      if (next === undefined) return this.#counts
      this.#advance(next)
      if (this.#options.delivery.isOutOfTime()) return this.#handOn()
    }
  }

  async #read(): Promise<MemberPage | StoreError> {
    const { store, delivery, group, payload } = this.#options
    try {
      const page = await delivery.inTime(store.members(group, this.#rest))
      const members = page.members.filter(({ connectionId }) => !this.#excluded.has(connectionId))
      if ('event' in payload) await delivery.inTime(delivery.prepare(members))
      return { ...page, members }
    } catch (error) {
      // Once members were served, a failure would make the caller serve them again; and late it could not do it again.
      if (error instanceof StoreError && (this.#isAdvanced || delivery.isOutOfTime())) return error
      throw error
    }
  }

  /** Serves members in order, as long as there is time. Resolves to how many: those before, and none behind. */
  async #serve(members: readonly GroupMember[]): Promise<number> {
    const { delivery, group, payload } = this.#options
    let served = 0
    await forEachConcurrently(members, CONCURRENCY, async (member) => {
      if (delivery.isOutOfTime()) return
      served += 1
      this.#counts[await delivery.toMember(group, member, payload)] += 1
    })
    return served
  }

  #advance(after: string): void {
    this.#rest = { ...this.#rest, after }
    this.#isAdvanced = true
  }

  async #handOn(failure?: StoreError): Promise<GroupSendResult> {
    const { delivery, group, payload, exclude } = this.#options
    const hasProgressed = this.#isAdvanced
    await delivery.defer({ group, payload, exclude, ...this.#rest }, { hasProgressed, failure })
    return this.#counts
  }
}
