import { Duration } from 'aws-cdk-lib'
import {
  Alarm,
  ComparisonOperator,
  type IMetric,
  MathExpression,
  TreatMissingData,
} from 'aws-cdk-lib/aws-cloudwatch'
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions'
import type { IFunction } from 'aws-cdk-lib/aws-lambda'
import type { ITopic } from 'aws-cdk-lib/aws-sns'
import type { IQueue } from 'aws-cdk-lib/aws-sqs'
import { Construct } from 'constructs'
import { ConfigurationError } from '../shared/errors.ts'
import { requireWholeNumber } from '../shared/whole-number.ts'
import type { MetricName } from '../shared/lambda/metric-names.ts'
import { ChannelMetrics } from './channel-metrics.ts'

/** Above what an alarm goes off. */
export interface AlarmThresholds {
  /**
   * The slowest hundredth of group sends may take so many milliseconds to reach a range of members, three minutes in a row.
   *
   * @default 10_000
   */
  readonly fanOutLagMs?: number
  /**
   * The oldest message of the delivery queue may have so many seconds. The end of a connection with an expiry waits there
   * for up to 15 minutes at a time.
   *
   * @default 1200
   */
  readonly deliveryAgeSeconds?: number
  /**
   * So many handlers may fail in five minutes.
   *
   * @default 5
   */
  readonly handlerFailures?: number
  /**
   * API Gateway may answer so many posts with 429 in five minutes, three times in a row.
   *
   * @default 10_000
   */
  readonly throttledPosts?: number
}

const THRESHOLDS: Required<AlarmThresholds> = {
  fanOutLagMs: 10_000,
  deliveryAgeSeconds: 1200,
  handlerFailures: 5,
  throttledPosts: 10_000,
}

/** What {@link ChannelsAlarms} watch. */
export interface ChannelsAlarmsProps {
  /** The functions' `CHANNELS_SERVICE`. */
  readonly serviceName: string
  /** The functions by name, such as `websocket`. */
  readonly functions: Readonly<Record<string, IFunction>>
  readonly deliveryQueue: IQueue
  /** The queues of dead letters by name, such as `delivery`. */
  readonly deadLetterQueues: Readonly<Record<string, IQueue>>
  readonly webSocketApi: { readonly apiId: string }
  readonly stageName: string
  /**
   * The table of the channel layer.
   *
   * @default - none: the layer is not DynamoDB's
   */
  readonly table?: { readonly tableName: string }
  /**
   * Is told when an alarm goes off, and when it is over.
   *
   * @default - nobody is told; alarms are seen in CloudWatch
   */
  readonly alarmTopic?: ITopic
  /** @default - see there */
  readonly thresholds?: AlarmThresholds
}

interface AlarmOptions {
  readonly description: string
  /** It goes off above this. */
  readonly threshold?: number
  /** In so many periods in a row. */
  readonly periods?: number
}

/** What is lost for good when it is counted. */
const LOSSES: readonly MetricName[] = [
  'frameFailed',
  'eventFailed',
  'jobLost',
  'unfinished',
  'serialUnfinished',
  'disconnectSkipped',
]

/** The alarms of one application; docs/topics/operations.md says what each means, and what to do. */
export class ChannelsAlarms extends Construct {
  /** By name: `Lost`, `FanOutLag`, `Errors-websocket`, … */
  readonly alarms: Readonly<Record<string, Alarm>>
  readonly #props: ChannelsAlarmsProps
  readonly #thresholds: Required<AlarmThresholds>
  readonly #own: ChannelMetrics
  readonly #made: Record<string, Alarm> = {}

  /** @throws {@link ConfigurationError} for a threshold that there is not, or that is no whole number */
  constructor(scope: Construct, id: string, props: ChannelsAlarmsProps) {
    super(scope, id)
    requireThresholds(props.thresholds)
    this.#props = props
    this.#thresholds = { ...THRESHOLDS, ...props.thresholds }
    this.#own = new ChannelMetrics(props.serviceName)
    this.#watchFunctions()
    this.#watchQueues()
    this.#watchSending()
    this.#watchGateway()
    this.alarms = this.#made
  }

  #watchFunctions(): void {
    const period = Duration.minutes(5)
    for (const [name, each] of Object.entries(this.#props.functions)) {
      this.#add(`Errors-${name}`, each.metricErrors({ period }), {
        description: `The function ${name} has failed: it ran out of time or memory, or could not start. Exceptions of handlers are not among these.`,
      })
      this.#add(`Throttles-${name}`, each.metricThrottles({ period }), {
        description: `Lambda has refused to start the function ${name}: its concurrency, or the account's, is used up.`,
      })
    }
  }

  #watchQueues(): void {
    const { deadLetterQueues, deliveryQueue } = this.#props
    for (const [name, queue] of Object.entries(deadLetterQueues)) {
      const waiting = queue.metricApproximateNumberOfMessagesVisible({
        period: Duration.minutes(1),
        statistic: 'Maximum',
      })
      this.#add(`DeadLetters-${name}`, waiting, {
        description: `Messages of ${name} were given up and wait in the queue of dead letters: look at one, mend the reason, redrive.`,
      })
    }
    this.#add(
      'DeliveryAge',
      deliveryQueue.metricApproximateAgeOfOldestMessage({ period: Duration.minutes(1) }),
      {
        description:
          'The delivery queue is not worked off: its function fails, is throttled, or is too slow.',
        threshold: this.#thresholds.deliveryAgeSeconds,
        periods: 3,
      },
    )
  }

  #watchSending(): void {
    this.#add('FanOutLag', this.#own.own('fanOutLag', 'p99', Duration.minutes(1)), {
      description: 'Group sends take long to reach their members.',
      threshold: this.#thresholds.fanOutLagMs,
      periods: 3,
    })
    this.#add('HandlerFailures', this.#own.own('handlerFailed'), {
      description: 'Handlers of the application throw; each exception is in the log at error.',
      threshold: this.#thresholds.handlerFailures,
    })
    this.#add('Lost', sumOf(LOSSES.map((name) => this.#own.own(name))), {
      description:
        'Something did not reach a client, or a job did not run, and is not tried again; the log says what.',
    })
    this.#add('ThrottledPosts', this.#own.own('throttled'), {
      description: "API Gateway refuses posts: the account's limit of requests per second is reached.",
      threshold: this.#thresholds.throttledPosts,
      periods: 3,
    })
  }

  #watchGateway(): void {
    const { webSocketApi, stageName, table } = this.#props
    const stage = { ApiId: webSocketApi.apiId, Stage: stageName }
    this.#add('GatewayErrors', ChannelMetrics.of('AWS/ApiGateway', 'ExecutionError', stage), {
      description: 'API Gateway could not call the function: look at the execution log of the stage.',
    })
    if (!table) return
    const throttles = (['ReadThrottleEvents', 'WriteThrottleEvents'] as const).map((name) =>
      ChannelMetrics.of('AWS/DynamoDB', name, { TableName: table.tableName }),
    )
    this.#add('TableThrottles', sumOf(throttles), {
      description: 'DynamoDB throttles: one group or connection is used more than a partition bears.',
      threshold: 100,
      periods: 2,
    })
  }

  #add(name: string, metric: IMetric, { description, threshold = 0, periods = 1 }: AlarmOptions): void {
    const alarm = new Alarm(this, name, {
      metric,
      alarmDescription: description,
      threshold,
      comparisonOperator: ComparisonOperator.GREATER_THAN_THRESHOLD,
      evaluationPeriods: periods,
      // What does not happen is not counted.
      treatMissingData: TreatMissingData.NOT_BREACHING,
    })
    const { alarmTopic } = this.#props
    if (alarmTopic) {
      alarm.addAlarmAction(new SnsAction(alarmTopic))
      alarm.addOkAction(new SnsAction(alarmTopic))
    }
    this.#made[name] = alarm
  }
}

function requireThresholds(thresholds: AlarmThresholds = {}): void {
  for (const [name, value] of Object.entries(thresholds)) {
    if (!(name in THRESHOLDS)) {
      throw new ConfigurationError(
        `thresholds has "${name}", which no alarm has: use ${Object.keys(THRESHOLDS).join(', ')}`,
      )
    }
    requireWholeNumber(value, `thresholds.${name}`, { least: 0 })
  }
}

/** What several metrics come to; one without values counts for nothing. */
function sumOf(metrics: readonly (IMetric & { readonly metricName: string })[]): MathExpression {
  const named = metrics.map((metric) => [`m_${metric.metricName}`, metric] as const)
  return new MathExpression({
    expression: `SUM([${named.map(([id]) => id).join(', ')}])`,
    usingMetrics: Object.fromEntries(named),
    period: Duration.minutes(5),
  })
}
