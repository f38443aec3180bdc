import type { GroupSendResult } from '../channel-layer.ts'
import { StoreError } from '../errors.ts'
import type { ChannelStore, GroupMember, MemberPage, MemberRange } from '../stores/channel-store.ts'
import { cutRange, memberPosition, shareOf } from '../stores/member-position.ts'
import type { Delivery, GroupPayload, Outcome } from './delivery.ts'
import { forEachConcurrently } from './for-each-concurrently.ts'

/** Members that one fan-out serves at the same time. Matches the poster's sockets: more would only wait there. */
const CONCURRENCY = 256

/** Members that have to be read before their positions tell how large a group is: within about a fifth. */
const SAMPLE = 100

/** What a {@link FanOut} is to do. */
export interface FanOutOptions {
  readonly store: ChannelStore
  readonly delivery: Delivery
  readonly group: string
  readonly payload: GroupPayload
  readonly exclude: readonly string[]
  readonly range: MemberRange
}

/** One walk over the members of a group, or over a range of them, page by page. */
export class FanOut {
  readonly #options: FanOutOptions
  readonly #excluded: ReadonlySet<string>
  readonly #counts: Record<Outcome, number> = { delivered: 0, deferred: 0, gone: 0, failed: 0 }
  #rest: MemberRange
  #isAdvanced = false
  #read = 0
  #ranges = 0

  constructor(options: FanOutOptions) {
    this.#options = options
    this.#excluded = new Set(options.exclude)
    this.#rest = options.range
  }

  /**
   * Serves every member in the range, unless there are so many that delivery workers share the work: then the pages
   * read so far, and all others are given to the delivery queue in ranges. When time runs out, or the store fails after
   * some were served, the rest goes to the queue as well; members that were not read by then are not counted.
   *
   * @throws {@link StoreError} if the store fails before anybody was served and time is left, or if the rest cannot be
   * put into the queue
   */
  async run(): Promise<GroupSendResult> {
    for (;;) {
      const page = await this.#nextPage()
      if (page instanceof StoreError) return this.#handOn(page)
      const { members } = page
      const next = page.next !== undefined && (await this.#giveAway(page.next)) ? undefined : page.next
      const served = await this.#serve(members)
      this.#counts.deferred += members.length - served
      if (served < members.length) {
        const last = members[served - 1]
        if (last !== undefined) this.#advance(memberPosition(last.connectionId))
        return this.#handOn()
      }
      if (next === undefined) return this.#result()
      this.#advance(next)
      if (this.#options.delivery.isOutOfTime()) return this.#handOn()
    }
  }

  async #nextPage(): Promise<MemberPage | StoreError> {
    const { store, delivery, group, payload } = this.#options
    try {
      const page = await delivery.inTime(store.members(group, this.#rest))
      this.#read += page.members.length
      const members = page.members.filter(({ connectionId }) => !this.#excluded.has(connectionId))
      if ('event' in payload && !('frame' in payload)) await delivery.inTime(delivery.prepare(members))
      return { ...page, members }
    } catch (error) {
      // Once members were served, a failure would make the caller serve them again; and late it could not do it again.
      if (error instanceof StoreError && (this.#isAdvanced || delivery.isOutOfTime())) return error
      throw error
    }
  }

  /**
   * Puts all members behind `next` into the queue, in ranges, if there are too many of them for this walk. Resolves to
   * whether that was done: workers begin before this walk serves its own page, and a queue that is down costs time only.
   */
  async #giveAway(next: string): Promise<boolean> {
    const { range, delivery, group, payload, exclude } = this.#options
    const { inlineMembers, rangeMembers, maxRanges } = delivery.limits
    const behind = { ...this.#rest, after: next }
    const rest = Math.round((this.#read / shareOf({ ...range, upTo: next })) * shareOf(behind))
    if (this.#read < Math.min(SAMPLE, inlineMembers) || this.#read + rest <= inlineMembers) return false
    const ranges = cutRange(behind, Math.min(maxRanges, Math.ceil(rest / rangeMembers)))
    if (!(await delivery.giveAway(ranges.map((part) => ({ group, payload, exclude, ...part }))))) return false
    this.#rest = { ...this.#rest, upTo: next }
    this.#ranges = ranges.length
    this.#counts.deferred += rest
    return true
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
    return this.#result()
  }

  #result(): GroupSendResult {
    return this.#ranges === 0 ? this.#counts : { ...this.#counts, ranges: this.#ranges }
  }
}
