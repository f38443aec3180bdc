import type { CostLine, Estimate } from './model.ts'
import { PRICES_AS_OF } from './prices.ts'
import type { Workload } from './workload.ts'

/** The estimate as a table, with what dominates and what to do about it. */
export function costReport(workload: Workload, estimate: Estimate): string {
  const { lines, total, dominant, advice, warnings, appSyncEvents } = estimate
  const rows = [
    ['service', 'item', 'quantity', 'unit', '$ per unit', '$ a month'],
    ...lines.map(cellsOf),
    ['', 'total', '', '', '', money(total)],
  ]
  return [
    `A month of 30 days, us-east-1, list prices as of ${PRICES_AS_OF}, free tiers not taken off.`,
    summaryOf(workload),
    '',
    ...aligned(rows),
    '',
    `${percent(dominant.cost, total)} is ${dominant.service}, ${dominant.item}. ${advice}`.trimEnd(),
    `Plain broadcasts of the same messages, without consumers or state: AppSync Events, about $${money(appSyncEvents)} a month.`,
    ...warnings.map((warning) => `Warning: ${warning}.`),
    '',
  ].join('\n')
}

/** The estimate for programs. */
export function costJson(workload: Workload, estimate: Estimate): string {
  return `${JSON.stringify({ region: 'us-east-1', pricesAsOf: PRICES_AS_OF, workload, ...estimate }, undefined, 2)}\n`
}

function summaryOf(workload: Workload): string {
  const { connections, messagesPerSecond, groupSize, messageBytes, hoursPerDay } = workload
  const messages = `${figure(messagesPerSecond)} messages a second in all, each of ${figure(messageBytes)} bytes`
  return `${figure(connections)} connections, ${messages} to ${figure(groupSize)} members, ${figure(hoursPerDay)} hours a day.`
}

function cellsOf({ service, item, quantity, unit, price, cost }: CostLine): readonly string[] {
  return [service, item, figure(quantity), unit, significant(price), money(cost)]
}

/** Words to the left, figures to the right. */
function aligned(rows: readonly (readonly string[])[]): readonly string[] {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? []
  return rows.map((row) =>
    row
      .map((cell, column) => {
        const width = widths[column] ?? 0
        return column === 2 || column > 3 ? cell.padStart(width) : cell.padEnd(width)
      })
      .join('  ')
      .trimEnd(),
  )
}

function figure(value: number): string {
  return value.toLocaleString('en-US', { maximumFractionDigits: 2 })
}

function significant(value: number): string {
  return value.toLocaleString('en-US', { maximumSignificantDigits: 4 })
}

function money(value: number): string {
  return value.toLocaleString('en-US', { minimumFractionDigits: 2, maximumFractionDigits: 2 })
}

function percent(part: number, whole: number): string {
  return `${Math.round((100 * part) / whole)} %`
}
