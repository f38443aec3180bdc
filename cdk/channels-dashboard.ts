import { Duration } from 'aws-cdk-lib'
import { Dashboard, GraphWidget, type IMetric, type IWidget, Row } from 'aws-cdk-lib/aws-cloudwatch'
import type { IQueue } from 'aws-cdk-lib/aws-sqs'
import { Construct } from 'constructs'
import type { MetricName } from '../shared/lambda/metric-names.ts'
import { ChannelMetrics } from './channel-metrics.ts'
import { ChannelsAlarms, type ChannelsAlarmsProps } from './channels-alarms.ts'

/** What a {@link ChannelsDashboard} shows and watches. */
export interface ChannelsDashboardProps extends ChannelsAlarmsProps {
  /**
   * Further queues by name: those of workers, and the serial one.
   *
   * @default - none
   */
  readonly queues?: Readonly<Record<string, IQueue>>
  /** @default - none: the application has no HTTP side */
  readonly httpApi?: { readonly apiId: string }
}

/** Graphs in one row of the dashboard, which is 24 units wide. */
const COLUMNS = 3
const WIDTH = 24 / COLUMNS

/**
 * One CloudWatch dashboard for an application: connections, messages, group sends, what became of them, functions, throttles,
 * queues and dead letters; and the alarms.
 */
export class ChannelsDashboard extends Construct {
  readonly dashboard: Dashboard
  readonly alarms: ChannelsAlarms
  readonly #props: ChannelsDashboardProps
  readonly #metrics: ChannelMetrics

  constructor(scope: Construct, id: string, props: ChannelsDashboardProps) {
    super(scope, id)
    this.#props = props
    this.#metrics = new ChannelMetrics(props.serviceName)
    const graphs = [
      ...this.#clients(),
      ...this.#sending(),
      ...this.#functions(),
      ...this.#limits(),
      ...this.#queues(),
      ...this.#http(),
    ]
    this.dashboard = new Dashboard(this, 'Dashboard', { defaultInterval: Duration.hours(3) })
    for (let first = 0; first < graphs.length; first += COLUMNS) {
      this.dashboard.addWidgets(new Row(...graphs.slice(first, first + COLUMNS)))
    }
    this.alarms = new ChannelsAlarms(this, 'Alarms', props)
  }

  #clients(): readonly IWidget[] {
    const { webSocketApi, stageName } = this.#props
    const stage = { ApiId: webSocketApi.apiId, Stage: stageName }
    const gateway = (name: string): IMetric => ChannelMetrics.of('AWS/ApiGateway', name, stage)
    return [
      graph('Connections', this.#own('connected', 'disconnected', 'refused', 'goneConnection')),
      graph('Messages from clients', this.#own('received', 'rateLimited', 'invalidJson', 'invalidContent')),
      graph(
        'API Gateway',
        ['ConnectCount', 'MessageCount', 'ClientError', 'IntegrationError', 'ExecutionError'].map(gateway),
      ),
    ]
  }

  #sending(): readonly IWidget[] {
    const lag = (['p50', 'p99', 'Maximum'] as const).map((each) => this.#metrics.own('fanOutLag', each))
    const size = (['p50', 'p99', 'Maximum'] as const).map((each) => this.#metrics.own('fanOutSize', each))
    return [
      graph('Group sends: milliseconds until members are served', lag),
      graph('Group sends: members', size),
      graph('What became of it', this.#own('delivered', 'deferred', 'gone', 'failed')),
      graph(
        'Failures',
        this.#own(
          'handlerFailed',
          'eventFailed',
          'frameFailed',
          'closeFailed',
          'queuedDeliveryFailed',
          'unfinished',
          'unhandledRejection',
        ),
      ),
    ]
  }

  #functions(): readonly IWidget[] {
    const functions = Object.entries(this.#props.functions)
    return [
      graph(
        'Functions: milliseconds, p99',
        functions.map(([label, each]) => each.metricDuration({ label, statistic: 'p99' })),
      ),
      graph(
        'Functions: errors',
        functions.map(([label, each]) => each.metricErrors({ label })),
      ),
      graph(
        'Functions: at the same time',
        functions.map(([label, each]) =>
          each.metric('ConcurrentExecutions', { label, statistic: 'Maximum' }),
        ),
      ),
      graph('Cold starts', this.#own('coldStart')),
    ]
  }

  #limits(): readonly IWidget[] {
    const { functions, table } = this.#props
    const throttles = Object.entries(functions).map(([label, each]) => each.metricThrottles({ label }))
    const ofTable = (name: string): readonly IMetric[] =>
      table ? [ChannelMetrics.of('AWS/DynamoDB', name, { TableName: table.tableName })] : []
    return [
      graph('Throttles', [
        ...throttles,
        ...this.#own('throttled'),
        ...['ReadThrottleEvents', 'WriteThrottleEvents'].flatMap(ofTable),
      ]),
      ...(table
        ? [
            graph(
              'Table: units in five minutes',
              ['ConsumedReadCapacityUnits', 'ConsumedWriteCapacityUnits'].flatMap(ofTable),
            ),
          ]
        : []),
    ]
  }

  #queues(): readonly IWidget[] {
    const { deliveryQueue, queues = {}, deadLetterQueues } = this.#props
    const all = Object.entries({ delivery: deliveryQueue, ...queues })
    return [
      graph(
        'Queues: messages that wait',
        all.map(([label, queue]) =>
          queue.metricApproximateNumberOfMessagesVisible({ label, statistic: 'Maximum' }),
        ),
      ),
      graph(
        'Queues: seconds of the oldest message',
        all.map(([label, queue]) => queue.metricApproximateAgeOfOldestMessage({ label })),
      ),
      graph(
        'Dead letters',
        Object.entries(deadLetterQueues).map(([label, queue]) =>
          queue.metricApproximateNumberOfMessagesVisible({ label, statistic: 'Maximum' }),
        ),
      ),
      ...(Object.keys(queues).length === 0
        ? []
        : [graph('Jobs', this.#own('jobDone', 'jobFailed', 'jobLost', 'jobNotStarted', 'jobUnreadable'))]),
    ]
  }

  #http(): readonly IWidget[] {
    const { httpApi } = this.#props
    if (!httpApi) return []
    const of = (name: string): IMetric => ChannelMetrics.of('AWS/ApiGateway', name, { ApiId: httpApi.apiId })
    return [graph('HTTP requests', ['Count', '4xx', '5xx'].map(of))]
  }

  #own(...names: readonly MetricName[]): readonly IMetric[] {
    return names.map((name) => this.#metrics.own(name))
  }
}

function graph(title: string, metrics: readonly IMetric[]): GraphWidget {
  return new GraphWidget({ title, left: [...metrics], width: WIDTH })
}
