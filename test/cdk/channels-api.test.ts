import { App, Duration, RemovalPolicy, Stack, type StackProps } from 'aws-cdk-lib'
import { Match, Template } from 'aws-cdk-lib/assertions'
import { Key } from 'aws-cdk-lib/aws-kms'
import { describe, expect, test } from 'vitest'
import { ChannelsApi, type ChannelsApiProps } from '../../cdk/index.ts'
import { application } from '../../functions/application.ts'
import {
  ChannelNameRouter,
  type ChannelScope,
  Consumer,
  ProtocolTypeRouter,
  WebsocketConsumer,
} from '../../shared/index.ts'
import { nagFindings } from '../support/nag-findings.ts'

function stackOf(props: Partial<ChannelsApiProps> = {}): {
  readonly stack: Stack
  readonly api: ChannelsApi
} {
  // Nothing is bundled: what is in the functions is another test's.
  const app = new App({ context: { 'aws:cdk:bundling-stacks': [] } })
  const stack = new Stack(app, 'Chat')
  return { stack, api: addApi(stack, props) }
}

function addApi(stack: Stack, props: Partial<ChannelsApiProps>): ChannelsApi {
  return new ChannelsApi(stack, 'Api', { application, functions: 'functions', ...props })
}

const templateOf = (props: Partial<ChannelsApiProps> = {}): Template =>
  Template.fromStack(stackOf(props).stack)

/** The template as JSON in which each reference is its logical id, so that a path reads as text. */
function resolved(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(resolved)
  // Where nothing is bundled, the name of a bundle comes from where the sources are.
  if (typeof value === 'string') return value.replace(/^[0-9a-f]{64}\.zip$/, '<bundle>.zip')
  if (typeof value !== 'object' || value === null) return value
  const { Ref: ref, 'Fn::GetAtt': attribute, 'Fn::Join': join } = value as Record<string, unknown>
  if (typeof ref === 'string') return `<${ref}>`
  if (Array.isArray(attribute)) return `<${attribute.join('.')}>`
  if (Array.isArray(join)) return (resolved(join[1]) as unknown[]).join(String(join[0]))
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, resolved(item)]))
}

type Properties = Record<string, unknown>

function propertiesOf(template: Template, type: string): Record<string, Properties> {
  const found = Object.entries(template.findResources(type))
  return Object.fromEntries(
    found.map(([id, { Properties: properties }]) => [id, resolved(properties)]),
  ) as Record<string, Properties>
}

const only = (template: Template, type: string): Properties => {
  const [first, ...others] = Object.values(propertiesOf(template, type))
  expect(others).toEqual([])
  return first ?? {}
}

function variablesOf(template: Template, description: string): Record<string, string> {
  const found = Object.values(propertiesOf(template, 'AWS::Lambda::Function')).find((properties) =>
    String(properties['Description']).includes(description),
  )
  const { Variables } = (found?.['Environment'] ?? {}) as { Variables?: Record<string, string> }
  return Variables ?? {}
}

/** The routes of the sockets but for that of heartbeats, each with `field` of what it leads to. */
function socketRoutes(template: Template, field: string): readonly (readonly [unknown, unknown])[] {
  const integrations = propertiesOf(template, 'AWS::ApiGatewayV2::Integration')
  return Object.values(propertiesOf(template, 'AWS::ApiGatewayV2::Route'))
    .filter(({ ApiId, RouteKey }) => String(ApiId).includes('Sockets') && RouteKey !== 'websocket.heartbeat')
    .map(({ RouteKey, Target }) => [
      RouteKey,
      integrations[/<(\w+)>/.exec(String(Target))?.[1] ?? '']?.[field],
    ])
}

describe('the WebSocket API', () => {
  const template = templateOf()

  test('has its three routes, all to the websocket function, and one for heartbeats', () => {
    const routes = socketRoutes(template, 'IntegrationUri')

    expect(new Set(routes.map(([key]) => key))).toEqual(new Set(['$connect', '$default', '$disconnect']))
    expect(routes).toHaveLength(3)
    template.hasResourceProperties('AWS::ApiGatewayV2::Route', { RouteKey: 'websocket.heartbeat' })
    for (const [, uri] of routes) expect(uri).toMatch(/<ApiWebsocketFunction\w+\.Arn>\/invocations$/)
  })

  test('is throttled, logs who came and what failed, and keeps logs for a month', () => {
    template.hasResourceProperties('AWS::ApiGatewayV2::Stage', {
      StageName: 'prod',
      AutoDeploy: true,
      DefaultRouteSettings: {
        ThrottlingRateLimit: 1000,
        ThrottlingBurstLimit: 2000,
        LoggingLevel: 'ERROR',
      },
      AccessLogSettings: { DestinationArn: Match.anyValue(), Format: Match.stringLikeRegexp('connectionId') },
    })
    const groups = Object.values(propertiesOf(template, 'AWS::Logs::LogGroup'))
    expect(groups.map(({ RetentionInDays }) => RetentionInDays)).toEqual(groups.map(() => 30))
    expect(groups.map(({ LogGroupName }) => LogGroupName)).toContainEqual(
      expect.stringMatching(/^\/aws\/apigateway\/<ApiSocketsApi\w+>\/prod$/),
    )
  })

  test('can log before anything else of it is made, for the account has a role for that, which stays', () => {
    const accounts = template.findResources('AWS::ApiGateway::Account')
    const [account] = Object.keys(accounts)

    expect(Object.values(accounts)).toMatchObject([{ DeletionPolicy: 'Retain' }])
    template.hasResource('AWS::ApiGatewayV2::Stage', {
      Properties: { StageName: 'prod' },
      DependsOn: Match.arrayWith([account]),
    })
    templateOf({ cloudWatchRole: false }).resourceCountIs('AWS::ApiGateway::Account', 0)
  })

  test('writes no execution log if that is off', () => {
    const { DefaultRouteSettings } = Object.values(
      propertiesOf(templateOf({ executionLogs: 'off' }), 'AWS::ApiGatewayV2::Stage'),
    ).find(({ StageName }) => StageName === 'prod') as { DefaultRouteSettings: Properties }

    expect(DefaultRouteSettings).not.toHaveProperty('LoggingLevel')
  })
})

describe('the table', () => {
  test('is billed by request, encrypted, has a time to live and can be restored to any point', () => {
    const properties = only(templateOf(), 'AWS::DynamoDB::Table')

    expect(properties).toMatchObject({
      BillingMode: 'PAY_PER_REQUEST',
      KeySchema: [
        { AttributeName: 'pk', KeyType: 'HASH' },
        { AttributeName: 'sk', KeyType: 'RANGE' },
      ],
      TimeToLiveSpecification: { AttributeName: 'ttl', Enabled: true },
      PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
      SSESpecification: { SSEEnabled: true },
    })
    // Who may read it is said by roles only.
    expect(properties).not.toHaveProperty('ResourcePolicy')
  })

  test('goes with the stack, unless it is to stay', () => {
    const policyOf = (props: Partial<ChannelsApiProps>) =>
      Object.values(templateOf(props).findResources('AWS::DynamoDB::Table')).map(
        (table) => table['DeletionPolicy'],
      )

    expect(policyOf({})).toEqual(['Delete'])
    expect(policyOf({ removalPolicy: RemovalPolicy.RETAIN })).toEqual(['Retain'])
  })
})

describe('queues', () => {
  const template = templateOf()

  test('hand what has failed five times to a queue of dead letters, which keeps it for two weeks', () => {
    const queues = propertiesOf(template, 'AWS::SQS::Queue')
    const working = Object.entries(queues).filter(([id]) => !id.includes('DeadLetters'))

    expect(working.map(([id]) => id)).toEqual([
      expect.stringContaining('Delivery'),
      expect.stringContaining('Jobs'),
    ])
    for (const [, { RedrivePolicy, SqsManagedSseEnabled }] of working) {
      const { deadLetterTargetArn, maxReceiveCount } = RedrivePolicy as Properties
      const deadLetters = queues[/<(\w+)\.Arn>/.exec(String(deadLetterTargetArn))?.[1] ?? '']
      expect(maxReceiveCount).toBe(5)
      expect(deadLetters).toMatchObject({ MessageRetentionPeriod: 1_209_600, SqsManagedSseEnabled: true })
      expect(SqsManagedSseEnabled).toBe(true)
    }
  })

  test('are reached by TLS only', () => {
    const policies = Object.values(propertiesOf(template, 'AWS::SQS::QueuePolicy'))

    expect(policies).toHaveLength(4)
    for (const policy of policies) {
      expect(JSON.stringify(policy)).toContain('"Effect":"Deny"')
      expect(JSON.stringify(policy)).toContain('"aws:SecureTransport":"false"')
    }
  })

  test('keep a message for six times as long as their function runs, and take each message’s failure alone', () => {
    const queues = propertiesOf(template, 'AWS::SQS::Queue')
    const functions = propertiesOf(template, 'AWS::Lambda::Function')
    const mappings = Object.values(propertiesOf(template, 'AWS::Lambda::EventSourceMapping'))

    expect(mappings).toHaveLength(2)
    for (const { EventSourceArn, FunctionName, FunctionResponseTypes } of mappings) {
      const queue = queues[/<(\w+)\.Arn>/.exec(String(EventSourceArn))?.[1] ?? '']
      const reader = functions[/<(\w+)>/.exec(String(FunctionName))?.[1] ?? '']
      expect(FunctionResponseTypes).toEqual(['ReportBatchItemFailures'])
      expect(queue?.['VisibilityTimeout']).toBe(6 * Number(reader?.['Timeout']))
    }
  })

  test('of deliveries start so many functions that each still has a pace of its own', () => {
    template.hasResourceProperties('AWS::Lambda::EventSourceMapping', {
      ScalingConfig: { MaximumConcurrency: 100 },
      BatchSize: 10,
    })
  })
})

describe('functions', () => {
  const template = templateOf()

  test('run on Node 24 and arm64', () => {
    const functions = Object.values(propertiesOf(template, 'AWS::Lambda::Function'))

    expect(functions).toHaveLength(4)
    for (const each of functions) {
      expect(each).toMatchObject({
        Runtime: 'nodejs24.x',
        Architectures: ['arm64'],
        Handler: 'index.handler',
      })
    }
  })

  test('know the table, the queues, the hosts of pages, and where to post to', () => {
    for (const description of ['connects', 'had to wait', 'views', 'jobs']) {
      const variables = variablesOf(template, description)
      expect(variables).toMatchObject({
        CHANNELS_LAYER: 'dynamodb',
        CHANNELS_TABLE: expect.stringMatching(/^<ApiTable\w+>$/),
        CHANNELS_DELIVERY_QUEUE_URL: expect.stringMatching(/^<ApiDeliveryQueue\w+>$/),
        CHANNELS_WORKER_QUEUES: expect.stringMatching(/^\{"chat-announcements":"<ApiJobs\w+>"\}$/),
        CHANNELS_MANAGEMENT_ENDPOINT: expect.stringMatching(
          /^https:\/\/<ApiSocketsApi\w+>\.execute-api\.<AWS::Region>\.<AWS::URLSuffix>\/prod$/,
        ),
        CHANNELS_ALLOWED_HOSTS: expect.stringMatching(
          /^<ApiHttpApi\w+>\.execute-api\.<AWS::Region>\.<AWS::URLSuffix>$/,
        ),
        CHANNELS_WEBSOCKET_URL: expect.stringMatching(/^wss:\/\/<ApiSocketsApi\w+>\..*\/prod$/),
        CHANNELS_SERVICE: 'Chat-Api',
      })
    }
  })

  test('may do what they do, on their own table, queues and API, and nothing else', () => {
    const policies = Object.entries(propertiesOf(template, 'AWS::IAM::Policy'))
    const statements = (part: string) => {
      const [, policy] = policies.find(([id]) => id.includes(part)) ?? []
      const { Statement } = (policy?.['PolicyDocument'] ?? { Statement: [] }) as {
        Statement: { Action: unknown; Resource: unknown }[]
      }
      return Statement.map(({ Action, Resource }) => [[Action].flat(), [Resource].flat()])
    }

    expect(statements('HttpFunction')).toMatchInlineSnapshot(`
      [
        [
          [
            "logs:CreateLogStream",
            "logs:PutLogEvents",
          ],
          [
            "<ApiHttpFunctionLog9ADD58E3.Arn>",
          ],
        ],
        [
          [
            "dynamodb:BatchGetItem",
            "dynamodb:BatchWriteItem",
            "dynamodb:DeleteItem",
            "dynamodb:GetItem",
            "dynamodb:PutItem",
            "dynamodb:Query",
            "dynamodb:UpdateItem",
          ],
          [
            "<ApiTableF5E38EEB.Arn>",
          ],
        ],
        [
          [
            "sqs:SendMessage",
            "sqs:GetQueueAttributes",
            "sqs:GetQueueUrl",
          ],
          [
            "<ApiDeliveryQueue742E8BBC.Arn>",
          ],
        ],
        [
          [
            "sqs:SendMessage",
            "sqs:GetQueueAttributes",
            "sqs:GetQueueUrl",
          ],
          [
            "<ApiJobschatannouncementsQueue11E24BFF.Arn>",
          ],
        ],
        [
          [
            "execute-api:ManageConnections",
          ],
          [
            "arn:<AWS::Partition>:execute-api:<AWS::Region>:<AWS::AccountId>:<ApiSocketsApi1F093E31>/prod/POST/@connections/*",
            "arn:<AWS::Partition>:execute-api:<AWS::Region>:<AWS::AccountId>:<ApiSocketsApi1F093E31>/prod/GET/@connections/*",
            "arn:<AWS::Partition>:execute-api:<AWS::Region>:<AWS::AccountId>:<ApiSocketsApi1F093E31>/prod/DELETE/@connections/*",
          ],
        ],
      ]
    `)
    expect(statements('DeliveryFunction')).toContainEqual([
      expect.arrayContaining(['sqs:ReceiveMessage', 'sqs:DeleteMessage']),
      [expect.stringMatching(/^<ApiDeliveryQueue\w+\.Arn>$/)],
    ])
    expect(policies).toHaveLength(4)
  })

  test('may not so much as read each other’s logs', () => {
    for (const [id, policy] of Object.entries(propertiesOf(template, 'AWS::IAM::Policy'))) {
      const logs = JSON.stringify(policy).match(/<\w+Log\w+\.Arn>/g)
      expect([id, logs]).toEqual([id, [expect.any(String)]])
    }
  })

  test('are as large as is said', () => {
    const template = templateOf({
      sizes: {
        delivery: { memorySize: 2048, timeout: Duration.seconds(120), reservedConcurrentExecutions: 7 },
      },
    })

    template.hasResourceProperties('AWS::Lambda::Function', {
      MemorySize: 2048,
      Timeout: 120,
      ReservedConcurrentExecutions: 7,
    })
    template.hasResourceProperties('AWS::SQS::Queue', { VisibilityTimeout: 720 })
  })

  test('of yours may send too', () => {
    const { stack, api } = stackOf()
    const { grantPrincipal } = api.functions.authorizer ?? api.functions.websocket

    expect(grantPrincipal).toBeDefined()
    expect(stack.resolve(api.layerEnvironment)).toHaveProperty('CHANNELS_TABLE')
  })
})

describe('an HTTP side', () => {
  test('leads everything to the http function', () => {
    const template = templateOf()

    template.hasResourceProperties('AWS::ApiGatewayV2::Route', {
      RouteKey: '$default',
      ApiId: { Ref: Match.stringLikeRegexp('Http') },
    })
    template.hasResourceProperties('AWS::ApiGatewayV2::Integration', {
      PayloadFormatVersion: '2.0',
      IntegrationUri: { 'Fn::GetAtt': [Match.stringLikeRegexp('HttpFunction'), 'Arn'] },
    })
  })
})

describe('two in one stack', () => {
  const app = new App({ context: { 'aws:cdk:bundling-stacks': [] } })
  const stack = new Stack(app, 'Both')
  for (const id of ['One', 'Two']) new ChannelsApi(stack, id, { application, functions: 'functions' })
  const template = Template.fromStack(stack)

  test('count apart, and have names of their own in the console', () => {
    const functions = Object.values(propertiesOf(template, 'AWS::Lambda::Function'))
    const apis = Object.values(propertiesOf(template, 'AWS::ApiGatewayV2::Api'))
    const services = functions.map(({ Environment }) => JSON.stringify(Environment).match(/"Both-\w+"/)?.[0])

    expect(new Set(services)).toEqual(new Set(['"Both-One"', '"Both-Two"']))
    expect(new Set(apis.map(({ Name }) => Name))).toEqual(
      new Set(['Both-One-Sockets', 'Both-One-Http', 'Both-Two-Sockets', 'Both-Two-Http']),
    )
  })

  test('give the account its role for logs once', () => {
    template.resourceCountIs('AWS::ApiGateway::Account', 1)
  })
})

describe('workers', () => {
  class Job extends Consumer<ChannelScope> {}
  const jobs = Job.asApplication()
  const three = ProtocolTypeRouter({
    websocket: class extends WebsocketConsumer {}.asApplication(),
    channel: ChannelNameRouter({ a: jobs, b: jobs, c: jobs }),
  })
  const queuesWith = (workers?: ChannelsApiProps['workers']) =>
    Object.keys(
      templateOf({ application: three, ...(workers ? { workers } : {}) }).findResources('AWS::SQS::Queue'),
    )

  test('get other channels without a queue, and the jobs in it, going', () => {
    const byOne = new Set(queuesWith())

    expect(byOne.size).toBe(8)
    expect(new Set(queuesWith([{ channels: ['b'] }, { channels: ['c', 'a'] }]))).toEqual(byOne)
  })

  test('start no more invocations than the function may have: what is throttled counts as a failure', () => {
    const template = templateOf({
      application: three,
      workers: [{ channels: ['a', 'b', 'c'], reservedConcurrentExecutions: 10 }],
      sizes: { delivery: { reservedConcurrentExecutions: 7 } },
    })
    const mappings = Object.values(propertiesOf(template, 'AWS::Lambda::EventSourceMapping'))

    const concurrency = mappings.map(({ ScalingConfig }) => ScalingConfig)
    expect(concurrency).toHaveLength(4)
    expect(concurrency).toContainEqual({ MaximumConcurrency: 7 })
    expect(concurrency.filter((each) => JSON.stringify(each) === '{"MaximumConcurrency":3}')).toHaveLength(3)
  })

  test('and deliveries may put messages into their own queues as often as it takes', () => {
    const functions = Object.entries(propertiesOf(templateOf(), 'AWS::Lambda::Function'))
    const allowed = functions.filter(([, { RecursiveLoop }]) => RecursiveLoop === 'Allow').map(([id]) => id)

    expect(allowed).toEqual([expect.stringContaining('Delivery'), expect.stringContaining('Worker')])
  })
})

describe('ordering: serial', () => {
  const template = templateOf({ ordering: 'serial', serialQueue: { batchSize: 1 } })

  test('leads frames and ends of connections into a FIFO queue, and connects to the function', () => {
    const routes = socketRoutes(template, 'IntegrationType')

    expect(Object.fromEntries(routes)).toEqual({
      $connect: 'AWS_PROXY',
      $default: 'AWS',
      $disconnect: 'AWS',
    })
    expect(variablesOf(template, 'in order')).toHaveProperty('CHANNELS_TABLE')
  })

  test('gives the function what the others may, and its queue', () => {
    const policies = Object.entries(propertiesOf(template, 'AWS::IAM::Policy'))
    const policy = policies.find(([id]) => id.includes('SerialFunction'))

    expect(JSON.stringify(policy)).toContain('execute-api:ManageConnections')
    expect(JSON.stringify(policy)).toMatch(/sqs:ReceiveMessage/)
  })
})

test('heartbeats have a route of their own, selected by the type of a frame, unless there are to be none', () => {
  const template = templateOf()

  template.hasResourceProperties('AWS::ApiGatewayV2::Api', {
    ProtocolType: 'WEBSOCKET',
    RouteSelectionExpression: '$request.body.type',
  })
  template.hasResourceProperties('AWS::ApiGatewayV2::Route', { RouteKey: 'websocket.heartbeat' })
  templateOf({ heartbeat: false }).resourceCountIs('AWS::ApiGatewayV2::RouteResponse', 0)
})

describe('layer: redis', () => {
  const template = templateOf({ layer: 'redis' })

  test('has a cache and no table, and every function in its network', () => {
    const functions = Object.values(propertiesOf(template, 'AWS::Lambda::Function'))

    template.resourceCountIs('AWS::ElastiCache::ServerlessCache', 1)
    template.resourceCountIs('AWS::DynamoDB::Table', 0)
    expect(functions).toHaveLength(4)
    for (const each of functions) {
      expect(each).toMatchObject({
        VpcConfig: { Ipv6AllowedForDualStack: true },
        Environment: {
          Variables: { CHANNELS_LAYER: 'redis', NODE_OPTIONS: '--dns-result-order=ipv6first' },
        },
      })
    }
  })

  test('has a WebSocket API that is reached by IPv6, for the functions have nothing else', () => {
    template.hasResourceProperties('AWS::ApiGatewayV2::Api', {
      ProtocolType: 'WEBSOCKET',
      IpAddressType: 'dualstack',
    })
  })
})

describe('wrong props say what to do:', () => {
  class Idle extends Consumer<ChannelScope> {}
  const withWorkers = ProtocolTypeRouter({
    websocket: class extends WebsocketConsumer {}.asApplication(),
    channel: ChannelNameRouter({ mails: Idle.asApplication(), thumbnails: Idle.asApplication() }),
  })

  test.each<[string, Partial<ChannelsApiProps>, RegExp]>([
    [
      'a folder that is not there',
      { functions: 'lambdas' },
      /functions is "lambdas": there is no such folder at .*name the one/,
    ],
    [
      'a folder without functions',
      { functions: 'cdk' },
      /sockets need a function.*no websocket\.ts in the folder "cdk".*createWebsocketHandler/,
    ],
    [
      'an authorizer without a module',
      { authorizer: { identitySource: ['route.request.querystring.token'] } },
      /authorizer is given.*no authorizer\.ts/,
    ],
    [
      'a channel nobody works on',
      { application: withWorkers, workers: [{ channels: ['mails'] }] },
      /nobody works on the channel "thumbnails".*add it to the channels of one/,
    ],
    [
      'a worker for no channel',
      { application: withWorkers, workers: [{ channels: ['mails', 'thumbnails', 'typo'] }] },
      /workers has the channel "typo", which the application does not serve: it has the channels "mails", "thumbnails"/,
    ],
    [
      'two workers for one channel',
      { application: withWorkers, workers: [{ channels: ['mails', 'thumbnails'] }, { channels: ['mails'] }] },
      /workers has the channel "mails" more than once/,
    ],
    [
      'a worker without channels',
      { application: withWorkers, workers: [{ channels: ['mails', 'thumbnails'] }, { channels: [] }] },
      /has no channels: name those/,
    ],
    [
      'fewer invocations than queues start',
      { sizes: { delivery: { reservedConcurrentExecutions: 1 } } },
      /sizes\.delivery has reservedConcurrentExecutions 1 for 1 queue: a queue starts at least 2.*set it to 2 or more/,
    ],
    [
      'more invocations than there may be',
      { workers: [{ channels: ['chat-announcements'], reservedConcurrentExecutions: 5, maxConcurrency: 6 }] },
      /has maxConcurrency 6 for each of 1 queue, and reservedConcurrentExecutions 5.*at most 5, or reserve 6/,
    ],
    ['a stage that no URL has', { stageName: '$default' }, /stageName is "\$default": use 1 to 128 letters/],
    [
      'no throttle',
      { throttle: { rateLimit: 0, burstLimit: 1 } },
      /throttle\.rateLimit is 0: use a whole number from 1/,
    ],
    [
      'too little memory',
      { sizes: { http: { memorySize: 64 } } },
      /memorySize of the function HttpFunction, in MB, is 64: use a whole number from 128 to 10240/,
    ],
    [
      'too little time',
      { sizes: { http: { timeout: Duration.seconds(3) } } },
      /timeout of the function HttpFunction is 3 seconds: set it to 10 to 900/,
    ],
    [
      'an emulator that is no address',
      { emulatorEndpoint: 'localhost:4566' },
      /emulatorEndpoint is "localhost:4566": use the address/,
    ],
    [
      'an asset that is not there',
      { assets: { pages: 'nowhere' } },
      /the asset "pages" is to be at ".*nowhere", where there is nothing/,
    ],
  ])('%s', (_name, props, message) => {
    expect(() => stackOf(props)).toThrow(message)
  })
})

describe('cdk-nag', () => {
  test.each<[string, Partial<ChannelsApiProps>, StackProps?, ((stack: Stack) => Partial<ChannelsApiProps>)?]>(
    [
      ['a plain API', {}],
      [
        'a plain API in a region that is known',
        {},
        { env: { account: '111111111111', region: 'eu-west-1' } },
      ],
      ['one with a front', { front: true }],
      ['one with traces', { tracing: true }],
      ['one with order', { ordering: 'serial' }],
      ['one with a cache', { layer: 'redis' }],
      [
        'one with a key of its own',
        {},
        {},
        (stack) => ({ encryptionKey: new Key(stack, 'Key', { enableKeyRotation: true }) }),
      ],
    ],
  )('finds nothing in %s', (_name, props, stackProps, more) => {
    const findings = nagFindings((stack) => addApi(stack, { ...props, ...more?.(stack) }), stackProps)

    expect(findings).toEqual([])
  })
})

test('the template is as it was', () => {
  const template = templateOf()
  template.resourceCountIs('AWS::Lambda::Function', 4)
  expect(resolved(template.toJSON())).toMatchSnapshot()
})
