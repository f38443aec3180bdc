import type { GroupSendResult } from '../channel-layer.ts'
import { StoreError } from '../errors.ts'
import type { ChannelStore, GroupMember, MemberPage } from '../stores/channel-store.ts'
import { cutRange, memberPosition, shareOf } from '../stores/member-position.ts'
import type { Delivery, Outcome, Remainder } from './delivery.ts'
import { forEachConcurrently } from './for-each-concurrently.ts'

/** Members that one fan-out serves at the same time. Matches the poster's sockets: more would only wait there. */
const CONCURRENCY = 256

/** Members that have to be read before their positions tell how large a group is: within about a fifth. */
const SAMPLE = 100

/** What a {@link FanOut} is to do. */
export interface FanOutOptions {
  readonly store: ChannelStore
  readonly delivery: Delivery
  /** Who is to get what. */
  readonly due: Remainder
}

/** One walk over the members of a group, or over a range of them, page by page. */
export class FanOut {
  readonly #options: FanOutOptions
  readonly #excluded: ReadonlySet<string>
  readonly #counts: Record<Outcome, number> = { delivered: 0, deferred: 0, gone: 0, failed: 0 }
  /** What is left of it, part by part: the first is being walked. */
  #owed: readonly Remainder[]
  #isAdvanced = false
  #isDivided = false
  #read = 0
  #ranges = 0

  constructor(options: FanOutOptions) {
    this.#options = options
    this.#excluded = new Set(options.due.exclude)
    this.#owed = [options.due]
  }

  /**
   * Serves every member in the range, unless there are so many that delivery workers share the work: then the page
   * at hand, and all behind it are given to the delivery queue in ranges. When time runs out, or the store fails after
   * some were served, the rest goes to the queue as well; members that were not read by then are not counted.
   *
   * @throws {@link StoreError} if the store fails before anybody was served and time is left, or if the rest cannot be
   * put into the queue
   */
  async run(): Promise<GroupSendResult> {
    for (;;) {
      const page = await this.#nextPage()
      if (page instanceof StoreError) return this.#handOn(page)
      const { members, next } = page
      if (next !== undefined) await this.#divide(next)
      const served = await this.#serve(members)
      this.#counts.deferred += members.length - served
      if (served < members.length) {
        const last = members[served - 1]
        if (last !== undefined) this.#advance(memberPosition(last.connectionId))
        return this.#handOn()
      }
      this.#advance(next)
      if (this.#owed.length === 0) return this.#result()
      if (this.#options.delivery.isOutOfTime()) return this.#handOn()
    }
  }

  async #nextPage(): Promise<MemberPage | StoreError> {
    const { store, delivery, due } = this.#options
    const { group, payload } = due
    try {
      const page = await delivery.inTime(store.members(group, this.#owed[0]))
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
   * Puts all members behind `next` into the queue, in ranges, if there are too many of them for this walk: workers begin
   * before it serves its own page. What the queue does not take stays here, undivided: asked again on every page, a queue
   * in trouble would take some of it each time.
   */
  async #divide(next: string): Promise<void> {
    const { delivery, due } = this.#options
    const { inlineMembers, rangeMembers, maxRanges } = delivery.limits
    const at = this.#owed[0] ?? due
    const behind = { ...at, after: next }
    const rest = Math.round((this.#read / shareOf({ ...due, upTo: next })) * shareOf(behind))
    const isSmall = this.#read < Math.min(SAMPLE, inlineMembers) || this.#read + rest <= inlineMembers
    if (this.#isDivided || isSmall) return
    this.#isDivided = true
    const ranges = cutRange(behind, Math.min(maxRanges, Math.ceil(rest / rangeMembers)))
    const refused = await delivery.giveAway(ranges.map((range) => ({ ...due, ...range })))
    this.#ranges = ranges.length - refused.length
    if (this.#ranges === 0) return
    this.#owed = [{ ...at, upTo: next }, ...refused]
    this.#counts.deferred += Math.round((rest * this.#ranges) / ranges.length)
  }

  /** Serves members in order, as long as there is time. Resolves to how many: those before, and none behind. */
  async #serve(members: readonly GroupMember[]): Promise<number> {
    const { delivery, due } = this.#options
    let served = 0
    await forEachConcurrently(members, CONCURRENCY, async (member) => {
      if (delivery.isOutOfTime()) return
      served += 1
      this.#counts[await delivery.toMember(due.group, member, due.payload)] += 1
    })
    return served
  }

  /** Nobody up to `position` is owed anything any more; nobody in the part at hand, if there is none. */
  #advance(position: string | undefined): void {
    const [at = this.#options.due, ...others] = this.#owed
    const isDone = position === undefined || position === at.upTo
    this.#owed = isDone ? others : [{ ...at, after: position }, ...others]
    this.#isAdvanced = true
  }

  async #handOn(failure?: StoreError): Promise<GroupSendResult> {
    await this.#options.delivery.defer(this.#owed, { hasProgressed: this.#isAdvanced, failure })
    return this.#result()
  }

  #result(): GroupSendResult {
    return this.#ranges === 0 ? this.#counts : { ...this.#counts, ranges: this.#ranges }
  }
}
