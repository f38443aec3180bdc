import { Duration } from 'aws-cdk-lib'
import { Metric } from 'aws-cdk-lib/aws-cloudwatch'
import { type MetricName, METRICS_NAMESPACE, SERVICE_DIMENSION } from '../shared/lambda/metric-names.ts'

/** What to make of the values of a metric within a period: `Sum`, `Average`, `Maximum`, `p99` and the like. */
type Statistic = 'Average' | 'Maximum' | 'Sum' | `p${number}`

/** The metrics that the functions of one application write themselves, and those of AWS that no construct has a method for. */
export class ChannelMetrics {
  readonly #service: string

  /** @param service - the functions' `CHANNELS_SERVICE` */
  constructor(service: string) {
    this.#service = service
  }

  /** One of the library's own metrics: its sum in five minutes, unless told otherwise. */
  own(metricName: MetricName, statistic: Statistic = 'Sum', period: Duration = Duration.minutes(5)): Metric {
    return new Metric({
      namespace: METRICS_NAMESPACE,
      metricName,
      dimensionsMap: { [SERVICE_DIMENSION]: this.#service },
      statistic,
      period,
      label: statistic === 'Sum' ? metricName : `${metricName} ${statistic}`,
    })
  }

  /** A metric of AWS for the resource that `dimensions` name: its sum in five minutes. */
  static of(
    namespace: 'AWS/ApiGateway' | 'AWS/DynamoDB',
    metricName: string,
    dimensions: Readonly<Record<string, string>>,
  ): Metric {
    return new Metric({
      namespace,
      metricName,
      dimensionsMap: { ...dimensions },
      statistic: 'Sum',
      period: Duration.minutes(5),
      label: metricName,
    })
  }
}
