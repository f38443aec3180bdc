import type { Clock } from '../../clock.ts'

const FIRST_DELAY_MS = 25
const LONGEST_DELAY_MS = 1_000

/** How often a batch is sent before its remainder counts as failed: at most 3 s of waiting. */
export const BATCH_ATTEMPTS = 8

/** Waits before try number `attempt` (from 1): doubling, and half of it random, so that clients drift apart. */
export function backOff(clock: Clock, attempt: number, signal?: AbortSignal): Promise<void> {
  const most = Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** (attempt - 1))
  return clock.sleep(most / 2 + Math.random() * (most / 2), signal)
}
