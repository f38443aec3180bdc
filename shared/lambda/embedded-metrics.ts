import { Metrics as Powertools } from '@aws-lambda-powertools/metrics'
import type { Metrics, MetricUnit } from '../gateway/index.ts'
import type { Logger } from '../logger.ts'
import { METRICS_NAMESPACE } from './metric-names.ts'

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
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + value)
  }

  record(name: string, value: number, unit: MetricUnit): void {
    this.#add(name, value, unit)
  }

  flush(): void {
    for (const [name, value] of this.#counts) this.#add(name, value, 'Count')
    this.#counts.clear()
    if (this.#powertools.hasStoredMetrics()) this.#powertools.publishStoredMetrics()
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
