import { ConfigurationError } from './errors.ts'

/** Which whole numbers an option takes. */
export interface WholeNumberRange {
  /** 1 by default. */
  readonly least?: number
  /** By default as many as there are. */
  readonly most?: number
}

/**
 * `value`, if it is a whole number within the range.
 *
 * @param name - of the option, as who gave it knows it: `fanOut.rangeMembers`
 * @throws {@link ConfigurationError} with name, value and rule
 */
export function requireWholeNumber(
  value: number,
  name: string,
  { least = 1, most = Number.MAX_SAFE_INTEGER }: WholeNumberRange = {},
): number {
  if (Number.isSafeInteger(value) && value >= least && value <= most) return value
  const end = most === Number.MAX_SAFE_INTEGER ? '' : ` to ${most}`
  // JavaScript gives what the type forbids, and "5" must not look like 5.
  const shown = typeof value === 'string' ? JSON.stringify(value) : String(value)
  throw new ConfigurationError(`${name} is ${shown}: use a whole number from ${least}${end}`)
}

/** As {@link requireWholeNumber}, of several options by their names: each has to be a whole number from 1. */
export function requirePositive(options: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(options)) requireWholeNumber(value, name)
}
