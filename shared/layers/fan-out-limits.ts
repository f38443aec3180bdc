import { requireWholeNumber } from '../whole-number.ts'
import { FAN_OUT_LIMITS, type FanOutLimits } from './delivery.ts'

/**
 * The limits as they were given, {@link FAN_OUT_LIMITS} for the others.
 *
 * @throws {@link ConfigurationError} if one is no whole number from 1
 */
export function fanOutLimits(given: Partial<FanOutLimits> = {}): FanOutLimits {
  const limits = { ...FAN_OUT_LIMITS, ...given }
  for (const [name, value] of Object.entries(limits)) requireWholeNumber(value, `fanOut.${name}`)
  return limits
}
