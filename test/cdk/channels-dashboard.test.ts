import { App, Stack } from 'aws-cdk-lib'
import { Match, Template } from 'aws-cdk-lib/assertions'
import { Code, Function as LambdaFunction, Runtime } from 'aws-cdk-lib/aws-lambda'
import { Topic } from 'aws-cdk-lib/aws-sns'
import { Queue } from 'aws-cdk-lib/aws-sqs'
import { describe, expect, test } from 'vitest'
import { ChannelsDashboard, type ChannelsDashboardProps } from '../../cdk/channels-dashboard.ts'
import { ConfigurationError } from '../../shared/errors.ts'
import { metricUnits } from '../../shared/lambda/metric-names.ts'
import { nagFindings } from '../support/nag-findings.ts'
import { readText } from '../support/repository.ts'

type Choice = Partial<ChannelsDashboardProps>

function propsOf(stack: Stack): ChannelsDashboardProps {
  const makeFunction = (id: string): LambdaFunction =>
    new LambdaFunction(stack, id, {
      runtime: Runtime.NODEJS_24_X,
      handler: 'index.handler',
      code: Code.fromInline('exports.handler = async () => {}'),
    })
  return {
    serviceName: 'chat',
    functions: { websocket: makeFunction('Websocket'), delivery: makeFunction('Delivery') },
    deliveryQueue: new Queue(stack, 'DeliveryQueue'),
    queues: { printer: new Queue(stack, 'PrinterQueue') },
    deadLetterQueues: { delivery: new Queue(stack, 'DeadDeliveries'), printer: new Queue(stack, 'DeadJobs') },
    table: { tableName: 'channels' },
    webSocketApi: { apiId: 'sockets1' },
    stageName: 'prod',
    httpApi: { apiId: 'views1' },
  }
}

function fill(stack: Stack, choice: Choice = {}): void {
  new ChannelsDashboard(stack, 'Dashboard', { ...propsOf(stack), ...choice })
}

function templateOf(choice?: Choice): Template {
  const stack = new Stack(new App({ context: { 'aws:cdk:bundling-stacks': [] } }), 'Stack')
  fill(stack, choice)
  return Template.fromStack(stack)
}

interface Graph {
  readonly properties: {
    readonly title: string
    readonly metrics: readonly (readonly unknown[])[]
  }
}

/** The graphs of the dashboard, with what CloudFormation fills in as `<…>`. */
function graphsOf(template: Template): readonly Graph['properties'][] {
  const [dashboard] = Object.values(template.findResources('AWS::CloudWatch::Dashboard'))
  const { DashboardBody: body } = (dashboard?.['Properties'] ?? {}) as {
    DashboardBody: { 'Fn::Join': [string, unknown[]] }
  }
  const parts = body['Fn::Join'][1].map((part) => (typeof part === 'string' ? part : '<reference>'))
  const { widgets } = JSON.parse(parts.join('')) as { readonly widgets: readonly Graph[] }
  return widgets.map(({ properties }) => properties)
}

interface AlarmProperties {
  readonly AlarmDescription: string
  readonly Namespace?: string
  readonly MetricName?: string
  readonly Threshold: number
  readonly Metrics?: readonly {
    readonly MetricStat?: { readonly Metric: { readonly Namespace: string; readonly MetricName: string } }
  }[]
  readonly AlarmActions?: readonly unknown[]
}

function alarmsOf(template: Template): ReadonlyMap<string, AlarmProperties> {
  const alarms = Object.entries(template.findResources('AWS::CloudWatch::Alarm'))
  return new Map(
    alarms.map(([id, { Properties }]) => [
      id.replace(/^DashboardAlarms/, '').replace(/[0-9A-F]{8}$/, ''),
      Properties as AlarmProperties,
    ]),
  )
}

/** The library's own metrics that an alarm watches. */
function ownMetricsOf({ Namespace, MetricName, Metrics = [] }: AlarmProperties): readonly string[] {
  const plain = Namespace === 'LambdaChannels' && MetricName !== undefined ? [MetricName] : []
  const summed = Metrics.flatMap(({ MetricStat }) =>
    MetricStat?.Metric.Namespace === 'LambdaChannels' ? [MetricStat.Metric.MetricName] : [],
  )
  return [...plain, ...summed]
}

const template = templateOf()
const graphs = graphsOf(template)
const alarms = alarmsOf(template)

describe('the dashboard', () => {
  test('has a graph for everything that is looked at', () => {
    expect(graphs.map(({ title }) => title)).toEqual([
      'Connections',
      'Messages from clients',
      'API Gateway',
      'Group sends: milliseconds until members are served',
      'Group sends: members',
      'What became of it',
      'Failures',
      'Functions: milliseconds, p99',
      'Functions: errors',
      'Functions: at the same time',
      'Cold starts',
      'Throttles',
      'Table: units in five minutes',
      'Queues: messages that wait',
      'Queues: seconds of the oldest message',
      'Dead letters',
      'Jobs',
      'HTTP requests',
    ])
  })

  test('shows of the library’s own metrics only such as are emitted, of this application', () => {
    const own = graphs
      .flatMap(({ metrics }) => metrics)
      .filter(([namespace]) => namespace === 'LambdaChannels')

    expect(own.length).toBeGreaterThan(20)
    for (const [, name, dimension, service] of own) {
      expect(Object.keys(metricUnits)).toContain(name)
      expect([dimension, service]).toEqual(['service', 'chat'])
    }
  })

  test('shows throttles of functions, posts and table in one graph', () => {
    const throttles = graphs.find(({ title }) => title === 'Throttles')

    expect(throttles?.metrics.map(([namespace, name]) => `${String(namespace)} ${String(name)}`)).toEqual([
      'AWS/Lambda Throttles',
      'AWS/Lambda Throttles',
      'LambdaChannels throttled',
      'AWS/DynamoDB ReadThrottleEvents',
      'AWS/DynamoDB WriteThrottleEvents',
    ])
  })

  test('of an application with neither table, workers nor HTTP has no graphs of them', () => {
    const stack = new Stack(new App(), 'Stack')
    const { table: _table, httpApi: _httpApi, queues: _queues, ...props } = propsOf(stack)
    new ChannelsDashboard(stack, 'Bare', props)

    const titles = graphsOf(Template.fromStack(stack)).map(({ title }) => title)
    expect(titles).not.toEqual(expect.arrayContaining([expect.stringMatching(/^(Table|Jobs|HTTP)/)]))
    expect([...alarmsOf(Template.fromStack(stack)).keys()].filter((name) => /Table/.test(name))).toEqual([])
  })
})

describe('the alarms', () => {
  test('are these', () => {
    expect([...alarms.keys()].toSorted()).toEqual(
      [
        'Errorswebsocket',
        'Errorsdelivery',
        'Throttleswebsocket',
        'Throttlesdelivery',
        'DeadLettersdelivery',
        'DeadLettersprinter',
        'DeliveryAge',
        'FanOutLag',
        'GatewayErrors',
        'HandlerFailures',
        'Lost',
        'TableThrottles',
        'ThrottledPosts',
      ].toSorted(),
    )
  })

  test('go off at the first dead letter, and whatever is not measured is in order', () => {
    template.hasResourceProperties('AWS::CloudWatch::Alarm', {
      MetricName: 'ApproximateNumberOfMessagesVisible',
      Statistic: 'Maximum',
      Threshold: 0,
      ComparisonOperator: 'GreaterThanThreshold',
      EvaluationPeriods: 1,
      TreatMissingData: 'notBreaching',
      Dimensions: [{ Name: 'QueueName', Value: Match.anyValue() }],
    })
    template.allResourcesProperties('AWS::CloudWatch::Alarm', { TreatMissingData: 'notBreaching' })
  })

  test('watch only metrics that are emitted', () => {
    const watched = [...alarms.values()].flatMap(ownMetricsOf)

    expect(watched).toEqual(
      expect.arrayContaining(['fanOutLag', 'handlerFailed', 'throttled', 'jobLost', 'frameFailed']),
    )
    for (const name of watched) expect(Object.keys(metricUnits)).toContain(name)
  })

  test('tell nobody unless there is a topic; then of the end as well', () => {
    for (const { AlarmActions } of alarms.values()) expect(AlarmActions).toBeUndefined()
    const stack = new Stack(new App(), 'Stack')
    fill(stack, { alarmTopic: new Topic(stack, 'Topic') })

    Template.fromStack(stack).allResourcesProperties('AWS::CloudWatch::Alarm', {
      AlarmActions: [{ Ref: Match.stringLikeRegexp('^Topic') }],
      OKActions: [{ Ref: Match.stringLikeRegexp('^Topic') }],
    })
  })

  test('have thresholds of one’s own', () => {
    const own = alarmsOf(
      templateOf({
        thresholds: { fanOutLagMs: 500, deliveryAgeSeconds: 60, handlerFailures: 0, throttledPosts: 7 },
      }),
    )

    expect(
      ['FanOutLag', 'DeliveryAge', 'HandlerFailures', 'ThrottledPosts'].map(
        (name) => own.get(name)?.Threshold,
      ),
    ).toEqual([500, 60, 0, 7])
  })

  test.each([-1, 0.5, NaN])('with a threshold of %s are an error at synth', (fanOutLagMs) => {
    const synth = (): Template => templateOf({ thresholds: { fanOutLagMs } })

    expect(synth).toThrow(ConfigurationError)
    expect(synth).toThrow(`thresholds.fanOutLagMs is ${fanOutLagMs}: use a whole number from 0`)
  })

  test('each have a line in the documentation that says what to do', async () => {
    const page = await readText('docs/topics/operations.md')
    const rows = [...page.matchAll(/^\| `([A-Za-z]+)(?:-…)?` \|/gm)].map((match) => match[1] ?? '')

    const kinds = new Set([...alarms.keys()].map((name) => name.replace(/(websocket|delivery|printer)$/, '')))
    expect(rows).toEqual(expect.arrayContaining([...kinds]))
  })
})

test('cdk-nag finds nothing in it', () => {
  const findings = nagFindings(fill)

  expect(findings.filter((finding) => / \/?Stack\/Dashboard/.test(finding))).toEqual([])
})
