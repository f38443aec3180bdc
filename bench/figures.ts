/** Prints rows under headings, in columns: text to the left, numbers to the right. */
export function table(headings: readonly string[], rows: readonly (readonly (string | number)[])[]): void {
  const lines = [headings, ...rows.map((row) => row.map(show))]
  const widths = headings.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)))
  for (const [index, line] of lines.entries()) {
    console.log(line.map((cell, column) => align(cell, widths[column] ?? 0, rows[0]?.[column])).join('  '))
    if (index === 0) console.log(widths.map((width) => '-'.repeat(width)).join('  '))
  }
}

/** A figure beside what it has to reach. */
export interface Target {
  readonly what: string
  readonly value: number
  readonly unit: string
  readonly atLeast?: number
  readonly atMost?: number
}

/** Prints whether a figure reaches its target. Machines differ and are noisy, so this is all that happens. */
export function target({ what, value, unit, atLeast = -Infinity, atMost = Infinity }: Target): void {
  const isReached = value >= atLeast && value <= atMost
  const rule = atLeast === -Infinity ? `at most ${show(atMost)}` : `at least ${show(atLeast)}`
  console.log(`${isReached ? 'PASS ' : 'short'}  ${what}: ${show(value)} ${unit} (${rule})`)
}

function align(cell: string, width: number, sample: string | number | undefined): string {
  return typeof sample === 'number' ? cell.padStart(width) : cell.padEnd(width)
}

// Three digits say all that a noisy machine can tell.
function show(value: string | number): string {
  if (typeof value === 'string') return value
  if (!Number.isFinite(value)) return '-'
  if (Math.abs(value) >= 100) return `${Math.round(value)}`
  return `${Number(value.toPrecision(3))}`
}
