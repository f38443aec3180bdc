import { APPSYNC_OPERATION_BYTES, APPSYNC_PRICES, costOf, type ListPrice, PRICES } from './prices.ts'
import { connectsOf, messagesOf, postsPerSecond, type Usage, usageOf } from './usage.ts'
import type { Workload } from './workload.ts'

/** One line of an estimate. */
export interface CostLine {
  readonly service: string
  readonly item: string
  /** In `unit`s. */
  readonly quantity: number
  readonly unit: string
  /** US dollars for one unit, as the list has it; for several tiers on average. */
  readonly price: number
  /** US dollars a month. */
  readonly cost: number
}

/** What a month costs. */
export interface Estimate {
  readonly lines: readonly CostLine[]
  /** US dollars a month. */
  readonly total: number
  /** The most expensive line. */
  readonly dominant: CostLine
  /** What to do about it; empty if there is nothing. */
  readonly advice: string
  /** What the estimate assumes that AWS does not give by default. */
  readonly warnings: readonly string[]
  /** US dollars a month of AppSync Events, for the same messages as plain broadcasts. */
  readonly appSyncEvents: number
}

/** Requests in a second that an account's APIs take in a region, unless it was raised. `@connections` calls count. */
const ACCOUNT_REQUESTS_PER_SECOND = 10_000

/** What a month of `workload` costs by AWS's list prices in us-east-1. Items that are not used are left out. */
export function estimateCost(workload: Workload): Estimate {
  const usage = usageOf(workload)
  const lines = Object.entries(PRICES)
    .map(([name, price]) => lineOf(price, usage[name as keyof Usage]))
    .filter(({ quantity }) => quantity > 0)
  const [dominant] = lines.toSorted((a, b) => b.cost - a.cost)
  if (dominant === undefined) throw new RangeError('an estimate has no lines: every month has some')
  return {
    lines,
    total: lines.reduce((sum, { cost }) => sum + cost, 0),
    dominant,
    advice: ADVICE[dominant.item]?.(workload) ?? '',
    warnings: warningsFor(workload),
    appSyncEvents: appSyncEventsCost(workload, usage),
  }
}

function lineOf(list: ListPrice, count: number): CostLine {
  const { service, item, unit, per } = list
  const quantity = count / per
  const cost = costOf(list, count)
  return { service, item, quantity, unit, price: quantity === 0 ? 0 : cost / quantity, cost }
}

/** By items; of the others this library knows none. */
const ADVICE: Readonly<Record<string, (workload: Workload) => string>> = {
  [PRICES.messages.item]: ({ heartbeatSeconds }) =>
    heartbeatSeconds === 0
      ? 'Every copy of a message is billed. Put several events into one message, or send to smaller groups.'
      : 'Every copy of a message is billed, and every heartbeat twice. A heartbeat is needed once in ten minutes.',
  [PRICES.connectionMinutes.item]: () =>
    'Open connections are billed by the minute. Close those of pages that nobody looks at.',
  [PRICES.gbSeconds.item]: workForMembers,
  [PRICES.readUnits.item]: workForMembers,
  [PRICES.logBytes.item]: () =>
    'Each invocation logs. Set CHANNELS_LOG_LEVEL to warn, and a short retention.',
  [PRICES.metrics.item]: () =>
    'They are the library’s own. The environment variable POWERTOOLS_METRICS_DISABLED=true makes none.',
  [PRICES.alarms.item]: withoutMonitoring,
  [PRICES.dashboards.item]: withoutMonitoring,
}

function workForMembers({ handler }: Workload): string {
  const broadcast =
    handler === 'member'
      ? ' A broadcast handler (docs/topics/consumers.md) reads no record and runs once.'
      : ''
  return `The work for each member dominates.${broadcast}`
}

function withoutMonitoring(): string {
  return 'The prop monitoring: false makes no dashboard and no alarms.'
}

function warningsFor(workload: Workload): readonly string[] {
  const posts = postsPerSecond(workload)
  if (posts <= ACCOUNT_REQUESTS_PER_SECOND) return []
  const limit = ACCOUNT_REQUESTS_PER_SECOND.toLocaleString('en-US')
  return [
    `${posts.toLocaleString('en-US')} posts in a second: an account has ${limit} requests in a second until AWS raises it; at that limit messages wait in the queue`,
  ]
}

/** The same messages published to channels of AppSync Events, which runs no consumer and keeps no state. */
function appSyncEventsCost(workload: Workload, { connectionMinutes, bytesOut, edgeBytesOut }: Usage): number {
  const { sent, delivered } = messagesOf(workload)
  const operations =
    (sent + delivered) * Math.ceil(workload.messageBytes / APPSYNC_OPERATION_BYTES) +
    // Each connection connects and subscribes.
    2 * connectsOf(workload)
  return (
    costOf(APPSYNC_PRICES.operations, operations) +
    costOf(APPSYNC_PRICES.connectionMinutes, connectionMinutes) +
    costOf(PRICES.bytesOut, bytesOut + edgeBytesOut)
  )
}
