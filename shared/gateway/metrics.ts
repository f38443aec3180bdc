import type { Logger } from '../logger.ts'

/** What the values of a distribution are measured in, as CloudWatch calls it. */
export type MetricUnit = 'Count' | 'Milliseconds'

/**
 * Where counts and measurements go: `delivered`, `deferred`, `gone`, `failed`, `handlerFailed`, `fanOutLag` and the like.
 * docs/topics/operations.md has them all.
 */
export interface Metrics {
  /** Adds `value` to the sum under `name`. */
  count(name: string, value: number): void
  /** One value of a distribution, such as how large a group is: percentiles tell something of it, a sum does not. */
  record?(name: string, value: number, unit: MetricUnit): void
  /**
   * Called at the end of each invocation, even of one that fails, and awaited: Lambda may freeze the container right after.
   * What it throws is logged.
   */
  flush?(): Promise<void> | void
}

/** `metrics` with all methods; without any, what is counted and measured is a line at debug. */
export function completeMetrics(metrics: Metrics | undefined, logger: Logger): Required<Metrics> {
  if (metrics === undefined) {
    return {
      count: (name, value) => logger.debug('count', { name, value }),
      record: (name, value, unit) => logger.debug('record', { name, value, unit }),
      flush: () => {},
    }
  }
  return {
    count: (name, value) => metrics.count(name, value),
    record: (name, value, unit) => metrics.record?.(name, value, unit),
    flush: () => metrics.flush?.(),
  }
}
