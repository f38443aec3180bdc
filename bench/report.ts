/** Prints one case as one JSON line. */
export function report(bench: string, values: Readonly<Record<string, unknown>>): void {
  console.log(JSON.stringify({ bench, ...values }))
}

/** The value at quantile `q` of unsorted numbers, to a hundredth. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = values.toSorted((left, right) => left - right)
  return round(sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? Number.NaN)
}

export function round(value: number): number {
  return Math.round(value * 100) / 100
}
