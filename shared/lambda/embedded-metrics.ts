import { Metrics as Powertools } from '@aws-lambda-powertools/metrics'
import type { Metrics, MetricUnit } from '../gateway/index.ts'
import type { Logger } from '../logger.ts'
import { METRICS_NAMESPACE, SERVICE_DIMENSION } from './metric-names.ts'

/** What an {@link EmbeddedMetrics} writes for. */
export interface EmbeddedMetricsOptions {
  readonly service: string
  readonly logger: Logger
  /** Whether the first invocation is to be counted as a cold start. */
  readonly isColdStart: boolean
}

/**
 * Metrics in CloudWatch's embedded format: a line of the log for each invocation that had anything to count, from which
 * CloudWatch makes the metrics by itself.
 *
 * Counts are summed up per invocation. Values of a distribution go one by one; after 100 of one name, which is the most
 * that one line may have, Powertools begins another line.
 */
export class EmbeddedMetrics implements Metrics {
  readonly #powertools: Powertools
  readonly #logger: Logger
  readonly #counts = new Map<string, number>()

  constructor({ service, logger, isColdStart }: EmbeddedMetricsOptions) {
    this.#powertools = new Powertools({ namespace: METRICS_NAMESPACE, serviceName: service, logger })
    this.#logger = logger
    if (isColdStart) this.count('coldStart', 1)
  }

  count(name: string, value: number): void {
    if (this.#takes(name, value)) this.#counts.set(name, (this.#counts.get(name) ?? 0) + value)
  }

  record(name: string, value: number, unit: MetricUnit): void {
    if (this.#takes(name, value)) this.#add(name, value, unit)
  }

  flush(): void {
    for (const [name, value] of this.#counts) this.record(name, value, 'Count')
    this.#counts.clear()
    if (this.#powertools.hasStoredMetrics()) this.#powertools.publishStoredMetrics()
  }

  /** What would cost the other metrics of the invocation, or be no number in its line, is refused, and logged. */
  #takes(name: string, value: number): boolean {
    const refusal =
      refusalOf(name) ?? (Number.isFinite(value) ? undefined : 'its value has to be a finite number')
    if (refusal === undefined) return true
    this.#logger.error(`a metric was refused: ${refusal}`, { metric: name, value: String(value) })
    return false
  }

  #add(name: string, value: number, unit: MetricUnit): void {
    try {
      this.#powertools.addMetric(name, unit, value)
    } catch (error) {
      // A name of the application's own that CloudWatch does not take must not cost the others.
      this.#logger.error('a metric could not be written', { metric: name, value, error })
    }
  }
}

/** Why `name` cannot be that of a metric in a line that has keys of its own, and is kept in a plain object. */
function refusalOf(name: string): string | undefined {
  if (name === '_aws' || name === SERVICE_DIMENSION)
    return 'a line of metrics has this key itself, use another name'
  return name in Object.prototype ? 'every object of JavaScript has this name, use another one' : undefined
}
